import { type Backoff, exponentialBackoff } from './backoff.ts'
import { type Clock, systemClock, type Timer } from './clock.ts'
import type { Metrics } from './metrics.ts'

export type WorkQueueOptions = {
  /** Label of the metrics. */
  name: string
  clock?: Clock
  /** Delay of `addRateLimited` by the number of failures of that key. */
  backoff?: Backoff
  metrics?: Pick<Metrics, 'queueDepth' | 'queueAdds' | 'queueRetries'>
}

export const defaultBackoff = exponentialBackoff({ baseMs: 20, maxMs: 300_000 })

/**
 * Keys that want attention, first in, first out. A key waits at most once; a key that a worker holds is not given to another, and
 * if it was added meanwhile it goes to the *end* when the worker is done, so a noisy key waits its turn like all others.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #clock: Clock
  readonly #backoff: Backoff
  /** In order of arrival; a `Set` keeps it. */
  readonly #waiting = new Set<string>()
  readonly #held = new Set<string>()
  readonly #dirty = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #delayed = new Map<string, { dueMs: number; timer: Timer }>()
  readonly #takers: ((key: string) => void)[] = []
  #isShutDown = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#backoff = options.backoff ?? defaultBackoff
  }

  /** Keys that wait for a worker; delayed and held ones do not count. */
  get size(): number {
    return this.#waiting.size
  }

  /** Keys whose delay has not passed. */
  get delayed(): number {
    return this.#delayed.size
  }

  add(key: string): void {
    if (this.#isShutDown || this.#waiting.has(key)) return
    if (this.#held.has(key)) {
      this.#dirty.add(key)
      return
    }
    this.#options.metrics?.queueAdds.inc({ controller: this.#options.name })
    const taker = this.#takers.shift()
    if (taker) {
      this.#held.add(key)
      taker(key)
    } else this.#waiting.add(key)
    this.#observe()
  }

  /** Adds after a delay; of several delays of one key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isShutDown) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const dueMs = this.#clock.monotonicMs() + delayMs
    const pending = this.#delayed.get(key)
    if (pending && pending.dueMs <= dueMs) return
    pending?.timer.cancel()
    const timer = this.#clock.setTimeout(() => {
      this.#delayed.delete(key)
      this.add(key)
    }, delayMs)
    this.#delayed.set(key, { dueMs, timer })
  }

  /** Adds after the back-off of one more failure, but not before `atLeastMs`; returns the delay. */
  addRateLimited(key: string, atLeastMs = 0): number {
    const failures = this.failures(key) + 1
    this.#failures.set(key, failures)
    this.#options.metrics?.queueRetries.inc({ controller: this.#options.name })
    const delayMs = Math.max(atLeastMs, this.#backoff(failures))
    this.addAfter(key, delayMs)
    return delayMs
  }

  /** The key succeeded: its back-off starts anew. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** Waits for a key and holds it until `done`; undefined when `signal` aborts. */
  next(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted || this.#isShutDown) return Promise.resolve(undefined)
    const [first] = this.#waiting
    if (first !== undefined) {
      this.#waiting.delete(first)
      this.#held.add(first)
      this.#observe()
      return Promise.resolve(first)
    }
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1)
        resolve(undefined)
      }
      const taker = (key: string): void => {
        signal.removeEventListener('abort', onAbort)
        resolve(key)
      }
      this.#takers.push(taker)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** The worker is through with the key. */
  done(key: string): void {
    this.#held.delete(key)
    if (this.#dirty.delete(key)) this.add(key)
  }

  /** Drops everything; no timer is left behind. */
  shutDown(): void {
    this.#isShutDown = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    this.#waiting.clear()
    this.#dirty.clear()
    this.#observe()
  }

  #observe(): void {
    this.#options.metrics?.queueDepth.set({ controller: this.#options.name }, this.#waiting.size)
  }
}
