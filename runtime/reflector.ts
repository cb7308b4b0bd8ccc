import { ApiError, isGone, isNotFound } from './api-error.ts'
import { exponentialBackoff, jitter, type Random } from './backoff.ts'
import { type Clock, systemClock } from './clock.ts'
import { isServed } from './discovery.ts'
import type { KubeClient } from './kube-client.ts'
import type { Selection, WatchEvent } from './kube-client-options.ts'
import { type KubeObject, keyOf, type Resource, resourceName, withoutManagedFields } from './kube-object.ts'
import { Latch } from './latch.ts'
import type { Logger } from './logging.ts'
import type { Metrics } from './metrics.ts'
import type { Store } from './store.ts'
import { startWatchdog } from './watchdog.ts'

export type ReflectorOptions<T extends KubeObject> = Selection & {
  client: KubeClient
  resource: Resource<T>
  logger: Logger
  metrics: Metrics
  clock?: Clock
  random?: Random
  /** A watch that showed neither event nor bookmark for so long is taken for dead. Servers send a bookmark each minute. */
  watchdogMs?: number
  /**
   * A kind that may be absent from the cluster: when the API server's own list of kinds lacks it, it counts as synced and empty. Of other kinds, and
   * on other evidence, a 404 empties nothing.
   */
  optional?: boolean
  /** Label `view` of the metrics, where one process watches a kind more than once: whose objects these are. */
  view?: string
  /** What is kept of an object; its key and resource version must stay. */
  transform?: (object: T) => T
}

export type ReflectorStatus = {
  state: 'Idle' | 'Listing' | 'Watching' | 'Missing' | 'BackingOff' | 'Stopped'
  hasSynced: boolean
  /** Watches that ended since the start, for whatever reason. */
  restarts: number
  /** Wall time of the newest list, event or bookmark. */
  lastEventTimeMs: number | undefined
  lastError: Error | undefined
}

type Ending = 'Timeout' | 'Expired' | 'Silent' | 'Missing' | 'Error'

class SilentWatch extends Error {}

const missingRetryMs = 30_000
/** A watch that lived so long was a success, even if it ended in an error. */
const healthyWatchMs = 10_000
const backoff = exponentialBackoff({ baseMs: 500, maxMs: 10_000 })

/**
 * Keeps a store equal to a kind in the API server: list, then watch from the list's version; on any end, watch again from the last
 * version seen; on 410 or silence, list again and apply the differences.
 *
 *   Listing ──► Watching ──(time-out, error)──► BackingOff ──► Watching
 *      ▲           └──(410, silence)──► BackingOff ──► Listing
 *      └── Missing ◄──(404, `optional`, and not in the server's list of kinds)
 *
 * From everywhere: (restart) ──► Listing
 */
export class Reflector<T extends KubeObject> {
  readonly #options: Required<ReflectorOptions<T>>
  readonly #store: Store<T>
  readonly #labels: { resource: string; view: string }
  readonly #synced = new Latch()
  #resourceVersion: string | undefined
  #round = new AbortController()
  #failures = 0
  #wasMissing = false
  #status: Omit<ReflectorStatus, 'hasSynced'> = {
    state: 'Idle',
    restarts: 0,
    lastEventTimeMs: undefined,
    lastError: undefined,
  }

  constructor(store: Store<T>, options: ReflectorOptions<T>) {
    const transform = (object: T): T => object
    const defaults = {
      clock: systemClock,
      random: Math.random,
      watchdogMs: 180_000,
      optional: false,
      view: 'local',
      transform,
    }
    const everything = { namespace: undefined, labelSelector: undefined, fieldSelector: undefined }
    this.#options = { ...defaults, ...everything, ...options }
    this.#store = store
    this.#labels = { resource: resourceName(options.resource), view: this.#options.view }
  }

  get status(): Readonly<ReflectorStatus> {
    return { ...this.#status, hasSynced: this.#synced.isOpen }
  }

  /** Resolves when the store has been filled once; rejects with the signal's reason. */
  synced(signal: AbortSignal): Promise<void> {
    return this.#synced.opened(signal)
  }

  /**
   * What is known may be that of another server: it is listed anew at once, and counts as not synced until then. The store keeps what it has, so
   * that the list tells the differences.
   */
  restart(): void {
    this.#resourceVersion = undefined
    this.#failures = 0
    this.#synced.close()
    this.#round.abort()
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const round = new AbortController()
      const onAbort = (): void => round.abort(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#round = round
      await this.#listAndWatch(round.signal)
      signal.removeEventListener('abort', onAbort)
    }
    this.#status = { ...this.#status, state: 'Stopped' }
  }

  /** One round: until the watch has ended, and the time to wait after it is over. */
  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const startedMs = this.#options.clock.monotonicMs()
    const failuresBefore = this.#failures
    let error: unknown
    try {
      if (this.#resourceVersion === undefined) await this.#list(signal)
      await this.#watch(signal)
    } catch (cause) {
      error = cause
    }
    if (signal.aborted) return
    const healthy = this.#options.clock.monotonicMs() - startedMs >= healthyWatchMs || this.#failures < failuresBefore
    this.#failures = healthy ? 0 : this.#failures + 1
    const ending = await this.#endingOf(error, signal)
    if (signal.aborted) return
    const delayMs = this.#afterEnd(ending, error)
    await this.#options.clock.sleep(delayMs, signal).catch(() => {})
  }

  async #list(signal: AbortSignal): Promise<void> {
    this.#status = { ...this.#status, state: 'Listing' }
    const { client, resource, namespace, labelSelector, fieldSelector, metrics } = this.#options
    const { items, resourceVersion } = await client.list(resource, { namespace, labelSelector, fieldSelector, signal })
    signal.throwIfAborted()
    metrics.reflectorLists.inc(this.#labels)
    this.#store.replace(items.map((item) => this.#kept(item)))
    this.#resourceVersion = resourceVersion
    this.#wasMissing = false
    this.#seen()
    this.#synced.open()
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, resource, namespace, labelSelector, fieldSelector, clock, watchdogMs, random } = this.#options
    const resourceVersion = this.#resourceVersion ?? ''
    const timeoutSeconds = Math.round(jitter(300, 1, random))
    const watch = new AbortController()
    const onAbort = (): void => watch.abort(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const watchdog = startWatchdog(clock, watchdogMs, () =>
      watch.abort(new SilentWatch(`no event and no bookmark of ${this.#labels.resource} for ${watchdogMs} ms`)),
    )
    this.#status = { ...this.#status, state: 'Watching' }
    try {
      const query = { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal: watch.signal }
      for await (const event of client.watch(resource, query)) {
        signal.throwIfAborted()
        watchdog.feed()
        this.#failures = 0
        this.#applyEvent(event)
      }
    } finally {
      watchdog.stop()
      signal.removeEventListener('abort', onAbort)
    }
  }

  #applyEvent({ type, object }: WatchEvent<T>): void {
    if (type === 'DELETED') this.#store.delete(keyOf(object))
    else if (type !== 'BOOKMARK') this.#store.upsert(this.#kept(object))
    this.#resourceVersion = object.metadata?.resourceVersion ?? this.#resourceVersion
    this.#seen()
  }

  async #endingOf(error: unknown, signal: AbortSignal): Promise<Ending> {
    if (error === undefined) return 'Timeout'
    if (isGone(error)) return 'Expired'
    if (error instanceof SilentWatch) return 'Silent'
    return isNotFound(error) && (await this.#isAbsent(signal)) ? 'Missing' : 'Error'
  }

  async #isAbsent(signal: AbortSignal): Promise<boolean> {
    const { client, resource, optional } = this.#options
    return optional && !(await isServed(client, resource, signal).catch(() => true))
  }

  #kept(object: T): T {
    return this.#options.transform(withoutManagedFields(object))
  }

  /** Records how a round ended and returns how long to wait before the next. */
  #afterEnd(ending: Ending, error: unknown): number {
    const { logger, metrics, random } = this.#options
    metrics.reflectorRestarts.inc({ ...this.#labels, reason: ending })
    const delayMs = this.#delayAfter(ending, error)
    const fields = { ...this.#labels, reason: ending, failures: this.#failures, retryInMs: Math.round(delayMs) }
    const state = ending === 'Missing' ? 'Missing' : 'BackingOff'
    const lastError = error instanceof Error ? error : undefined
    this.#status = { ...this.#status, state, restarts: this.#status.restarts + 1, lastError }
    // A watch from a version that the server has yet to reach, since it was restored, is silent as a dead one is.
    if (ending === 'Expired' || ending === 'Missing' || ending === 'Silent') this.#resourceVersion = undefined
    if (ending === 'Missing') {
      this.#store.replace([])
      this.#synced.open()
      logger[this.#wasMissing ? 'debug' : 'info'](
        fields,
        'the API server does not know this kind; waiting for its definition',
      )
      this.#wasMissing = true
      return jitter(missingRetryMs, 0.5, random)
    }
    if (ending === 'Timeout' || ending === 'Expired') logger.debug(fields, 'watch ended')
    else logger.warn({ ...fields, err: error }, 'watch failed; it will be begun again')
    return delayMs
  }

  #delayAfter(ending: Ending, error: unknown): number {
    const { random } = this.#options
    if (this.#failures === 0 && (ending === 'Timeout' || ending === 'Expired')) return 0
    const askedMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    return Math.max(askedMs, jitter(backoff(Math.max(1, this.#failures)), 0.5, random))
  }

  #seen(): void {
    const { clock, metrics } = this.#options
    const now = clock.now()
    this.#status = { ...this.#status, lastEventTimeMs: now, lastError: undefined }
    metrics.reflectorLastEvent.set(this.#labels, now / 1000)
    metrics.reflectorObjects.set(this.#labels, this.#store.size)
  }
}
