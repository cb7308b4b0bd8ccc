/** How often the event loop is looked at; shorter blocks do not matter. */
const PERIOD_MS = 5

/**
 * Watches for the longest time that the event loop did not turn. Only time in which the process itself worked counts: on a machine with other work
 * the wall clock says more about that.
 */
export const watchBlocks = (): { end(): number } => {
  let longestMs = 0
  let [wallMs, cpu] = [performance.now(), process.cpuUsage()]
  const look = (): void => {
    const [nowMs, { user, system }] = [performance.now(), process.cpuUsage(cpu)]
    longestMs = Math.max(longestMs, Math.min(nowMs - wallMs, (user + system) / 1000))
    wallMs = nowMs
    cpu = process.cpuUsage()
  }
  const timer = setInterval(look, PERIOD_MS)
  return {
    end() {
      clearInterval(timer)
      look()
      return longestMs
    },
  }
}
