import type { Path } from './routing.ts'

/**
 * All demands of one network between the same two bridges. The data plane forwards by network and bridge, so they share
 * one path: the route is a property of the group.
 */
export type Group = {
  key: number
  network: number
  from: number
  to: number
  /** Demand ids; empty: the group is idle and loads nothing. */
  demands: number[]
  /** Sums over the demands, bit/s. */
  rate: number
  elasticRate: number
  /** The strictest latency bound, microseconds. */
  bound: number
  path: Path | undefined
  /** The path that is in force now: a route, or the default. */
  presentPath: Path | undefined
  /** Residual bandwidth of the path and the resource that limits it (kept by `ResidualTracker`). */
  residual: number
  tightest: number
  /** Share of the violation sum that this group adds, and of the route changes. */
  penalty: number
  changed: boolean
}

export const idleGroup = (of: Pick<Group, 'key' | 'network' | 'from' | 'to' | 'presentPath'>): Group => ({
  ...of,
  path: of.presentPath,
  demands: [],
  rate: 0,
  elasticRate: 0,
  bound: Number.POSITIVE_INFINITY,
  residual: 0,
  tightest: -1,
  penalty: 0,
  changed: false,
})
