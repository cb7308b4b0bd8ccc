import type { Clock, Timer } from './clock.ts'

type Pending = { dueMs: number; callback: () => void }

/** A clock for tests: time stands still until `advance`. Timers fire in order of their due time, then of their creation. */
export class FakeClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  readonly #pending = new Set<Pending>()

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs
    this.#startMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  /** Timers that have not fired: a test waits for one before it advances over it. */
  get pendingTimers(): number {
    return this.#pending.size
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const pending = { dueMs: this.#nowMs + Math.max(0, delayMs), callback }
    this.#pending.add(pending)
    return { cancel: () => this.#pending.delete(pending) }
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Moves time forward by `durationMs`, firing what becomes due; between two timers pending promises and I/O get a turn. */
  async advance(durationMs: number): Promise<void> {
    const targetMs = this.#nowMs + durationMs
    for (let next = this.#nextDue(targetMs); next; next = this.#nextDue(targetMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#pending.delete(next)
      next.callback()
      await turn()
    }
    this.#nowMs = targetMs
    await turn()
  }

  #nextDue(limitMs: number): Pending | undefined {
    let next: Pending | undefined
    for (const pending of this.#pending)
      if (pending.dueMs <= limitMs && (!next || pending.dueMs < next.dueMs)) next = pending
    return next
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
