import { setImmediate } from 'node:timers/promises'
import { ApiError, isConflict } from './api-error.ts'
import type { Backoff } from './backoff.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Informer } from './informer.ts'
import type { KubeObject } from './kube-object.ts'
import type { Logger } from './logging.ts'
import type { Metrics } from './metrics.ts'
import { WorkQueue } from './work-queue.ts'

/** Requests that have nothing to wait for follow each other for so long: then leases are renewed, watches read and probes answered. */
const TURN_MS = 20

/** What to reconcile: a key, never an event. */
export type Request = string
export type Result = { requeueAfterMs?: number | undefined }
export type ReconcileContext = { signal: AbortSignal; log: Logger }
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that returns nothing is the usual case.
export type Reconcile = (request: Request, context: ReconcileContext) => Promise<Result | undefined | void>

/** Where requests come from. `start` begins to enqueue and returns how to stop. */
export type Source = {
  synced(signal: AbortSignal): Promise<void>
  start(enqueue: (request: Request) => void, clock: Clock): () => void
}

export type ControllerOptions = {
  /** Dotted path, as `hub.network`: the name in logs and metrics. */
  name: string
  sources: readonly Source[]
  reconcile: Reconcile
  logger: Logger
  metrics: Metrics
  /** Requests reconciled at the same time; one request never twice. */
  workers?: number
  clock?: Clock
  backoff?: Backoff
}

/**
 * Requests of the objects of an informer: its own keys, or those that `requestsOf` maps an object to. It is called for the object as
 * it is and as it was, so that what an object no longer refers to is reconciled as well.
 */
export const source = <T extends KubeObject>(
  informer: Informer<T>,
  requestsOf: (object: T, key: string) => Iterable<Request> = (_, key) => [key],
): Source => ({
  synced: (signal) => informer.synced(signal),
  start: (enqueue) => {
    const enqueueAll = (object: T | undefined, key: string): void => {
      if (object) for (const request of requestsOf(object, key)) enqueue(request)
    }
    const stop = informer.onChange((key, previous) => {
      enqueueAll(previous, key)
      enqueueAll(informer.lister.get(key), key)
    })
    for (const key of informer.lister.keys()) enqueueAll(informer.lister.get(key), key)
    return stop
  },
})

/** The same request at the start and then every `periodMs`. */
export const interval = (periodMs: number, request: Request): Source => ({
  synced: async () => {},
  start: (enqueue, clock) => {
    const tick = (): void => {
      enqueue(request)
      timer = clock.setTimeout(tick, periodMs)
    }
    let timer = clock.setTimeout(tick, periodMs)
    enqueue(request)
    return () => timer.cancel()
  },
})

/** Sources → work queue → workers → `reconcile`, until the signal aborts. */
export class Controller {
  readonly #options: ControllerOptions
  readonly #clock: Clock
  readonly #log: Logger
  #queue: WorkQueue

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#log = options.logger.child({ controller: options.name })
    this.#queue = this.#newQueue()
  }

  get name(): string {
    return this.#options.name
  }

  enqueue(request: Request): void {
    this.#queue.add(request)
  }

  /** Waits until all sources have synced, then works. May run again after it ended (a leader that is elected again). */
  async run(signal: AbortSignal): Promise<void> {
    const { sources, workers = 1 } = this.#options
    try {
      await Promise.all(sources.map((it) => it.synced(signal)))
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    const queue = this.#queue
    const stops = sources.map((it) => it.start((request) => queue.add(request), this.#clock))
    try {
      await Promise.all(Array.from({ length: workers }, () => this.#work(queue, signal)))
    } finally {
      for (const stop of stops) stop()
      queue.shutDown()
      this.#queue = this.#newQueue()
    }
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    let turnEndsMs = performance.now() + TURN_MS
    for (let request = await queue.next(signal); request !== undefined; request = await queue.next(signal)) {
      await this.#reconcile(queue, request, signal)
      queue.done(request)
      if (performance.now() < turnEndsMs) continue
      await setImmediate()
      turnEndsMs = performance.now() + TURN_MS
    }
  }

  async #reconcile(queue: WorkQueue, request: Request, signal: AbortSignal): Promise<void> {
    const { reconcile, name, metrics } = this.#options
    const log = this.#log.child({ key: request })
    const startedMs = this.#clock.monotonicMs()
    const observe = (outcome: string): void =>
      metrics.reconcileSeconds.observe({ controller: name, outcome }, (this.#clock.monotonicMs() - startedMs) / 1000)
    try {
      const result = await reconcile(request, { signal, log })
      queue.forget(request)
      const { requeueAfterMs } = result ?? {}
      if (requeueAfterMs !== undefined) queue.addAfter(request, requeueAfterMs)
      observe(requeueAfterMs === undefined ? 'success' : 'requeue')
    } catch (error) {
      if (signal.aborted) return
      const retryInMs = queue.addRateLimited(request, error instanceof ApiError ? error.retryAfterMs : undefined)
      observe('error')
      const fields = { failures: queue.failures(request), retryInMs, err: error }
      // Somebody wrote in between; the retry reads what they wrote.
      if (isConflict(error)) log.debug(fields, 'reconcile met a conflict; it will be retried')
      else log.error(fields, 'reconcile failed; it will be retried')
    }
  }

  #newQueue(): WorkQueue {
    const { name, backoff, metrics } = this.#options
    return new WorkQueue({ name, metrics, clock: this.#clock, ...(backoff ? { backoff } : {}) })
  }
}
