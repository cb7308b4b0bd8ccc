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
/** Arcs per bridge from which on paths of one relay are worth looking at first. */
const denseDegree = 16
const widthShares = [1, 0.75, 0.5, 0.25]

type LinkOfNetwork = { network: number; link: number }

/**
 * Proposes paths for a group that has none at the moment (its load is taken out): cheapest paths under prices that say
 * what each arc would cost the score, and widest paths. Prices are first-order, so the caller evaluates what it gets.
 */
export class Proposals {
  private readonly state: State
  private readonly perUnit: number[]
  private readonly balancedOrResidual: boolean[]
  private readonly dense: boolean
  /** A link that proposals for one network avoid, while the search tries to do without it. */
  ban: LinkOfNetwork | undefined
  /** A link that is kept free for one network within its budget: paths may use it, and no other new one in its place. */
  grant: LinkOfNetwork | undefined

  constructor(state: State, evaluator: Evaluator) {
    this.state = state
    this.perUnit = evaluator.perUnit
    this.dense = state.problem.arcs >= denseDegree * state.problem.bridges
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
    let needed = 0
    for (const arc of path.arcs) {
      if (this.banned(group.network, linkOfArc(arc))) return false
      if (!this.has(group.network, linkOfArc(arc))) needed++
    }
    return needed === 0 || needed <= this.spare(group.network)
  }

  private granted(network: number): number | undefined {
    return this.grant?.network === network ? this.grant.link : undefined
  }

  private has(network: number, link: number): boolean {
    return this.state.topology.has(network, link) || this.granted(network) === link
  }

  /** How many links the network may add to those that it has or is granted. */
  private spare(network: number): number {
    const granted = this.granted(network)
    const pending = granted !== undefined && !this.state.topology.has(network, granted) ? 1 : 0
    return this.state.topology.spare(network) - pending
  }

  private banned(network: number, link: number): boolean {
    return this.ban !== undefined && this.ban.network === network && this.ban.link === link
  }

  private query(group: Group): Omit<PathQuery, 'mode' | 'weight'> {
    const { routing, problem } = this.state
    return { from: group.from, to: group.to, transit: routing.transit(group.network), maxHops: problem.maxHops }
  }

  /** 1 per arc that a new path may use: allowed, not banned, and its link there already or within the budget. */
  private open(network: number): Uint8Array {
    const usable = this.state.routing.usable(network)
    const free = this.spare(network) > 0
    if (free && this.ban === undefined) return usable
    const allowed = (link: number): boolean => (free || this.has(network, link)) && !this.banned(network, link)
    return usable.map((open, arc) => (open === 1 && allowed(linkOfArc(arc)) ? 1 : 0))
  }

  widest(group: Group): number[] | undefined {
    const { routing, problem, widths } = this.state
    const arcs = { width: widths.current, open: this.open(group.network), latency: problem.arcLatency }
    return routing.widest.find(this.query(group), arcs)
  }

  /** The path of lowest latency that has room for the group's load, or else simply of lowest latency. */
  fastest(group: Group): number[] | undefined {
    const { arcLatency } = this.state.problem
    const latency = (arc: number): number => arcLatency[arc]!
    return this.cheapest(group, latency, group.rate) ?? this.cheapest(group, latency, Number.NEGATIVE_INFINITY)
  }

  /** The cheapest path over arcs that have at least so much left. */
  private cheapest(group: Group, price: (arc: number) => number, least: number, quick = false): number[] | undefined {
    const open = this.open(group.network)
    const { finder } = this.state.routing
    const query = this.query(group)
    const any = (arc: number): number => (open[arc] === 1 ? price(arc) : Number.POSITIVE_INFINITY)
    // To know what is left of every arc takes long, so it is asked for only if it matters.
    const width = least === Number.NEGATIVE_INFINITY ? undefined : this.state.widths.current
    const weight = width ? (arc: number): number => (width[arc]! >= least ? any(arc) : Number.POSITIVE_INFINITY) : any
    const near = quick ? finder.nearby(query, weight) : undefined
    return near ?? finder.cheapest({ ...query, mode: 'Sum', weight })
  }

  private priced(group: Group, effort: 'All' | 'Few'): number[][] {
    const price = this.price(group)
    const quick = effort === 'Few' && this.dense
    const found = [this.cheapest(group, price, Number.NEGATIVE_INFINITY, quick)]
    if (this.balancedOrResidual[group.network]) {
      const widest = this.widest(group)
      const width = this.state.widths.current
      const least = (widest ?? []).reduce((most, arc) => Math.min(most, width[arc]!), Number.POSITIVE_INFINITY)
      found.push(widest)
      const shares = effort === 'All' ? widthShares : quick ? [0.5] : []
      if (least > 0) for (const share of shares) found.push(this.cheapest(group, price, share * least, quick))
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
