import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { isAlreadyExists, isConflict, isNotFound } from './api-error.ts'
import { jitter, type Random } from './backoff.ts'
import { type Clock, microTimestamp, systemClock } from './clock.ts'
import type { KubeClient } from './kube-client.ts'
import type { Logger } from './logging.ts'
import type { Metrics } from './metrics.ts'
import { type Lease, Leases } from './resources.ts'

export type LeaderElectorOptions = {
  client: KubeClient
  namespace: string
  /** Name of the Lease. */
  name: string
  logger: Logger
  metrics: Metrics
  /** Must differ for each process; default: host name and a random part. */
  identity?: string
  /** Others wait so long after the last renewal that they saw. */
  leaseDurationMs?: number
  /** A leader that could not renew for so long steps down: shorter than the lease, so that two leaders never overlap. */
  renewDeadlineMs?: number
  retryPeriodMs?: number
  /** Largest epoch known from elsewhere: a Lease that was deleted then does not restart the count. */
  epochFloor?: () => number
  clock?: Clock
  random?: Random
}

/** One time of leading. `epoch` grows with every term of anyone; `signal` aborts when the lease is lost or the process ends. */
export type Term = { epoch: number; signal: AbortSignal }

type LeaseSpec = NonNullable<Lease['spec']>

/**
 * Leader election on a Lease. Clocks of different machines are never compared: a candidate counts from when *it* saw the record
 * change, on its own monotonic clock.
 *
 *   Candidate ──(free, or not renewed for its duration)──► Leader ──(no renewal within the deadline)──► Candidate
 *                                                            └──(process ends: work stops, then release)──► end
 */
export class LeaderElector {
  readonly #options: Required<LeaderElectorOptions>
  readonly #log: Logger
  #seen: { lease: Lease; spec: LeaseSpec; atMs: number } | undefined
  /** When the write began that last made or kept us holder. */
  #renewedAtMs = 0
  #largestEpoch = -1
  #isLeader = false

  constructor(options: LeaderElectorOptions) {
    this.#options = {
      identity: `${hostname()}_${randomUUID()}`,
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      epochFloor: () => -1,
      clock: systemClock,
      random: Math.random,
      ...options,
    }
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs, logger, name } = this.#options
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * 1.2))
      throw new RangeError(
        `leader election needs leaseDurationMs > renewDeadlineMs > 1.2 · retryPeriodMs, got ${leaseDurationMs}, ${renewDeadlineMs}, ${retryPeriodMs}`,
      )
    this.#log = logger.child({ lease: name })
  }

  get identity(): string {
    return this.#options.identity
  }

  get isLeader(): boolean {
    return this.#isLeader
  }

  /** Who holds the lease, as last seen. */
  get holder(): string | undefined {
    return this.#seen?.spec.holderIdentity || undefined
  }

  /**
   * Competes until `signal` aborts. Calls `lead` for each term and waits for it to return before it competes again or releases the
   * lease, so what `lead` does never outlives the term by more than it needs to stop. Rejects if `lead` rejects.
   */
  async run(lead: (term: Term) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const epoch = await this.#acquire(signal)
      if (epoch === undefined) return
      const term = this.#startTerm(epoch)
      const work = (async () => lead({ epoch, signal: term.signal }))().finally(() => term.abort())
      // Awaited below; until then a rejection must not count as unhandled.
      work.catch(() => {})
      try {
        await this.#renewWhileLeading(term, signal)
        await work
      } finally {
        term.abort()
        await work.catch(() => {})
        await this.#release()
      }
    }
  }

  #startTerm(epoch: number): AbortController {
    const term = new AbortController()
    term.signal.addEventListener('abort', () => this.#setLeader(false), { once: true })
    this.#setLeader(true)
    this.#log.info({ epoch, holder: this.identity }, 'became leader')
    return term
  }

  async #acquire(signal: AbortSignal): Promise<number | undefined> {
    const { clock, retryPeriodMs, random } = this.#options
    while (!signal.aborted) {
      try {
        if (await this.#tryAcquire(signal)) return this.#seen?.spec.leaseTransitions ?? 0
      } catch (error) {
        if (signal.aborted) return undefined
        this.#log.warn({ err: error }, 'the lease could not be read or written; trying again')
      }
      await clock.sleep(jitter(retryPeriodMs, 0.2, random), signal).catch(() => {})
    }
    return undefined
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    await this.#look(signal)
    const { holderIdentity, leaseDurationSeconds = 0 } = this.#seen?.spec ?? {}
    const expiresMs = (this.#seen?.atMs ?? 0) + leaseDurationSeconds * 1000
    // Our own identity there: a write of ours whose answer was lost.
    const isTaken = holderIdentity && holderIdentity !== this.identity
    if (isTaken && this.#options.clock.monotonicMs() < expiresMs) return false
    const epoch = Math.max(this.#largestEpoch, this.#options.epochFloor(), -1) + 1
    return await this.#put({ ...this.#record(), acquireTime: this.#now(), leaseTransitions: epoch }, signal)
  }

  async #renewWhileLeading(term: AbortController, signal: AbortSignal): Promise<void> {
    const { clock, renewDeadlineMs, retryPeriodMs } = this.#options
    const startDeadline = () =>
      clock.setTimeout(() => this.#lose(term), this.#renewedAtMs + renewDeadlineMs - clock.monotonicMs())
    const endTerm = (): void => term.abort(signal.reason)
    if (signal.aborted) endTerm()
    signal.addEventListener('abort', endTerm, { once: true })
    let deadline = startDeadline()
    try {
      while (!term.signal.aborted) {
        await clock.sleep(retryPeriodMs, term.signal).catch(() => {})
        if (term.signal.aborted || !(await this.#renew(term))) continue
        deadline.cancel()
        deadline = startDeadline()
      }
    } finally {
      deadline.cancel()
      signal.removeEventListener('abort', endTerm)
    }
  }

  async #renew(term: AbortController): Promise<boolean> {
    const seen = this.#seen
    try {
      if (seen && (await this.#put({ ...seen.spec, ...this.#record() }, term.signal))) return true
      if (this.#seen?.spec.holderIdentity !== this.identity) this.#lose(term)
    } catch (error) {
      if (!term.signal.aborted) this.#log.warn({ err: error }, 'the lease could not be renewed; trying again')
    }
    return false
  }

  #lose(term: AbortController): void {
    if (term.signal.aborted) return
    this.#log.error({ holder: this.holder }, 'lost the lease')
    term.abort(new Error(`the lease ${this.#options.name} was lost`))
  }

  /** Lets the next candidate in at once, if the lease is still ours. */
  async #release(): Promise<void> {
    const spec = this.#seen?.spec
    if (spec?.holderIdentity !== this.identity) return
    const limit = AbortSignal.timeout(5_000)
    try {
      await this.#put({ ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#now() }, limit)
      this.#log.info('released the lease')
    } catch (error) {
      this.#log.warn({ err: error }, 'the lease could not be released; it will expire')
    }
  }

  /** Writes the record over the one last seen; false when somebody else was faster, which is then seen. */
  async #put(spec: LeaseSpec, signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, clock } = this.#options
    const before = this.#seen?.lease
    // Others count from when they see the write, which is not before now.
    const startedMs = clock.monotonicMs()
    try {
      const lease = before
        ? await client.update(Leases, { ...before, spec }, { signal })
        : await client.create(Leases, { metadata: { namespace, name }, spec }, { signal })
      this.#observe(lease)
      this.#renewedAtMs = startedMs
      return true
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error
      await this.#look(signal)
      return false
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options
    const lease = await client.find(Leases, { namespace, name }, { signal })
    if (lease) this.#observe(lease)
    else this.#seen = undefined
  }

  #observe(lease: Lease): void {
    const spec = lease.spec ?? {}
    this.#largestEpoch = Math.max(this.#largestEpoch, spec.leaseTransitions ?? 0)
    const { holderIdentity, renewTime, leaseTransitions } = this.#seen?.spec ?? {}
    const isRenewed =
      !this.#seen ||
      spec.holderIdentity !== holderIdentity ||
      spec.renewTime !== renewTime ||
      spec.leaseTransitions !== leaseTransitions
    this.#seen = { lease, spec, atMs: isRenewed ? this.#options.clock.monotonicMs() : (this.#seen?.atMs ?? 0) }
  }

  #record(): LeaseSpec {
    const leaseDurationSeconds = Math.ceil(this.#options.leaseDurationMs / 1000)
    return { holderIdentity: this.identity, leaseDurationSeconds, renewTime: this.#now() }
  }

  #now(): string {
    return microTimestamp(this.#options.clock.now())
  }

  #setLeader(isLeader: boolean): void {
    this.#isLeader = isLeader
    this.#options.metrics.leader.set({ lease: this.#options.name }, isLeader ? 1 : 0)
  }
}
