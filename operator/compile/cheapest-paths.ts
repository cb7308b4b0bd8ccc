// Cheapest paths towards one destination (Dijkstra), as a tree of next hops: so all remaining paths to a destination agree, and transit bridges
// share their labels.
import type { Graph } from './graph.ts'
import { createQueue } from './priority-queue.ts'

/** Added for each bridge on the way that is not ready: it is passed only where there is no other way. */
const UNREADY_PENALTY = 1_000_000_000

export type NextHop = { next: string; cost: number; hops: number }

const isBetter = (candidate: NextHop, known: NextHop | undefined): boolean =>
  !known ||
  candidate.cost < known.cost ||
  (candidate.cost === known.cost &&
    (candidate.hops < known.hops || (candidate.hops === known.hops && candidate.next < known.next)))

/**
 * The next hop of each bridge that reaches `destination` at a cost of at most `limit`. Among equal costs fewer hops win, then the name of the
 * next hop; the result does not depend on the order of the graph.
 */
export const nextHopsTo = (
  destination: string,
  graph: Graph,
  unready: ReadonlySet<string>,
  limit = Number.POSITIVE_INFINITY,
): Map<string, NextHop> => {
  const found = new Map<string, NextHop>()
  const settled = new Set<string>()
  const queue = createQueue()
  queue.push({ cost: 0, hops: 0, bridge: destination })
  for (let item = queue.pop(); item; item = queue.pop()) {
    const { bridge, cost, hops } = item
    if (settled.has(bridge)) continue
    settled.add(bridge)
    const passing = bridge !== destination && unready.has(bridge) ? UNREADY_PENALTY : 0
    for (const [neighbour, linkCost] of graph.get(bridge) ?? []) {
      if (settled.has(neighbour) || neighbour === destination) continue
      const candidate = { next: bridge, cost: cost + linkCost + passing, hops: hops + 1 }
      if (candidate.cost > limit || !isBetter(candidate, found.get(neighbour))) continue
      found.set(neighbour, candidate)
      queue.push({ cost: candidate.cost, hops: candidate.hops, bridge: neighbour })
    }
  }
  return found
}

/** The path that the next hops describe, from `ingress` to `destination`, both included. */
export const followPath = (ingress: string, destination: string, hops: ReadonlyMap<string, NextHop>): string[] => {
  const path = [ingress]
  for (let at = ingress; at !== destination; ) {
    const hop = hops.get(at)
    if (!hop) return []
    at = hop.next
    path.push(at)
  }
  return path
}
