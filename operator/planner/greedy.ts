import type { Group } from './group.ts'
import { may, type Problem } from './problem.ts'
import { Proposals } from './proposals.ts'
import { makePath } from './routing.ts'
import { activeGroups, type Search } from './search.ts'
import type { State } from './state.ts'

/**
 * The published rules (VADAPT: Sundararaj, Gupta & Dinda, HPDC'05; Gupta et al., IPDPS'06), made to respect the
 * constraints that they did not know: VMs in the order of their traffic onto bridges in the order of their bandwidth,
 * then each demand, largest first, onto the widest path that the ones before it left.
 */
export const greedy = (search: Search): void => {
  placeByTraffic(search.state)
  routeByRate(search)
  search.evaluations++
  search.offer()
}

/** VMs by first appearance in the list of demands sorted by rate, the silent ones last. */
const vmOrder = (problem: Problem): number[] => {
  const demands = Array.from(problem.demandBps.keys()).sort(
    (x, y) => problem.demandBps[y]! - problem.demandBps[x]! || x - y,
  )
  const order = new Set<number>()
  for (const demand of demands) {
    order.add(problem.demandSource[demand]!)
    order.add(problem.demandDestination[demand]!)
  }
  for (let vm = 0; vm < problem.vmNetwork.length; vm++) order.add(vm)
  return [...order]
}

/**
 * Bridges by first appearance in the list of pairs sorted by the bandwidth of their widest path. No such path is wider
 * than the widest arc at either end, and to that neighbour the arc is the path: so the list of arcs gives the order.
 */
const bridgeOrder = (state: State): number[] => {
  const { problem } = state
  const width = state.widths.current
  const arcs = Array.from(width.keys()).sort((x, y) => width[y]! - width[x]! || x - y)
  const order = new Set<number>()
  for (const arc of arcs) {
    order.add(problem.arcFrom[arc]!)
    order.add(problem.arcTo[arc]!)
  }
  for (let bridge = 0; bridge < problem.bridges; bridge++) order.add(bridge)
  return [...order]
}

const placeByTraffic = (state: State): void => {
  const { problem, placement } = state
  const vms = vmOrder(problem).filter((vm) => problem.frozen[vm] === 0)
  if (vms.length === 0) return
  const from = Int32Array.from(placement.bridgeOf)
  for (const vm of vms) state.place(vm, -1)
  const bridges = bridgeOrder(state)
  let next = 0
  for (const vm of vms) {
    const legal = (bridge: number): boolean => canTake(state, vm, bridge)
    const wanted = bridges.findIndex((_, i) => legal(bridges[(next + i) % bridges.length]!))
    const stay = from[vm]!
    const target = wanted >= 0 ? bridges[(next + wanted) % bridges.length]! : stay >= 0 ? stay : roomiest(state, vm)
    const mark = state.uncommitted
    const before = state.violations.total
    if (target >= 0) state.place(vm, target)
    if (target !== stay && stay >= 0 && state.violations.total > before) {
      state.rollback(mark)
      state.place(vm, stay)
    }
    if (wanted >= 0) next += wanted + 1
  }
}

/** A bridge that may host the VM, has room, and breaks no affinity with VMs placed already. */
export const canTake = (state: State, vm: number, bridge: number): boolean => {
  const { problem, placement } = state
  if (!placement.mayHost(vm, bridge)) return false
  if (placement.compute[bridge]! + problem.input.vms[vm]!.compute > problem.computeRoom[bridge]!) return false
  return placement.ruleAllows(vm, bridge)
}

/** Where nothing fits: the bridge that may host the VM and is overcommitted least; -1 if none may. */
const roomiest = (state: State, vm: number): number => {
  const { problem, placement } = state
  const room = (bridge: number): number => problem.computeRoom[bridge]! - placement.compute[bridge]!
  let best = -1
  for (let bridge = 0; bridge < problem.bridges; bridge++)
    if (placement.mayHost(vm, bridge) && (best < 0 || room(bridge) > room(best))) best = bridge
  return best
}

/**
 * Gives each group that may change its route, largest first, the widest path that the ones before it left; those for
 * which there is no time keep the path that they have.
 */
export const routeByRate = (search: Search): void => {
  const { state, evaluator } = search
  const proposals = new Proposals(state, evaluator)
  const groups = activeGroups(state)
    .filter((group) => group.from !== group.to && may(state.problem, group.network, 'Routes'))
    .sort((x, y) => y.rate - x.rate || x.key - y.key)
  for (const group of groups) state.setPath(group, undefined)
  for (const group of groups)
    if (search.over) state.setPath(group, group.presentPath)
    else routeWidest(state, proposals, group)
  state.commit()
}

/** The widest path; if it is too slow for a bound, the fastest one with room; the present one where neither is allowed. */
const routeWidest = (state: State, proposals: Proposals, group: Group): void => {
  const mark = state.uncommitted
  const before = state.violations.total
  for (const search of ['widest', 'fastest'] as const) {
    const arcs = proposals[search](group)
    const path = arcs && makePath(state.problem, arcs)
    if (!path || !proposals.affordable(group, path)) continue
    state.setPath(group, path)
    if (path.latency <= group.bound) break
  }
  const broken = state.violations.total
  if (group.path && broken <= before) return
  const chosen = group.path
  state.rollback(mark)
  state.setPath(group, group.presentPath)
  if (state.violations.total >= broken) state.setPath(group, chosen)
}
