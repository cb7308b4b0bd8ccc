import { linkOfArc, mayRelink, type Problem } from './problem.ts'
import type { Path, Routing } from './routing.ts'
import { penalties, type ViolationSum } from './violation-sum.ts'

/**
 * Which links each network has: those it keeps (baseline, pinned), and those that its routes use. Unused links of the
 * present topology count as removed, unless the budget of link changes is too small to remove them all; then all stay.
 */
export class TopologyUse {
  /** Sum of link costs per network. */
  readonly cost: Float64Array
  /** Added plus removed links over all networks; a tunnel that must be set up counts once more. */
  changes = 0
  private readonly problem: Problem
  private readonly routing: Routing
  private readonly violations: ViolationSum
  private readonly uses: Int32Array[]
  private readonly fixed: Set<number>[]
  /** Links beyond the baseline, per network. */
  private readonly extra: Int32Array
  private readonly linkBudget: Float64Array
  private readonly changeBudget: number

  constructor(
    problem: Problem,
    routing: Routing,
    violations: ViolationSum,
    stale: Set<number>[],
    keepStale: (network: number) => boolean,
  ) {
    const { networks, links, budgets } = problem.input
    this.problem = problem
    this.routing = routing
    this.violations = violations
    this.changeBudget = Math.floor(budgets.linkChanges ?? Number.POSITIVE_INFINITY)
    const removable = stale.reduce((sum, set, n) => sum + (keepStale(n) ? 0 : set.size), 0)
    const hold = (n: number): boolean => keepStale(n) || removable > this.changeBudget
    this.uses = networks.map(() => new Int32Array(links.length))
    this.fixed = routing.keptLinks.map((kept, n) => (hold(n) ? new Set([...kept, ...stale[n]!]) : kept))
    this.linkBudget = Float64Array.from(networks, (network) => network.linkBudget ?? Number.POSITIVE_INFINITY)
    this.extra = new Int32Array(networks.length)
    this.cost = new Float64Array(networks.length)
    networks.forEach((_, n) => {
      for (const link of this.fixed[n]!) this.have(n, link, 1)
      for (const link of routing.presentLinks[n]!) if (!this.fixed[n]!.has(link)) this.change(1)
    })
  }

  add(network: number, path: Path): void {
    const uses = this.uses[network]!
    for (const arc of path.arcs) {
      const link = linkOfArc(arc)
      if (uses[link]!++ === 0 && !this.fixed[network]!.has(link)) this.toggle(network, link, 1)
    }
  }

  remove(network: number, path: Path): void {
    const uses = this.uses[network]!
    for (const arc of path.arcs) {
      const link = linkOfArc(arc)
      if (--uses[link]! === 0 && !this.fixed[network]!.has(link)) this.toggle(network, link, -1)
    }
  }

  has(network: number, link: number): boolean {
    return this.uses[network]![link]! > 0 || this.fixed[network]!.has(link)
  }

  /** A user's share of the cost of a link that goes when nobody uses it any more. */
  saving(network: number, link: number): number {
    return this.fixed[network]!.has(link) ? 0 : this.problem.linkCost[link]! / Math.max(1, this.uses[network]![link]!)
  }

  /** Links that a network has whatever its routes are. */
  kept(network: number): ReadonlySet<number> {
    return this.fixed[network]!
  }

  /** All links of a network's topology, in the order of their names. */
  links(network: number): number[] {
    return this.problem.input.links.map((_, link) => link).filter((link) => this.has(network, link))
  }

  /** What is left of the network's budget of links. */
  spare(network: number): number {
    return this.linkBudget[network]! - this.extra[network]!
  }

  private toggle(network: number, link: number, by: 1 | -1): void {
    this.have(network, link, by)
    if (this.routing.presentLinks[network]!.has(link)) this.change(-by)
    else this.change(by * (this.problem.input.links[link]!.exists === false ? 2 : 1))
  }

  private have(network: number, link: number, by: 1 | -1): void {
    this.cost[network]! += by * this.problem.linkCost[link]!
    if (this.routing.baselineLinks[network]!.has(link)) return
    const over = (): number => penalties.linkBudget * Math.max(0, this.extra[network]! - this.linkBudget[network]!)
    const before = over()
    this.extra[network]! += by
    this.violations.replace(before, over())
  }

  private change(by: number): void {
    const over = (): number => Math.max(0, this.changes - this.changeBudget)
    const before = over()
    this.changes += by
    this.violations.replaceBudget(before, over())
  }
}

/** Present links, per network, that no present route of a demand uses and that nothing else keeps. */
export const staleLinks = (problem: Problem, routing: Routing, used: Set<number>[]): Set<number>[] =>
  routing.presentLinks.map(
    (present, n) =>
      new Set(
        [...present].filter((link) => mayRelink(problem, n) && !routing.keptLinks[n]!.has(link) && !used[n]!.has(link)),
      ),
  )
