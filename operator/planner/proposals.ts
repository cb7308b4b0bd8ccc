import type { Group } from './group.ts'
import type { Evaluator } from './objectives.ts'
import type { PathQuery } from './paths.ts'
import { linkOfArc, may } from './problem.ts'
import { makePath, type Path, samePath } from './routing.ts'
import type { State } from './state.ts'

/** How much a path is charged for overloading a resource by all of its capacity: more than any objective can gain. */
const overloadPrice = 1e3
/** A charge per link, so that of equal paths the shorter wins. */
const hopPrice = 1e-9
const widthShares = [1, 0.75, 0.5, 0.25]

/** Bit/s left on the arc and on every bottleneck that it belongs to. */
export const residualWidth = ({ problem, load }: State, arc: number): number => {
  let least = Number.POSITIVE_INFINITY
  for (let i = problem.arcResourceStart[arc]!; i < problem.arcResourceStart[arc + 1]!; i++) {
    const resource = problem.arcResource[i]!
    const left = problem.capacity[resource]! - load[resource]!
    if (left < least) least = left
  }
  return least
}

type Ban = { network: number; link: number }

/**
 * Proposes paths for a group that has none at the moment (its load is taken out): cheapest paths under prices that say
 * what each arc would cost the score, and widest paths. Prices are first-order, so the caller evaluates what it gets.
 */
export class Proposals {
  private readonly state: State
  private readonly perUnit: number[]
  private readonly balancedOrResidual: boolean[]
  /** A link that proposals for one network avoid, while the search tries to do without it. */
  ban: Ban | undefined

  constructor(state: State, evaluator: Evaluator) {
    this.state = state
    this.perUnit = evaluator.perUnit
    this.balancedOrResidual = state.problem.input.networks.map(
      ({ objective }) => objective === 'ResidualBandwidth' || objective === 'Balanced',
    )
  }

  /** Listed candidates first, then priced ones; no path twice. `Few`: at most two priced paths and no list. */
  paths(group: Group, effort: 'All' | 'Few'): Path[] {
    const { routing, problem } = this.state
    const { network, from, to, presentPath } = group
    if (from === to) return [routing.local(from)]
    const found: Path[] = []
    const add = (path: Path | undefined): void => {
      if (path && this.affordable(group, path) && !found.some((known) => samePath(known, path))) found.push(path)
    }
    add(presentPath)
    add(routing.defaultPath(network, from, to))
    if (!may(problem, network, 'Routes')) return found.slice(0, 1)
    if (effort === 'All') for (const path of routing.candidates(network, from, to)) add(path)
    for (const arcs of this.priced(group, effort)) add(makePath(problem, arcs))
    return found
  }

  /** Whether the network may have the links that the path needs, within its link budget and the ban. */
  affordable(group: Group, path: Path): boolean {
    const { topology } = this.state
    let needed = 0
    for (const arc of path.arcs) {
      if (this.banned(group.network, linkOfArc(arc))) return false
      if (!topology.has(group.network, linkOfArc(arc))) needed++
    }
    return needed === 0 || needed <= topology.spare(group.network)
  }

  private banned(network: number, link: number): boolean {
    return this.ban !== undefined && this.ban.network === network && this.ban.link === link
  }

  private query(group: Group): Omit<PathQuery, 'mode' | 'weight'> {
    const { routing, problem } = this.state
    return { from: group.from, to: group.to, transit: routing.transit(group.network), maxHops: problem.maxHops }
  }

  /** Whether a new path may use the arc: allowed, not banned, and its link there already or within the budget. */
  open(network: number): (arc: number) => boolean {
    const { routing, topology } = this.state
    const usable = routing.usable(network)
    const free = topology.spare(network) > 0
    return (arc) =>
      usable[arc] === 1 && (free || topology.has(network, linkOfArc(arc))) && !this.banned(network, linkOfArc(arc))
  }

  widest(group: Group): number[] | undefined {
    const open = this.open(group.network)
    const width = (arc: number): number => (open(arc) ? residualWidth(this.state, arc) : Number.NEGATIVE_INFINITY)
    return this.state.routing.finder.widest(this.query(group), width, this.state.problem.arcLatency)
  }

  /** The path of lowest latency that has room for the group's load, or else simply of lowest latency. */
  fastest(group: Group): number[] | undefined {
    const { routing, problem } = this.state
    const open = this.open(group.network)
    const search = (rate: number): number[] | undefined =>
      routing.finder.cheapest({
        ...this.query(group),
        mode: 'Sum',
        weight: (arc) =>
          open(arc) && residualWidth(this.state, arc) >= rate ? problem.arcLatency[arc]! : Number.POSITIVE_INFINITY,
      })
    return search(group.rate) ?? search(Number.NEGATIVE_INFINITY)
  }

  private priced(group: Group, effort: 'All' | 'Few'): number[][] {
    const { routing } = this.state
    const price = this.price(group)
    const open = this.open(group.network)
    const cheapest = (least: number): number[] | undefined =>
      routing.finder.cheapest({
        ...this.query(group),
        mode: 'Sum',
        weight: (arc) => (open(arc) && residualWidth(this.state, arc) >= least ? price(arc) : Number.POSITIVE_INFINITY),
      })
    const found = [cheapest(Number.NEGATIVE_INFINITY)]
    if (this.balancedOrResidual[group.network]) {
      const widest = this.widest(group)
      const width = (widest ?? []).reduce(
        (least, arc) => Math.min(least, residualWidth(this.state, arc)),
        Number.POSITIVE_INFINITY,
      )
      found.push(widest)
      if (effort === 'All' && width > 0) for (const share of widthShares) found.push(cheapest(share * width))
    }
    if (effort === 'All' || group.bound < Number.POSITIVE_INFINITY) found.push(this.fastest(group))
    return found.filter((path) => path !== undefined)
  }

  /** What the group's load on an arc would cost, in units of the score, as far as one arc can tell. */
  private price(group: Group): (arc: number) => number {
    const { problem, load, residuals, concurrency, topology } = this.state
    const { network, rate, elasticRate } = group
    const { objective } = problem.input.networks[network]!
    const unit = Math.abs(this.perUnit[network]!)
    const perMicrosecond = objective === 'Latency' ? unit * rate : objective === 'Balanced' ? unit * 1e-3 : 0
    const perCost = objective === 'MinimumCost' ? unit : 0
    const harm = this.balancedOrResidual[network]
    const concurrent = objective === 'Throughput' && elasticRate > 0
    return (arc) => {
      let sum = hopPrice + perMicrosecond * problem.arcLatency[arc]!
      if (!topology.has(network, linkOfArc(arc)))
        sum += perCost * problem.linkCost[linkOfArc(arc)]! + problem.costs.perLinkChange
      for (let i = problem.arcResourceStart[arc]!; i < problem.arcResourceStart[arc + 1]!; i++) {
        const resource = problem.arcResource[i]!
        const over = load[resource]! + rate - problem.capacity[resource]!
        if (over > 0) sum += (overloadPrice * Math.min(over, rate)) / Math.max(problem.capacity[resource]!, 1e6)
        if (harm) sum += rate * unit * residuals.harm[resource]!
        if (concurrent) sum += concurrency.price(network, resource, elasticRate)
      }
      return sum
    }
  }
}
