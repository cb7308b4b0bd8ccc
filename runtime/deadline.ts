export type Deadline = {
  signal: AbortSignal
  /** The time limit no longer applies; the parent signal still does. */
  lift(): void
  /** Ends timer and listener. Call it in `finally`. */
  end(): void
}

/**
 * A signal that aborts with the parent's reason, or with a `TimeoutError` after `timeoutMs`. Unlike `AbortSignal.any` it leaves
 * nothing behind on a parent that lives as long as the process.
 */
export const startDeadline = (parent: AbortSignal | undefined, timeoutMs: number): Deadline => {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(parent?.reason)
  const timer = setTimeout(
    () => controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  )
  if (parent?.aborted) onAbort()
  parent?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    lift: () => clearTimeout(timer),
    end: () => {
      clearTimeout(timer)
      parent?.removeEventListener('abort', onAbort)
    },
  }
}
