// Whether a member is alive, judged by when *we* saw its Lease change: clocks of two clusters are not compared.
import type { Lease } from '#runtime/resources.ts'

/** When we first see a Lease we have no other measure than its own time; clocks may differ by so much. */
const CLOCK_TOLERANCE_MS = 60_000
const DEFAULT_DURATION_SECONDS = 40
/** A member may not declare itself alive for ever. */
const MAX_DURATION_SECONDS = 300

type Seen = { renewTime: string; atMs: number }

export type Heartbeat = { isAlive: boolean; checkAfterMs: number; renewTime: string }

export type HeartbeatWatch = {
  observe(cluster: string, lease: Lease): Heartbeat
  forget(cluster: string): void
}

/** `monotonicMs` and `now` in milliseconds. */
export const createHeartbeatWatch = (clock: { now(): number; monotonicMs(): number }): HeartbeatWatch => {
  const seen = new Map<string, Seen>()
  return {
    observe(cluster, { spec }) {
      const renewTime = spec?.renewTime ?? ''
      const durationSeconds = Math.min(spec?.leaseDurationSeconds ?? DEFAULT_DURATION_SECONDS, MAX_DURATION_SECONDS)
      const durationMs = durationSeconds * 1000
      const nowMs = clock.monotonicMs()
      let last = seen.get(cluster)
      if (last?.renewTime !== renewTime) {
        const age = clock.now() - Date.parse(renewTime)
        const isOld = last === undefined && !(age < durationMs + CLOCK_TOLERANCE_MS)
        last = { renewTime, atMs: isOld ? Number.NEGATIVE_INFINITY : nowMs }
        seen.set(cluster, last)
      }
      const leftMs = last.atMs + durationMs - nowMs
      return { isAlive: leftMs > 0, checkAfterMs: Math.max(leftMs, 0) + 100, renewTime }
    },
    forget: (cluster) => void seen.delete(cluster),
  }
}
