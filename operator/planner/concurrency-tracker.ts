import { DirtyList } from './dirty-list.ts'
import { MinSumTree } from './min-sum-tree.ts'
import type { Problem } from './problem.ts'

/** Exponent of the smooth stand-in for the maximum utilisation. */
const power = 8
const raised = (utilization: number): number => {
  const square = utilization * utilization
  const fourth = square * square
  return fourth * fourth
}
/** Utilisation is cut here, so that its power stays a number when others leave nothing. */
const utilizationLimit = 1000

/**
 * Keeps, per network with the objective `Throughput`, the largest factor by which its elastic demands can grow
 * together: the minimum over resources of (capacity - load of everything else) / its own elastic load. The minimum is
 * flat in most directions of search, so a smooth bound of it, the 8-norm of the utilisations, is kept beside it.
 */
export class ConcurrencyTracker {
  /** Own elastic load per resource; undefined for networks with another objective. */
  readonly elastic: (Float64Array | undefined)[]
  private readonly problem: Problem
  private readonly load: Float64Array
  private readonly tracked: number[] = []
  /** Per tracked network and resource: the factor that it allows, and the power of its utilisation. */
  private readonly trees: MinSumTree[] = []
  private readonly stale: DirtyList

  constructor(problem: Problem, load: Float64Array) {
    this.problem = problem
    this.load = load
    this.elastic = problem.input.networks.map(({ objective }, n) => {
      if (objective !== 'Throughput') return undefined
      this.tracked.push(n)
      this.trees[n] = new MinSumTree(problem.resources)
      return new Float64Array(problem.resources)
    })
    this.stale = new DirtyList(problem.resources)
  }

  loadChanged(resource: number): void {
    if (this.tracked.length > 0) this.stale.add(resource)
  }

  /** What the network's elastic demands may use of a resource, bit/s. */
  private room(network: number, resource: number): number {
    const own = this.elastic[network]![resource]!
    return Math.max(0, this.problem.capacity[resource]! - (this.load[resource]! - own))
  }

  private utilization(network: number, resource: number, elastic: number): number {
    return Math.min(utilizationLimit, elastic / Math.max(this.room(network, resource), 1e-9))
  }

  settle(): void {
    if (this.stale.size === 0) return
    for (const network of this.tracked) {
      const elastic = this.elastic[network]!
      const tree = this.trees[network]!
      for (const resource of this.stale.members()) {
        const own = elastic[resource]!
        if (own > 0)
          tree.set(resource, this.room(network, resource) / own, raised(this.utilization(network, resource, own)))
        else tree.set(resource, Number.POSITIVE_INFINITY, 0)
      }
    }
    this.stale.clear()
  }

  /** The factor itself; 0 if the network sends nothing elastic. */
  factor(network: number): number {
    const factor = this.trees[network]!.min
    return factor === Number.POSITIVE_INFINITY ? 0 : factor
  }

  /** 1 / 8-norm of the utilisations: at most the factor, and improving whenever any tight resource is relieved. */
  smoothFactor(network: number): number {
    const { sum } = this.trees[network]!
    return sum > 0 ? sum ** (-1 / power) : 0
  }

  /** How fast the utilisations' powers grow per bit/s of elastic load on a resource, relative to their sum. */
  price(network: number, resource: number, added: number): number {
    const own = this.elastic[network]![resource]! + added
    return own > 0 ? (raised(this.utilization(network, resource, own)) * added) / own : 0
  }
}
