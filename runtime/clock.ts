import { setTimeout as delay } from 'node:timers/promises'

export type Timer = { cancel(): void }

/** Time as an argument: nothing else in the program reads a clock, so tests can advance hours in milliseconds. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. For timestamps only: it may jump. */
  now(): number
  /** Milliseconds that only grow. For deadlines and ages. */
  monotonicMs(): number
  setTimeout(callback: () => void, delayMs: number): Timer
  /** Resolves after `delayMs`; rejects with `signal.reason` when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  sleep: async (delayMs, signal) => {
    try {
      await delay(delayMs, undefined, signal ? { signal } : {})
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** RFC 3339 with seconds, the precision of `metav1.Time`. */
export const timestamp = (epochMs: number): string => new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z')

/** RFC 3339 with microseconds, as `metav1.MicroTime` requires. */
export const microTimestamp = (epochMs: number): string => new Date(epochMs).toISOString().replace(/Z$/, '000Z')
