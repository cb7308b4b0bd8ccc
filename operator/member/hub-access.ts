// The member's way to the hub, followed as its Secrets change, and the renewal of its token.
import { isDeepStrictEqual } from 'node:util'
import { mailboxNamespace } from '#crds/names.ts'
import { type Controller, interval } from '#runtime/controller.ts'
import { Informer } from '#runtime/informer.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { KubeConfig } from '#runtime/kube-config.ts'
import { type Secret, Secrets } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'
import {
  HUB_SECRET,
  HUB_TOKEN_SECRET,
  type HubWay,
  isSuperseded,
  joinedWay,
  newestWay,
  secretData,
  type TokenLife,
  withToken,
} from './hub-secrets.ts'

/** ServiceAccount of the mailbox that the member acts as. */
export const MEMBER_ACCOUNT = 'member'
/** Asked of the hub, which may give less. */
export const TOKEN_SECONDS = 30 * 24 * 3600
/** Of the token's life: then two thirds are left for a hub that is away. */
const RENEW_AT = 1 / 3
const LOOK_INTERVAL_MS = 60_000

/** The way to the hub that is in use. `config` is what the hub's client reads at each request. */
export class HubAccess {
  readonly config = new KubeConfig()
  #way: HubWay

  constructor(way: HubWay) {
    this.#way = way
    this.config.loadFromString(way.kubeconfig)
  }

  get way(): HubWay {
    return this.#way
  }

  get life(): TokenLife | undefined {
    return this.#way.life
  }

  take(way: HubWay): void {
    this.#way = way
    this.config.loadFromString(way.kubeconfig)
  }
}

const isDue = (life: TokenLife | undefined, nowMs: number): boolean =>
  life === undefined || nowMs >= life.issuedMs + (life.expiresMs - life.issuedMs) * RENEW_AT

/**
 * Reads the Secrets.
 * @throws Error when the user's is absent, names another cluster, or holds a kubeconfig that we refuse; the text says what to do.
 */
export const readHubAccess = async (
  local: KubeClient,
  namespace: string,
  cluster: string,
  signal?: AbortSignal,
): Promise<HubAccess> => {
  const [secret, kept] = await Promise.all(
    [HUB_SECRET, HUB_TOKEN_SECRET].map((name) => local.find(Secrets, { namespace, name }, { signal })),
  )
  if (!secret)
    throw new Error(
      `reading the access to the hub: there is no Secret ${namespace}/${HUB_SECRET}: run "kubectl vnet join ${cluster}" against the hub and apply what it prints here`,
    )
  return new HubAccess(newestWay(joinedWay(secret, cluster), kept))
}

/**
 * Follows the Secrets in every replica: a standby must know the token that the leader renewed, and a cluster that joins again dials where the new
 * Secret says. A user's Secret that is older than the token in use, as one that was put back from a repository, changes nothing.
 */
export const hubSecretInformers = (deps: MemberDeps, access: HubAccess) => {
  const { local, cluster, namespace, gate, logger, metrics, clock } = deps
  const informerOf = (name: string): Informer<Secret> => {
    const fieldSelector = `metadata.name=${name}`
    return new Informer({
      client: local,
      resource: Secrets,
      namespace,
      fieldSelector,
      view: name,
      logger,
      metrics,
      clock,
    })
  }
  const views = { hubSecret: informerOf(HUB_SECRET), hubToken: informerOf(HUB_TOKEN_SECRET) }

  const adopt = (): void => {
    const secret = views.hubSecret.lister.get(`${namespace}/${HUB_SECRET}`)
    if (!secret) return
    try {
      // Parsed and checked before it replaces what works.
      const way = newestWay(joinedWay(secret, cluster), views.hubToken.lister.get(`${namespace}/${HUB_TOKEN_SECRET}`))
      const before = access.way
      if (isDeepStrictEqual(way, before)) return
      if (isSuperseded(way, before)) {
        if (views.hubToken.hasSynced)
          logger.warn(`Secret ${namespace}/${HUB_SECRET} is older than the token in use; the earlier access stays`)
        return
      }
      access.take(way)
      const isKnown = way.server === before.server && (way.isRenewed || way.token === before.token)
      if (!isKnown) gate.reset()
    } catch (error) {
      logger.error({ err: error }, `Secret ${namespace}/${HUB_SECRET} cannot be used; the earlier access stays`)
    }
  }
  for (const view of Object.values(views)) view.onChange(adopt)
  return views
}

/**
 * Renews the token when a third of its life is over, in our own Secret, and tries again until it succeeds. A membership that was revoked shows as an
 * error of this controller and in the gate; the overlay keeps forwarding.
 */
export const hubAccessController = (deps: MemberDeps, access: HubAccess): Controller => {
  const { local, hub, cluster, namespace, logger, clock } = deps
  return hubController(deps, {
    name: 'member.hub-access',
    sources: [interval(LOOK_INTERVAL_MS, HUB_TOKEN_SECRET)],
    reconcile: async (name, { signal }) => {
      const { way } = access
      if (!isDue(way.life, clock.now())) return
      // Newer than what it replaces, also if whoever joined had a clock that is ahead of ours.
      const issuedMs = Math.max(clock.now(), (way.life?.issuedMs ?? 0) + 1)
      const account = { namespace: mailboxNamespace(cluster), name: MEMBER_ACCOUNT }
      const answer = await hub.createToken(account, { expirationSeconds: TOKEN_SECONDS, signal })
      // Whoever joined again meanwhile gave another token, perhaps for another hub.
      if (access.way !== way) return
      const expiresMs = Date.parse(answer.expirationTimestamp)
      const renewed = withToken(way, answer.token, { issuedMs, expiresMs })
      await local.apply(Secrets, { metadata: { namespace, name }, data: secretData(renewed) }, { signal })
      if (access.way === way) access.take(renewed)
      logger.info({ cluster, until: answer.expirationTimestamp }, 'renewed the token for the hub')
    },
  })
}
