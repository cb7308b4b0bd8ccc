/** A long-running part: resolves after the signal aborted and all it started has ended. */
export type Part = (signal: AbortSignal) => Promise<void>

/**
 * Runs parts side by side under one signal. The first that fails, or that ends without being asked to, aborts the others. Resolves
 * when all have ended in good order; rejects with the first cause, naming the part, when all have ended.
 */
export const runAll = async (signal: AbortSignal, parts: Record<string, Part>): Promise<void> => {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  let failure: Error | undefined
  const fail = (error: Error): void => {
    failure ??= error
    controller.abort(error)
  }
  const runPart = async ([name, part]: [string, Part]): Promise<void> => {
    try {
      await part(controller.signal)
      if (!controller.signal.aborted) fail(new Error(`${name} ended without being asked to`))
    } catch (cause) {
      // After the abort a rejection with the abort's own reason is a normal end.
      if (cause !== controller.signal.reason || !controller.signal.aborted)
        fail(new Error(`${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }))
    }
  }
  await Promise.all(Object.entries(parts).map(runPart))
  signal.removeEventListener('abort', onAbort)
  if (failure) throw failure
}
