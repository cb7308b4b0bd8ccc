import { setImmediate } from 'node:timers/promises'

/** So long one slice may take: leases are renewed, watches read and probes answered in between. */
const SLICE_MS = 20

/** Runs a computation in slices, and lets others have their turn after each. Rejects when the signal aborts. */
export const inSlices = async <Result>(steps: Generator<void, Result>, signal: AbortSignal): Promise<Result> => {
  let endsMs = performance.now() + SLICE_MS
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    if (performance.now() < endsMs) continue
    await setImmediate()
    signal.throwIfAborted()
    endsMs = performance.now() + SLICE_MS
  }
}
