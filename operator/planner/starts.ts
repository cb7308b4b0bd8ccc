import { canTake } from './greedy.ts'
import type { Problem } from './problem.ts'
import type { State } from './state.ts'

/**
 * Places the VMs that may move close together, as opposed to the published rules, which spread them: bridge after bridge
 * is filled, beginning with `first` and going on with the one nearest to those in use; each takes the VM that talks most
 * with what is placed already. VMs that fit nowhere stay where they are.
 */
export const gather = (state: State, first: number): void => {
  const { problem } = state
  const waiting = new Set(Array.from(problem.frozen.keys()).filter((vm) => problem.frozen[vm] === 0))
  const before = Int32Array.from(state.placement.bridgeOf)
  for (const vm of waiting) state.place(vm, -1)
  const ties = new Ties(problem)
  problem.frozen.forEach((frozen, vm) => {
    if (frozen === 1) ties.placed(vm)
  })
  const used = new Set<number>()
  for (
    let bridge: number | undefined = first;
    bridge !== undefined && waiting.size > 0;
    bridge = nearest(problem, used)
  ) {
    used.add(bridge)
    for (let vm = ties.closest(waiting, (id) => canTake(state, id, bridge!)); vm !== undefined; ) {
      state.place(vm, bridge)
      waiting.delete(vm)
      ties.placed(vm)
      vm = ties.closest(waiting, (id) => canTake(state, id, bridge!))
    }
  }
  for (const vm of waiting) if (before[vm]! >= 0) state.place(vm, before[vm]!)
}

/** The bridge that can send most, over all its links together. */
export const bestConnected = ({ bridges, arcFrom, capacity }: Problem): number => {
  const sums = new Float64Array(bridges)
  arcFrom.forEach((from, arc) => {
    sums[from]! += capacity[arc]!
  })
  return sums.indexOf(sums.reduce((most, sum) => Math.max(most, sum), 0))
}

/** How much each VM talks with those placed, and in all. */
class Ties {
  private readonly problem: Problem
  private readonly near: Float64Array
  private readonly total: Float64Array

  constructor(problem: Problem) {
    this.problem = problem
    this.near = new Float64Array(problem.vmNetwork.length)
    this.total = new Float64Array(problem.vmNetwork.length)
    problem.demandsOfVm.forEach((demands, vm) => {
      for (const demand of demands) this.total[vm]! += problem.demandBps[demand]!
    })
  }

  placed(vm: number): void {
    const { demandsOfVm, demandSource, demandDestination, demandBps } = this.problem
    for (const demand of demandsOfVm[vm]!) {
      const peer = demandSource[demand] === vm ? demandDestination[demand]! : demandSource[demand]!
      this.near[peer]! += demandBps[demand]!
    }
  }

  closest(vms: Set<number>, allowed: (vm: number) => boolean): number | undefined {
    let best: number | undefined
    for (const vm of vms) {
      const more = best === undefined || this.near[vm]! - this.near[best]! || this.total[vm]! - this.total[best]!
      if ((more === true || more > 0) && allowed(vm)) best = vm
    }
    return best
  }
}

/** The bridge not in use with the fastest link from one in use; any if there is none; undefined if all are in use. */
const nearest = ({ bridges, arcFrom, arcTo, arcLatency, capacity }: Problem, used: Set<number>): number | undefined => {
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (let arc = 0; arc < arcFrom.length; arc++) {
    if (!used.has(arcFrom[arc]!) || used.has(arcTo[arc]!) || capacity[arc] === 0 || arcLatency[arc]! >= least) continue
    least = arcLatency[arc]!
    best = arcTo[arc]
  }
  return best ?? Array.from({ length: bridges }, (_, bridge) => bridge).find((bridge) => !used.has(bridge))
}
