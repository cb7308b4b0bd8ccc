import type { State } from './state.ts'

/** 1 per demand that has what it needs: an unbroken path with room, within its bound. */
const satisfied = ({ problem, groupOfDemand, load }: State): Uint8Array =>
  Uint8Array.from(problem.demandBps, (_, demand) => {
    const path = groupOfDemand[demand]?.path
    if (!path || path.latency > problem.demandBound[demand]!) return 0
    return path.resources.every((resource) => load[resource]! <= problem.capacity[resource]!) ? 1 : 0
  })

/** What each network has on each resource, bit/s. */
const loadByNetwork = ({ problem, groups }: State): Float64Array[] => {
  const loads = problem.input.networks.map(() => new Float64Array(problem.resources))
  for (const { network, demands, path, rate } of groups.values())
    if (demands.length > 0) for (const resource of path?.resources ?? []) loads[network]![resource]! += rate
  return loads
}

/**
 * Whether a state that breaks constraints takes from somebody what they have. No network may have more unsatisfied
 * demands than before; and no demand may lose to *other* networks what it had: it counts as theirs, if it would still be
 * satisfied with the loads of others as they were.
 */
export class Interference {
  private readonly before: State
  private readonly had: Uint8Array
  private readonly missing: Int32Array
  private loads: Float64Array[] | undefined

  /** @param before what is in force now; must not change any more. */
  constructor(before: State) {
    this.before = before
    this.had = satisfied(before)
    this.missing = this.count(this.had)
  }

  private count(has: Uint8Array): Int32Array {
    const { problem } = this.before
    const missing = new Int32Array(problem.input.networks.length)
    problem.demandNetwork.forEach((network, demand) => {
      if (has[demand] === 0) missing[network]!++
    })
    return missing
  }

  in(after: State): boolean {
    const has = satisfied(after)
    if (this.count(has).some((count, network) => count > this.missing[network]!)) return true
    if (this.missing.length < 2) return false
    const lost = Array.from(has.keys()).filter((demand) => this.had[demand] === 1 && has[demand] === 0)
    if (lost.length === 0) return false
    this.loads ??= loadByNetwork(this.before)
    const now = loadByNetwork(after)
    return lost.some((demand) => this.taken(after, demand, now))
  }

  private taken({ problem, groupOfDemand }: State, demand: number, now: Float64Array[]): boolean {
    const path = groupOfDemand[demand]?.path
    if (!path || path.latency > problem.demandBound[demand]!) return false
    const network = problem.demandNetwork[demand]!
    const others = (resource: number): number => this.before.load[resource]! - this.loads![network]![resource]!
    return path.resources.every(
      (resource) => now[network]![resource]! + others(resource) <= problem.capacity[resource]!,
    )
  }
}
