import { diagnose } from './diagnosis.ts'
import type { Group } from './group.ts'
import type { Evaluator } from './objectives.ts'
import { doNothing, type Outcome } from './outcome.ts'
import type { Action, Plan } from './plan.ts'
import { predictDemands, predictNetworks } from './predictions.ts'
import { Reasons } from './reasons.ts'
import { reserve } from './reservations.ts'
import { bridgeName, resultState } from './result.ts'
import type { State } from './state.ts'
import type { PresentState, Route } from './types.ts'

/** Turns an outcome into the ordered actions that lead to it, with predictions and reasons. */
export const writePlan = (outcome: Outcome, evaluator: Evaluator, strategy: string, search: Plan['search']): Plan => {
  const { state } = outcome
  const { problem, routing } = state
  const present = doNothing(problem, routing, evaluator)
  const { reservations, unreserved } = reserve(state)
  const result = resultState(outcome, reservations)
  const actions = outcome.touched.some(Boolean) ? changes(present.state, state, evaluator, result) : []
  const violations = diagnose(state)
  const migrationSeconds = actions.reduce(
    (sum, action) => sum + (action.type === 'MoveVm' ? action.migrationSeconds : 0),
    0,
  )
  return {
    strategy,
    status: violations.length === 0 ? 'Feasible' : 'Infeasible',
    actions: ordered([...actions, ...reservationChanges(problem.input.present, result)]),
    result,
    networks: predictNetworks(present.state, state, evaluator),
    demands: predictDemands(present.state, state),
    cost: {
      moves: state.placement.moves,
      migrationSeconds,
      linkChanges: state.topology.changes,
      routeChanges: actions.filter(({ type }) => type === 'SetRoute' || type === 'ClearRoute').length,
      score: evaluator.changeCost(state),
    },
    score: {
      before: present.value.score,
      after: evaluator.gross(state),
      net: outcome.value.score - present.value.score,
    },
    violations,
    unreserved,
    search,
  }
}

/** Add before use, use before remove: links, routes, VMs, reservations; then what is no longer needed. */
const order: Action['type'][] = [
  'AddLink',
  'SetRoute',
  'PlaceVm',
  'MoveVm',
  'Release',
  'Reserve',
  'ClearRoute',
  'RemoveLink',
]
const ordered = (actions: Action[]): Action[] =>
  order.flatMap((type) => actions.filter((action) => action.type === type))

const routeKey = (route: Pick<Route, 'network' | 'from' | 'to'>): string =>
  `${route.network}\n${route.from}\n${route.to}`

const changes = (before: State, after: State, evaluator: Evaluator, result: PresentState): Action[] => {
  const { problem, routing, groups } = after
  const { ids, input } = problem
  const { present } = input
  const old = new Map(present.routes.map((route) => [routeKey(route), route]))
  const next = new Map(result.routes.map((route) => [routeKey(route), route]))
  const set = result.routes.filter((route) => old.get(routeKey(route))?.links.join('\n') !== route.links.join('\n'))
  const cleared = present.routes.filter((route) => !next.has(routeKey(route)))
  const reasons = new Reasons(before, after, evaluator, set.length)
  const groupOf = ({ network, from, to }: Route): Group =>
    groups.get(routing.pairKey(ids.networks.get(network)!, ids.bridges.get(from)!, ids.bridges.get(to)!))!

  const actions: Action[] = []
  input.networks.forEach(({ name }, n) => {
    const now = new Set(Array.from(routing.presentLinks[n]!, (link) => input.links[link]!.name))
    const then = new Set(result.topology[name])
    for (const link of [...then].filter((l) => !now.has(l))) {
      const id = ids.links.get(link)!
      const crosses = (group: Group): boolean =>
        group.network === n && group.path?.arcs.some((arc) => arc >> 1 === id) === true
      const users = [...groups.values()].filter((group) => group.demands.length > 0 && crosses(group))
      actions.push({ type: 'AddLink', network: name, link, reason: reasons.forLink(users) })
    }
    for (const link of [...now].filter((l) => !then.has(l)).sort())
      actions.push({ type: 'RemoveLink', network: name, link, reason: { demands: [], worth: 0 } })
  })
  for (const route of set) {
    const replaces = old.get(routeKey(route))?.links
    actions.push({
      type: 'SetRoute',
      ...route,
      ...(replaces && { replaces }),
      reason: reasons.forRoute(groupOf(route)),
    })
  }
  for (const route of cleared) {
    const { network, from, to } = route
    const group = groupOf(route)
    const reason = group?.demands.length > 0 ? reasons.forRoute(group) : { demands: [], worth: 0 }
    actions.push({ type: 'ClearRoute', network, from, to, reason })
  }
  return [...actions, ...placements(after, reasons)]
}

/** VMs that are placed first, then moves, each when its target has room, if there is such an order. */
const placements = (after: State, reasons: Reasons): Action[] => {
  const { problem, placement } = after
  const { vms } = problem.input
  const actions: Action[] = []
  const used = Float64Array.from({ length: problem.bridges }, () => 0)
  problem.presentBridge.forEach((bridge, vm) => {
    if (bridge >= 0) used[bridge]! += vms[vm]!.compute
  })
  const vmsTo = Array.from(placement.bridgeOf.keys()).filter(
    (vm) => placement.bridgeOf[vm] !== problem.presentBridge[vm],
  )
  let waiting = vmsTo.filter((vm) => problem.presentBridge[vm]! >= 0)
  while (waiting.length > 0) {
    const fits = (vm: number): boolean =>
      used[placement.bridgeOf[vm]!]! + vms[vm]!.compute <= problem.computeRoom[placement.bridgeOf[vm]!]!
    const vm = waiting.find(fits) ?? waiting[0]!
    const reason = reasons.forVm(vm)
    if (!fits(vm)) reason.overcommits = true
    const from = problem.presentBridge[vm]!
    const to = placement.bridgeOf[vm]!
    used[from]! -= vms[vm]!.compute
    used[to]! += vms[vm]!.compute
    const migrationSeconds = placement.migrationSeconds(vm, to)
    const names = { vm: vms[vm]!.name, from: bridgeName(after, from), to: bridgeName(after, to) }
    actions.push({ type: 'MoveVm', ...names, migrationSeconds, reason })
    waiting = waiting.filter((other) => other !== vm)
  }
  for (const vm of vmsTo)
    if (problem.presentBridge[vm]! < 0)
      actions.push({
        type: 'PlaceVm',
        vm: vms[vm]!.name,
        to: bridgeName(after, placement.bridgeOf[vm]!),
        reason: reasons.forVm(vm),
      })
  return actions
}

const reservationChanges = (present: PresentState, result: PresentState): Action[] => {
  const key = (links: string[], bps: number): string => `${bps} ${links.join('\n')}`
  const old = new Map(present.reservations.map((r) => [r.demand, key(r.links, r.bps)]))
  const next = new Map(result.reservations.map((r) => [r.demand, key(r.links, r.bps)]))
  const reason = (demand: string) => ({ demands: [demand], worth: 0 })
  return [
    ...present.reservations
      .filter((r) => next.get(r.demand) !== old.get(r.demand))
      .map(({ demand }): Action => ({ type: 'Release', demand, reason: reason(demand) })),
    ...result.reservations
      .filter((r) => old.get(r.demand) !== next.get(r.demand))
      .map((reservation): Action => ({ type: 'Reserve', reservation, reason: reason(reservation.demand) })),
  ]
}
