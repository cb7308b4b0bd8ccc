// Whether the mailbox on the hub is this cluster's. While it is not, nothing is written to it, and what it says is not carried out.
import { Gauge } from 'prom-client'
import { ANNOTATIONS } from '#crds/group.ts'
import { mailboxNamespace } from '#crds/names.ts'
import { ApiError } from '#runtime/api-error.ts'
import type { Reconcile, Source } from '#runtime/controller.ts'
import { Latch } from '#runtime/latch.ts'
import { type Namespace, Namespaces } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import type { HubAccess } from './hub-access.ts'

/** Why this member keeps away from its mailbox, and what to do. */
export type Refusal = { reason: string; message: string }

type Observed = { mailbox: Namespace | undefined; name: string; cluster: string; clusterUid: string }
type Check = (observed: Observed) => Refusal | undefined

/** The first that fails closes the gate. */
const checks: Check[] = [
  ({ mailbox, name, cluster }) =>
    mailbox
      ? undefined
      : {
          reason: 'MailboxMissing',
          message: `the hub has no namespace ${name}: cluster ${cluster} is no member any more, or the hub was made anew. Run "kubectl vnet join ${cluster}" against the hub and apply what it prints here, or uninstall the chart here`,
        },
  ({ mailbox, name, cluster }) =>
    mailbox?.metadata?.deletionTimestamp === undefined
      ? undefined
      : {
          reason: 'MailboxTerminating',
          message: `the namespace ${name} of the hub is being deleted: cluster ${cluster} is no member any more. Join again with "kubectl vnet join ${cluster}", or uninstall the chart here`,
        },
  ({ mailbox, cluster, clusterUid }) => {
    const pinned = mailbox?.metadata?.annotations?.[ANNOTATIONS.clusterUid]
    return pinned === undefined || pinned === clusterUid
      ? undefined
      : {
          reason: 'ClusterUIDMismatch',
          message: `the name ${cluster} belongs on the hub to cluster ${pinned}, and this is cluster ${clusterUid}: install this one under another cluster.name; or, if it takes the place of the other, delete MemberCluster ${cluster} on the hub and join again`,
        }
  },
]

export type HubGateOptions = Pick<MemberDeps, 'local' | 'hub' | 'cluster' | 'clock' | 'logger' | 'metrics'> & {
  /** Given where the hub is another cluster. */
  access?: Pick<HubAccess, 'life'> | undefined
}

/** What a failed request says of our token; undefined: nothing, the hub may just be away. */
const exclusionOf = (
  error: unknown,
  { access, cluster, clock }: Omit<HubGateOptions, 'metrics'>,
): Refusal | undefined => {
  const { expiresMs = Number.POSITIVE_INFINITY } = access?.life ?? {}
  const what = `run "kubectl vnet join ${cluster}" again against the hub and apply what it prints here`
  if (clock.now() >= expiresMs)
    return { reason: 'TokenExpired', message: `token expired at ${new Date(expiresMs).toISOString()}: ${what}` }
  return error instanceof ApiError && error.status === 401
    ? {
        reason: 'TokenRefused',
        message: `the hub refuses our token (the membership was revoked, or the hub was made anew): ${what}`,
      }
    : undefined
}

/** What is kept in memory of a kind. */
export type View = { synced(signal: AbortSignal): Promise<void> }

const CHECK_MS = 10_000
const unverified: Refusal = { reason: 'Unverified', message: 'the hub has not yet said whose mailbox it is' }

/**
 * Asks the hub every ten seconds whose mailbox it is. A hub that cannot be asked changes nothing: what was found out stays true. What is on the
 * nodes and in this cluster stays in force in all cases.
 */
export class HubGate {
  readonly #deps: Omit<HubGateOptions, 'metrics'>
  readonly #gauge: Gauge<'reason'>
  readonly #heard = new Latch()
  readonly #onReset = new Set<() => void>()
  #clusterUid: string | undefined
  /** Undefined: the mailbox is ours. */
  #refusal: Refusal | undefined = unverified
  /** Why the hub does not let us in; then there is nothing new of the mailbox, and what was found out stays true. */
  #exclusion: Refusal | undefined
  #round = 0
  #nap = new AbortController()

  constructor(deps: HubGateOptions) {
    this.#deps = deps
    this.#gauge = new Gauge({
      name: 'vnet_member_mailbox_refused',
      help: '1 while this member keeps away from its mailbox on the hub (ClusterUIDMismatch, MailboxMissing, MailboxTerminating) or is not let in (TokenExpired, TokenRefused).',
      labelNames: ['reason'],
      registers: [deps.metrics.registry],
    })
    new Gauge({
      name: 'vnet_member_hub_token_expiration_timestamp_seconds',
      help: 'When the token for the hub ends. It is renewed when a third of its life is over.',
      registers: [deps.metrics.registry],
      collect() {
        const { expiresMs } = deps.access?.life ?? {}
        if (expiresMs !== undefined) this.set(expiresMs / 1000)
      },
    })
  }

  /** Why the mailbox must be left alone. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  get hasSynced(): boolean {
    return this.#heard.isOpen
  }

  /** For readiness. A hub that was not heard yet is no fault of this cluster. */
  get readiness(): true | string {
    if (this.#exclusion) return this.#exclusion.message
    return this.#refusal === undefined || this.#refusal === unverified || this.#refusal.message
  }

  /** Resolves when the hub has answered once. */
  synced(signal: AbortSignal): Promise<void> {
    return this.#heard.opened(signal)
  }

  /** The way to the hub has changed: nothing is known of what is there. */
  reset(): void {
    this.#round++
    this.#refusal = unverified
    this.#heard.close()
    for (const handler of this.#onReset) handler()
    this.#nap.abort()
  }

  /** Calls `handler`, when the way to the hub has changed, before any guarded controller goes on. */
  onReset(handler: () => void): void {
    this.#onReset.add(handler)
  }

  /** Asks now. Throws when the hub does not answer; needed before anything is deleted because the mailbox does not have it. */
  async verify(signal: AbortSignal): Promise<Refusal | undefined> {
    const { local, hub, cluster } = this.#deps
    const round = this.#round
    this.#clusterUid ??= (await local.get(Namespaces, { name: 'kube-system' }, { signal })).metadata?.uid ?? ''
    const name = mailboxNamespace(cluster)
    const mailbox = await hub.find(Namespaces, { name }, { signal })
    const observed = { mailbox, name, cluster, clusterUid: this.#clusterUid }
    const refusal = checks.map((check) => check(observed)).find(Boolean)
    if (round === this.#round) this.#settle(refusal)
    return refusal
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#deps
    let said = ''
    while (!signal.aborted) {
      try {
        await this.verify(signal)
        said = ''
      } catch (error) {
        if (signal.aborted) break
        this.#exclude(exclusionOf(error, this.#deps))
        const { message } = error as Error
        if (message !== said) logger.warn({ err: error }, 'the hub does not say whose mailbox it is')
        said = message
      }
      this.#nap = new AbortController()
      await clock.sleep(CHECK_MS, AbortSignal.any([signal, this.#nap.signal])).catch(() => {})
    }
  }

  /** For controllers that read or write the mailbox. */
  source(): Source {
    return { synced: (signal) => this.synced(signal), start: () => () => {} }
  }

  /** Reconciles while the mailbox is ours and the views of it are complete, which after a reset is waited for as at the start; else looks again later. */
  guard(reconcile: Reconcile, views: readonly View[] = []): Reconcile {
    return async (request, context) => {
      await Promise.all([this, ...views].map((it) => it.synced(context.signal)))
      return this.#refusal ? { requeueAfterMs: CHECK_MS } : await reconcile(request, context)
    }
  }

  #exclude(exclusion: Refusal | undefined): void {
    if (exclusion?.reason === this.#exclusion?.reason) return
    if (this.#exclusion) this.#gauge.remove(this.#exclusion.reason)
    this.#exclusion = exclusion
    if (!exclusion) return
    const { logger, cluster } = this.#deps
    this.#gauge.set({ reason: exclusion.reason }, 1)
    logger.error({ cluster, reason: exclusion.reason }, `${exclusion.message}. What is in force here stays in force`)
  }

  #settle(refusal: Refusal | undefined): void {
    const { logger, cluster } = this.#deps
    this.#exclude(undefined)
    if (refusal?.reason !== this.#refusal?.reason) {
      this.#gauge.reset()
      if (refusal) {
        this.#gauge.set({ reason: refusal.reason }, 1)
        logger.error({ cluster, reason: refusal.reason }, `${refusal.message}. What is in force here stays in force`)
      } else logger.info('the mailbox on the hub is that of this cluster')
    }
    this.#refusal = refusal
    this.#heard.open()
  }
}
