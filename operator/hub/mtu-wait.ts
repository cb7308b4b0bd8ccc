import type { NetworkDecision } from './network-decision.ts'

/** So long a new network waits for connected clusters that do not say what their nodes carry. */
export const MTU_WAIT_MS = 120_000

type Clock = { monotonicMs(): number }

/**
 * Bounds that wait: a cluster without a working agent, or scaled to zero, must not keep a network from all others. Nodes of it that carry less are
 * named when they come.
 */
export class MtuWait {
  readonly #clock: Clock
  readonly #since = new Map<string, { clusters: string; atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The decision as it stands now, and when to decide again. */
  settle(decision: NetworkDecision): { decision: NetworkDecision; againInMs?: number } {
    const { key, silent } = decision
    if (silent.clusters.length === 0) {
      this.forget(key)
      return { decision }
    }
    const clusters = silent.clusters.join()
    const known = this.#since.get(key)
    const since = known?.clusters === clusters ? known : { clusters, atMs: this.#clock.monotonicMs() }
    this.#since.set(key, since)
    const leftMs = since.atMs + MTU_WAIT_MS - this.#clock.monotonicMs()
    if (leftMs > 0) return { decision, againInMs: leftMs }
    return { decision: { ...decision, mtuBytes: silent.mtuBytesOfOthers } }
  }

  forget(key: string): void {
    this.#since.delete(key)
  }
}
