import { DirtyList } from './dirty-list.ts'
import type { Group } from './group.ts'
import type { Problem } from './problem.ts'

/**
 * Keeps, per network, the sum over demands of the residual bandwidth of their path, while loads change. A change on one
 * resource touches only the groups that cross it, and most of those in constant time: their minimum moves only if the
 * resource becomes tighter than it, or was it.
 */
export class ResidualTracker {
  readonly sums: Float64Array
  /** Per resource, the demands that have it as their bottleneck: what one bit/s more on it takes from the sums. */
  readonly harm: Float64Array
  private readonly problem: Problem
  private readonly load: Float64Array
  private readonly tracked: Uint8Array
  private readonly crossing: (Set<Group> | undefined)[]
  private readonly stale: DirtyList
  /** Groups that entered since the last settling; their residual is not known yet. */
  private readonly entered = new Set<Group>()

  constructor(problem: Problem, load: Float64Array) {
    this.problem = problem
    this.load = load
    this.tracked = Uint8Array.from(problem.input.networks, ({ objective }) =>
      objective === 'ResidualBandwidth' || objective === 'Balanced' ? 1 : 0,
    )
    this.sums = new Float64Array(problem.input.networks.length)
    this.harm = new Float64Array(problem.resources)
    this.crossing = new Array(problem.resources)
    this.stale = new DirtyList(problem.resources)
  }

  tracks(network: number): boolean {
    return this.tracked[network] === 1
  }

  loadChanged(resource: number): void {
    if ((this.crossing[resource]?.size ?? 0) > 0) this.stale.add(resource)
  }

  enter(group: Group): void {
    if (this.tracked[group.network] === 0 || !group.path) return
    for (const resource of group.path.resources) {
      this.crossing[resource] ??= new Set()
      this.crossing[resource].add(group)
    }
    this.entered.add(group)
  }

  leave(group: Group): void {
    if (this.tracked[group.network] === 0 || !group.path || group.demands.length === 0) return
    for (const resource of group.path.resources) this.crossing[resource]!.delete(group)
    if (this.entered.delete(group)) return
    this.sums[group.network]! -= group.demands.length * group.residual
    this.harm[group.tightest]! -= group.demands.length
    group.residual = 0
    group.tightest = -1
  }

  /** Brings the sums up to date with all load changes since the last call. */
  settle(): void {
    for (const resource of this.stale.members()) {
      const left = this.problem.capacity[resource]! - this.load[resource]!
      for (const group of this.crossing[resource]!) {
        if (group.tightest < 0) continue
        if (left < group.residual) this.set(group, left, resource)
        else if (group.tightest === resource) this.recompute(group)
      }
    }
    this.stale.clear()
    for (const group of this.entered) this.recompute(group)
    this.entered.clear()
  }

  private recompute(group: Group): void {
    let least = Number.POSITIVE_INFINITY
    let tightest = -1
    for (const resource of group.path!.resources) {
      const left = this.problem.capacity[resource]! - this.load[resource]!
      if (left < least) {
        least = left
        tightest = resource
      }
    }
    this.set(group, least, tightest)
  }

  private set(group: Group, residual: number, tightest: number): void {
    this.sums[group.network]! += group.demands.length * (residual - group.residual)
    if (group.tightest !== tightest) {
      if (group.tightest >= 0) this.harm[group.tightest]! -= group.demands.length
      this.harm[tightest]! += group.demands.length
    }
    group.residual = residual
    group.tightest = tightest
  }
}
