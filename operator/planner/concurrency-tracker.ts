import { DirtyList } from './dirty-list.ts'
import type { Problem } from './problem.ts'

/** Exponent of the smooth stand-in for the maximum utilisation. */
const power = 8
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
  private readonly powers: Float64Array[] = []
  private readonly smooth: Float64Array
  private readonly factors: Float64Array
  private readonly tightest: Int32Array
  private readonly stale: DirtyList

  constructor(problem: Problem, load: Float64Array) {
    const { networks } = problem.input
    this.problem = problem
    this.load = load
    this.elastic = networks.map((network, n) => {
      if (network.objective !== 'Throughput') return undefined
      this.tracked.push(n)
      this.powers[n] = new Float64Array(problem.resources)
      return new Float64Array(problem.resources)
    })
    this.stale = new DirtyList(problem.resources)
    this.smooth = new Float64Array(networks.length)
    this.factors = new Float64Array(networks.length).fill(Number.POSITIVE_INFINITY)
    this.tightest = new Int32Array(networks.length).fill(-1)
  }

  loadChanged(resource: number): void {
    if (this.tracked.length > 0) this.stale.add(resource)
  }

  /** What the network's elastic demands may use of a resource, bit/s. */
  room(network: number, resource: number): number {
    const own = this.elastic[network]![resource]!
    return Math.max(0, this.problem.capacity[resource]! - (this.load[resource]! - own))
  }

  utilization(network: number, resource: number, elastic: number): number {
    return Math.min(utilizationLimit, elastic / Math.max(this.room(network, resource), 1e-9))
  }

  settle(): void {
    if (this.stale.size === 0) return
    for (const network of this.tracked) {
      const elastic = this.elastic[network]!
      let rescan = false
      for (const resource of this.stale.members()) {
        const own = elastic[resource]!
        const after = own > 0 ? this.utilization(network, resource, own) ** power : 0
        this.smooth[network]! += after - this.powers[network]![resource]!
        this.powers[network]![resource] = after
        const factor = own > 0 ? this.room(network, resource) / own : Number.POSITIVE_INFINITY
        if (factor <= this.factors[network]!) {
          this.factors[network] = factor
          this.tightest[network] = resource
        } else if (this.tightest[network] === resource) rescan = true
      }
      if (rescan || this.smooth[network]! < 0) this.rescan(network)
    }
    this.stale.clear()
  }

  private rescan(network: number): void {
    const elastic = this.elastic[network]!
    let least = Number.POSITIVE_INFINITY
    let tightest = -1
    let smooth = 0
    for (let resource = 0; resource < elastic.length; resource++) {
      if (elastic[resource]! <= 0) continue
      smooth += this.powers[network]![resource]!
      const factor = this.room(network, resource) / elastic[resource]!
      if (factor < least) {
        least = factor
        tightest = resource
      }
    }
    this.factors[network] = least
    this.tightest[network] = tightest
    this.smooth[network] = smooth
  }

  /** The factor itself; 0 if the network sends nothing elastic. */
  factor(network: number): number {
    const factor = this.factors[network]!
    return factor === Number.POSITIVE_INFINITY ? 0 : factor
  }

  /** The resource that limits the factor; -1 if none does. */
  limiting(network: number): number {
    return this.tightest[network]!
  }

  /** 1 / 8-norm of the utilisations: at most the factor, and improving whenever any tight resource is relieved. */
  smoothFactor(network: number): number {
    const smooth = this.smooth[network]!
    return smooth > 0 ? smooth ** (-1 / power) : 0
  }

  /** How fast the utilisations' powers grow per bit/s of elastic load on a resource, relative to their sum. */
  price(network: number, resource: number, added: number): number {
    const own = this.elastic[network]![resource]! + added
    const utilization = this.utilization(network, resource, own)
    return own > 0 ? (utilization ** power * added) / own : 0
  }
}
