import { setTimeout as delay } from 'node:timers/promises'

export type WaitOptions = {
  /** What is waited for, for the error: "pods of vnet-system are ready". */
  what: string
  timeoutMs?: number
  intervalMs?: number
  signal?: AbortSignal | undefined
}

/** Asks until the answer is neither undefined nor false, and returns it; an error of the last question is the timeout's cause. */
export const waitUntil = async <T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { what, timeoutMs = 60_000, intervalMs = 200, signal }: WaitOptions,
): Promise<T> => {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    let problem: unknown
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      problem = error
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`not within ${timeoutMs / 1000} s: ${what}${problem ? `: ${(problem as Error).message}` : ''}`, {
        cause: problem,
      })
    }
    await delay(intervalMs, undefined, signal ? { signal } : {})
  }
}
