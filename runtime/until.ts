/**
 * Test support: waits, in real time, until `condition` returns something truthy, and returns it. Fails after `timeoutMs` with
 * the condition's source, because that says what was missing.
 */
export const until = async <T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
): Promise<T> => {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadlineMs) throw new Error(`not true within ${timeoutMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
