import { diagnose } from './diagnosis.ts'
import type { Group } from './group.ts'
import { moveOrder } from './move-order.ts'
import type { Evaluator } from './objectives.ts'
import type { Outcome } from './outcome.ts'
import type { Action, Plan } from './plan.ts'
import { predictDemands, predictNetworks } from './predictions.ts'
import { Reasons } from './reasons.ts'
import { reservationChanges } from './reservation-changes.ts'
import { reserve } from './reservations.ts'
import { bridgeName, resultState } from './result.ts'
import type { State } from './state.ts'
import type { PresentState, Route } from './types.ts'

/**
 * Turns an outcome into the ordered actions that lead to it, with predictions and reasons.
 * @param over whether there is no time left to find out more than must be written.
 */
export const writePlan = (
  outcome: Outcome,
  present: Outcome,
  evaluator: Evaluator,
  { strategy, search, over }: Pick<Plan, 'strategy' | 'search'> & { over: () => boolean },
): Plan => {
  const { state } = outcome
  const { reservations, unreserved } = reserve(state)
  const result = resultState(outcome, reservations)
  const actions = outcome.touched.some(Boolean)
    ? changes(state, new Reasons(present.state, state, evaluator, over), result)
    : []
  const violations = diagnose(state)
  const migrationSeconds = actions.reduce(
    (sum, action) => sum + (action.type === 'MoveVm' ? action.migrationSeconds : 0),
    0,
  )
  return {
    strategy,
    status: violations.length === 0 ? 'Feasible' : 'Infeasible',
    actions: ordered([...actions, ...reservationChanges(state, result)]),
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

const changes = (after: State, reasons: Reasons, result: PresentState): Action[] => {
  const { problem, routing, groups } = after
  const { ids, input } = problem
  const { present } = input
  const old = new Map(present.routes.map((route) => [routeKey(route), route]))
  const next = new Map(result.routes.map((route) => [routeKey(route), route]))
  const set = result.routes.filter((route) => old.get(routeKey(route))?.links.join('\n') !== route.links.join('\n'))
  const cleared = present.routes.filter((route) => !next.has(routeKey(route)))
  const groupOf = ({ network, from, to }: Route): Group | undefined =>
    groups.get(routing.pairKey(ids.networks.get(network)!, ids.bridges.get(from)!, ids.bridges.get(to)!))

  const users = linkUsers(after)
  const added = input.networks.flatMap(({ name }, n) => {
    const now = new Set(Array.from(routing.presentLinks[n]!, (link) => input.links[link]!.name))
    const fresh = result.topology[name]!.filter((link) => !now.has(link))
    return fresh.map((link) => ({ network: name, link, users: users.get(n)?.get(ids.links.get(link)!) ?? [] }))
  })
  const removed = input.networks.flatMap(({ name }, n) => {
    const then = new Set(result.topology[name])
    const now = Array.from(routing.presentLinks[n]!, (link) => input.links[link]!.name)
    return now.filter((link) => !then.has(link)).map((link) => ({ network: name, link }))
  })
  const whyLinks = reasons.forLinks(added.map((link) => link.users))
  const whyRoutes = reasons.forRoutes(set.map((route) => groupOf(route)!))
  const usedAgain = cleared.map(groupOf).filter((group): group is Group => (group?.demands.length ?? 0) > 0)
  const whyCleared = new Map(reasons.forRoutes(usedAgain).map((reason, i) => [usedAgain[i], reason]))
  return [
    ...added.map(({ network, link }, i): Action => ({ type: 'AddLink', network, link, reason: whyLinks[i]! })),
    ...removed.map(
      ({ network, link }): Action => ({
        type: 'RemoveLink',
        network,
        link,
        reason: reasons.forRemoval(ids.networks.get(network)!, ids.links.get(link)!),
      }),
    ),
    ...set.map((route, i): Action => {
      const replaces = old.get(routeKey(route))?.links
      return { type: 'SetRoute', ...route, ...(replaces && { replaces }), reason: whyRoutes[i]! }
    }),
    ...cleared.map(({ network, from, to, links }): Action => {
      const reason = whyCleared.get(groupOf({ network, from, to, links })) ?? { demands: [] }
      return { type: 'ClearRoute', network, from, to, reason }
    }),
    ...placements(after, reasons),
  ]
}

/** Per network and link, the groups whose path crosses it. */
const linkUsers = (state: State): Map<number, Map<number, Group[]>> => {
  const users = new Map<number, Map<number, Group[]>>()
  for (const group of state.groups.values()) {
    if (group.demands.length === 0) continue
    const links = users.get(group.network) ?? new Map<number, Group[]>()
    users.set(group.network, links)
    for (const arc of group.path?.arcs ?? []) links.set(arc >> 1, [...(links.get(arc >> 1) ?? []), group])
  }
  return users
}

/** VMs that start, and moves in an order in which each target has room, if there is one. */
const placements = (after: State, reasons: Reasons): Action[] => {
  const { problem, placement } = after
  const { vms } = problem.input
  const nameOf = (vm: number): string => vms[vm]!.name
  const target = (vm: number): string => bridgeName(after, placement.bridgeOf[vm]!)
  const changed = Array.from(vms.keys()).filter((vm) => placement.bridgeOf[vm] !== problem.presentBridge[vm])
  const started = changed.filter((vm) => problem.presentBridge[vm]! < 0)
  const { order, forced } = moveOrder(
    after,
    changed.filter((vm) => problem.presentBridge[vm]! >= 0),
  )
  const whyStarted = reasons.forVms(started)
  const whyMoved = reasons.forVms(order)
  return [
    ...started.map((vm, i): Action => ({ type: 'PlaceVm', vm: nameOf(vm), to: target(vm), reason: whyStarted[i]! })),
    ...order.map((vm, i): Action => {
      const from = bridgeName(after, problem.presentBridge[vm]!)
      const migrationSeconds = placement.migrationSeconds(vm, placement.bridgeOf[vm]!)
      const reason = { ...whyMoved[i]!, ...(forced.has(vm) && { overcommits: true }) }
      return { type: 'MoveVm', vm: nameOf(vm), from, to: target(vm), migrationSeconds, reason }
    }),
  ]
}
