/** Runs a computation that can be paused to its end. */
export const drain = <Result>(steps: Generator<void, Result>): Result => {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}
