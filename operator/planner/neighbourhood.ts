import type { Group } from './group.ts'
import { isBetter, type Value } from './objectives.ts'
import { may } from './problem.ts'
import { Proposals } from './proposals.ts'
import { type Random, randomBelow } from './random.ts'
import { activeGroups, type Search } from './search.ts'
import type { State } from './state.ts'

/** Above this many groups and VMs together, moves look at a sample of what they could look at. */
const exhaustiveSize = 80
/** Above this many, placing a VM elsewhere re-routes its demands by priced paths only. */
const carefulSize = 600
const sampledTargets = 6

/**
 * The moves of the local search. Each tries its variants on the state itself and keeps the best if it improves the
 * guide, else takes everything back; it returns whether it improved.
 */
export class Neighbourhood {
  readonly movable: number[]
  readonly exhaustive: boolean
  private readonly careful: boolean
  private readonly search: Search
  private readonly state: State
  readonly proposals: Proposals
  private readonly random: Random

  constructor(search: Search, random: Random) {
    const { problem } = search.state
    this.search = search
    this.state = search.state
    this.random = random
    this.proposals = new Proposals(search.state, search.evaluator)
    this.movable = Array.from(problem.frozen.keys()).filter((vm) => problem.frozen[vm] === 0)
    const size = problem.demandBps.length + this.movable.length
    this.exhaustive = size <= exhaustiveSize
    this.careful = size <= carefulSize
  }

  routable(): Group[] {
    return activeGroups(this.state).filter(
      (group) => group.from !== group.to && may(this.state.problem, group.network, 'Routes'),
    )
  }

  /**
   * How promising it is to re-route a group: how much it is part of what is broken; else what its load takes from others (residual bandwidth), how full the fullest
   * resource on its way is (throughput), its share of the weighted latency, or of the cost of its links. Only comparable
   * within one network.
   */
  heat(group: Group): number {
    const { residuals, concurrency, topology, problem, load, violations } = this.state
    const { network, path, rate, elasticRate } = group
    if (!path) return Number.POSITIVE_INFINITY
    let sum = 0
    if (violations.total > 0) {
      for (const resource of path.resources) sum += Math.max(0, load[resource]! - problem.capacity[resource]!)
      return sum + group.penalty * rate
    }
    switch (problem.input.networks[network]!.objective) {
      case 'ResidualBandwidth':
      case 'Balanced':
        for (const resource of path.resources) sum += residuals.harm[resource]! * rate
        return sum
      case 'Throughput':
        for (const resource of path.resources) sum += concurrency.price(network, resource, elasticRate)
        return sum
      case 'MinimumCost':
        for (const arc of path.arcs) sum += topology.saving(network, arc >> 1)
        return sum
      case 'Latency':
        return rate * path.latency
    }
  }

  /** How promising it is to move each VM: by the heat of the groups that it is part of, shared among their demands. */
  heatOfVms(): Float64Array {
    const { problem } = this.state
    const heat = new Float64Array(problem.vmNetwork.length)
    for (const group of activeGroups(this.state)) {
      const whole = this.heat(group)
      for (const demand of group.demands) {
        const share = group.rate > 0 ? problem.demandBps[demand]! / group.rate : 1 / group.demands.length
        for (const vm of [problem.demandSource[demand]!, problem.demandDestination[demand]!]) heat[vm]! += whole * share
      }
    }
    return heat
  }

  /** Gives the group the best of the proposed paths. */
  reroute(group: Group, effort: 'All' | 'Few' = this.careful ? 'All' : 'Few'): boolean {
    const { state, search } = this
    const mark = state.uncommitted
    const held = group.path
    const before = search.guide()
    state.setPath(group, undefined)
    let best: Value = before
    let chosen = held
    for (const path of this.proposals.paths(group, effort)) {
      if (path === held) continue
      state.setPath(group, path)
      const value = search.guide()
      if (isBetter(value, best)) {
        best = value
        chosen = path
      }
      state.setPath(group, undefined)
    }
    if (chosen === held) {
      state.rollback(mark)
      return false
    }
    state.setPath(group, chosen)
    return true
  }

  /**
   * Moves a VM, with the VMs that must stay beside it, to the best of some bridges; where the budget of moves is used
   * up, also in the place of a VM that then returns to where it runs now.
   */
  shift(vm: number): boolean {
    const { state } = this
    const together = [vm, ...state.placement.companions(vm)]
    const place = (bridge: number, returning: number[]): void => {
      for (const other of returning) state.place(other, state.problem.presentBridge[other]!)
      for (const member of together) if (state.problem.frozen[member] === 0) state.place(member, bridge)
      this.settle([...returning, ...together])
    }
    const yielding = this.yielding(vm)
    return this.bestOf(
      this.targets(vm).flatMap((bridge) => [
        () => place(bridge, []),
        ...yielding.map((other) => () => place(bridge, [other])),
      ]),
    )
  }

  /** VMs that could give up their moves for one that has none yet, if the budget has none left. */
  private yielding(vm: number): number[] {
    const { placement, problem } = this.state
    const { moves } = problem.input.budgets
    const moved = (id: number): boolean =>
      problem.presentBridge[id]! >= 0 && placement.bridgeOf[id] !== problem.presentBridge[id]
    if (!this.exhaustive || moves === undefined || placement.moves < moves || moved(vm)) return []
    return this.movable.filter((other) => moved(other))
  }

  swap(x: number, y: number): boolean {
    const { placement } = this.state
    const here = placement.bridgeOf[x]!
    const there = placement.bridgeOf[y]!
    if (here === there || here < 0 || there < 0) return false
    if (!placement.mayHost(x, there) || !placement.mayHost(y, here)) return false
    return this.bestOf([
      () => {
        this.state.place(x, there)
        this.state.place(y, here)
        this.settle([x, y])
      },
    ])
  }

  /** Lets everything that runs on two bridges change places, as far as it may. */
  swapBridges(x: number, y: number): boolean {
    const { placement, problem } = this.state
    const on = (bridge: number): number[] => this.movable.filter((vm) => placement.bridgeOf[vm] === bridge)
    const [here, there] = [on(x), on(y)]
    if (here.length + there.length < 2 || problem.bridges < 2) return false
    const moving = [...here.map((vm) => ({ vm, to: y })), ...there.map((vm) => ({ vm, to: x }))].filter(({ vm, to }) =>
      placement.mayHost(vm, to),
    )
    return this.bestOf([
      () => {
        for (const { vm, to } of moving) this.state.place(vm, to)
        this.settle(moving.map(({ vm }) => vm))
      },
    ])
  }

  allowedBridges(vm: number): number[] {
    const all = Array.from({ length: this.state.problem.bridges }, (_, bridge) => bridge)
    return all.filter((bridge) => this.state.placement.mayHost(vm, bridge))
  }

  /** All allowed bridges; on large problems those of its peers by traffic, and a few at random. */
  private targets(vm: number): number[] {
    const { problem, placement } = this.state
    const here = placement.bridgeOf[vm]!
    if (this.exhaustive) return this.allowedBridges(vm).filter((bridge) => bridge !== here)
    const byTraffic = [...problem.demandsOfVm[vm]!].sort(
      (x, y) => problem.demandBps[y]! - problem.demandBps[x]! || x - y,
    )
    const found = new Set<number>()
    for (const demand of byTraffic) {
      const peer =
        problem.demandSource[demand] === vm ? problem.demandDestination[demand]! : problem.demandSource[demand]!
      if (placement.bridgeOf[peer]! >= 0) found.add(placement.bridgeOf[peer]!)
      if (found.size >= sampledTargets / 2) break
    }
    for (let tries = 0; tries < 4 * sampledTargets && found.size < sampledTargets; tries++)
      found.add(randomBelow(this.random, problem.bridges))
    return [...found].filter((bridge) => bridge !== here && placement.mayHost(vm, bridge))
  }

  /** Gives the demands of VMs that were just placed their best paths. */
  private settle(vms: number[]): void {
    const groups = new Set<Group>()
    for (const vm of vms)
      for (const demand of this.state.problem.demandsOfVm[vm]!) {
        const group = this.state.groupOfDemand[demand]
        if (group && group.from !== group.to && may(this.state.problem, group.network, 'Routes')) groups.add(group)
      }
    if (!this.careful && this.hopeless()) return
    for (const group of groups) this.reroute(group, this.exhaustive ? 'All' : 'Few')
  }

  /** Re-routing cannot repair a placement that breaks the rules; no need to try. */
  private hopeless(): boolean {
    return this.state.violations.total > this.search.bestValue.violation + 0.5
  }

  /** Tries each variant, and keeps the best if it is better than what there is. */
  bestOf(variants: (() => void)[]): boolean {
    const { state, search } = this
    const mark = state.uncommitted
    let best = search.guide()
    let chosen: (() => void) | undefined
    for (const variant of variants) {
      if (search.over) break
      variant()
      const value = search.guide()
      if (isBetter(value, best)) {
        best = value
        chosen = variant
      }
      state.rollback(mark)
    }
    chosen?.()
    return chosen !== undefined
  }
}
