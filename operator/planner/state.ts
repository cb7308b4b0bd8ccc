import { ConcurrencyTracker } from './concurrency-tracker.ts'
import { type Group, idleGroup } from './group.ts'
import { Placement } from './placement.ts'
import type { Problem } from './problem.ts'
import { ResidualTracker } from './residual-tracker.ts'
import { inverseLatency, makePath, type Path, type Routing, samePath } from './routing.ts'
import { staleLinks, TopologyUse } from './topology-use.ts'
import type { Route } from './types.ts'
import { excess, penalties, ViolationSum } from './violation-sum.ts'
import { Widths } from './widths.ts'

/** A state as data: the bridge of each VM and the path of each group that carries something. */
export type Snapshot = { bridgeOf: Int32Array; paths: Map<number, Path | undefined> }

type Undo = { vm: number; bridge: number } | { group: Group; path: Path | undefined }

/** Paths of one value are equal by identity where they come from the same list; elsewhere arcs are compared. */
const linkStateBroken = (routing: Routing, group: Group): boolean => {
  const usable = routing.usable(group.network)
  return group.path!.arcs.some((arc) => usable[arc] === 0)
}

/**
 * A placement with routes, and everything that follows from it: loads, violations, and what the objectives need. Every
 * change updates these in time proportional to what it touches, and can be taken back.
 */
export class State {
  readonly problem: Problem
  readonly routing: Routing
  readonly placement: Placement
  readonly topology: TopologyUse
  readonly residuals: ResidualTracker
  readonly concurrency: ConcurrencyTracker
  readonly widths: Widths
  readonly violations = new ViolationSum()
  /** Bit/s per resource. */
  readonly load: Float64Array
  /** Per network: sum of rate × latency (bit/s × µs), and sum over demands of 1 / latency (1/µs). */
  readonly weightedLatency: Float64Array
  readonly inverseLatency: Float64Array
  routeChanges = 0
  readonly groups = new Map<number, Group>()
  readonly groupOfDemand: (Group | undefined)[]
  private readonly presentRoutes = new Map<number, Path>()
  private journal: Undo[] = []
  /** While a snapshot is read: the path of each group that it names. */
  private firstPaths: Snapshot['paths'] | undefined

  /**
   * The present state, or that of a snapshot.
   * @param keepStale the networks that keep links which no present route of a demand uses; the others remove them.
   */
  constructor(problem: Problem, routing: Routing, keepStale: (network: number) => boolean, snapshot?: Snapshot) {
    this.problem = problem
    this.routing = routing
    this.load = new Float64Array(problem.resources)
    this.weightedLatency = new Float64Array(problem.input.networks.length)
    this.inverseLatency = new Float64Array(problem.input.networks.length)
    this.groupOfDemand = new Array(problem.demandBps.length)
    this.placement = new Placement(problem, this.violations)
    this.widths = new Widths(problem, this.load)
    this.residuals = new ResidualTracker(problem, this.load)
    this.concurrency = new ConcurrencyTracker(problem, this.load)
    for (const route of problem.input.present.routes) this.readRoute(route)
    const stale = staleLinks(problem, routing, this.presentUse())
    this.topology = new TopologyUse(problem, routing, this.violations, stale, keepStale)
    this.firstPaths = snapshot?.paths
    const bridges = snapshot?.bridgeOf ?? problem.presentBridge
    bridges.forEach((bridge, vm) => {
      if (bridge >= 0) this.place(vm, bridge)
    })
    this.firstPaths = undefined
    this.commit()
  }

  /** `compile` has made sure that the links lead from one end to the other. */
  private readRoute(route: Route): void {
    const { ids, arcFrom, arcTo } = this.problem
    const from = ids.bridges.get(route.from)!
    let at = from
    const arcs = route.links.map((name) => {
      const link = ids.links.get(name)!
      const arc = arcFrom[2 * link] === at ? 2 * link : 2 * link + 1
      at = arcTo[arc]!
      return arc
    })
    const key = this.routing.pairKey(ids.networks.get(route.network)!, from, at)
    this.presentRoutes.set(key, makePath(this.problem, arcs))
  }

  private presentUse(): Set<number>[] {
    const used = this.problem.input.networks.map(() => new Set<number>())
    this.problem.demandNetwork.forEach((network, demand) => {
      const from = this.problem.presentBridge[this.problem.demandSource[demand]!]!
      const to = this.problem.presentBridge[this.problem.demandDestination[demand]!]!
      if (from < 0 || to < 0 || from === to) return
      for (const arc of this.presentPath(network, from, to)?.arcs ?? []) used[network]!.add(arc >> 1)
    })
    return used
  }

  presentPath(network: number, from: number, to: number): Path | undefined {
    return (
      this.presentRoutes.get(this.routing.pairKey(network, from, to)) ?? this.routing.defaultPath(network, from, to)
    )
  }

  /** Moves a VM (to -1: takes it away), with all its demands. */
  place(vm: number, bridge: number): void {
    const before = this.placement.bridgeOf[vm]!
    if (before === bridge) return
    const demands = this.problem.demandsOfVm[vm]!
    for (const demand of demands) this.detach(demand)
    this.placement.move(vm, bridge)
    this.journal.push({ vm, bridge: before })
    for (const demand of demands) this.attach(demand)
  }

  setPath(group: Group, path: Path | undefined): void {
    if (group.path === path) return
    this.journal.push({ group, path: group.path })
    this.exchangePath(group, path)
  }

  /** Keeps all changes since the last commit. */
  commit(): void {
    this.journal = []
  }

  get uncommitted(): number {
    return this.journal.length
  }

  /** Takes back all changes since the last commit, or down to an earlier value of `uncommitted`. */
  rollback(to = 0): void {
    const undone = this.journal
    this.journal = []
    while (undone.length > to) {
      const step = undone.pop()!
      if ('vm' in step) this.place(step.vm, step.bridge)
      else this.exchangePath(step.group, step.path)
    }
    this.journal = undone
  }

  private attach(demand: number): void {
    const { problem } = this
    const network = problem.demandNetwork[demand]!
    const from = this.placement.bridgeOf[problem.demandSource[demand]!]!
    const to = this.placement.bridgeOf[problem.demandDestination[demand]!]!
    if (from < 0 || to < 0) return
    const key = this.routing.pairKey(network, from, to)
    let group = this.groups.get(key)
    if (!group) {
      const presentPath = this.presentPath(network, from, to)
      group = idleGroup({ key, network, from, to, presentPath })
      if (this.firstPaths?.has(key)) group.path = this.firstPaths.get(key)
      this.groups.set(key, group)
    } else if (group.demands.length === 0) group.path = group.presentPath
    this.groupOfDemand[demand] = group
    this.resize(group, [...group.demands, demand])
  }

  private detach(demand: number): void {
    const group = this.groupOfDemand[demand]
    if (!group) return
    this.groupOfDemand[demand] = undefined
    const rest = group.demands.filter((other) => other !== demand)
    if (rest.length === 0) this.journal.push({ group, path: group.path })
    this.resize(group, rest)
  }

  /** Gives a group other demands, on the same path. */
  private resize(group: Group, demands: number[]): void {
    this.leavePath(group)
    group.demands = demands
    group.rate = 0
    group.elasticRate = 0
    group.bound = Number.POSITIVE_INFINITY
    for (const demand of demands) {
      group.rate += this.problem.demandBps[demand]!
      if (this.problem.demandElastic[demand] === 1) group.elasticRate += this.problem.demandBps[demand]!
      group.bound = Math.min(group.bound, this.problem.demandBound[demand]!)
    }
    this.enterPath(group)
  }

  private exchangePath(group: Group, path: Path | undefined): void {
    this.leavePath(group)
    group.path = path
    this.enterPath(group)
  }

  private leavePath(group: Group): void {
    this.residuals.leave(group)
    this.account(group, -1)
    if (group.changed) this.routeChanges--
    this.violations.replace(group.penalty, 0)
    group.changed = false
    group.penalty = 0
  }

  private enterPath(group: Group): void {
    this.account(group, 1)
    if (group.demands.length === 0) return
    this.residuals.enter(group)
    group.changed = !samePath(group.path, group.presentPath)
    if (group.changed) this.routeChanges++
    group.penalty = group.path
      ? excess(group.path.latency, group.bound) + (linkStateBroken(this.routing, group) ? penalties.linkState : 0)
      : penalties.unroutable * group.demands.length
    this.violations.replace(0, group.penalty)
  }

  private account(group: Group, sign: 1 | -1): void {
    const { path, network, demands } = group
    if (!path || demands.length === 0) return
    for (const resource of path.resources) this.addLoad(network, resource, sign * group.rate, sign * group.elasticRate)
    this.weightedLatency[network]! += sign * group.rate * path.latency
    this.inverseLatency[network]! += sign * demands.length * inverseLatency(path)
    if (sign > 0) this.topology.add(network, path)
    else this.topology.remove(network, path)
  }

  private addLoad(network: number, resource: number, rate: number, elasticRate: number): void {
    const capacity = this.problem.capacity[resource]!
    const before = this.load[resource]!
    const after = before + rate
    this.load[resource] = after
    const elastic = this.concurrency.elastic[network]
    if (elastic) elastic[resource]! += elasticRate
    if (before > capacity || after > capacity)
      this.violations.replace(excess(before, capacity, 1e6), excess(after, capacity, 1e6))
    this.widths.loadChanged(resource)
    this.residuals.loadChanged(resource)
    this.concurrency.loadChanged(resource)
  }
}
