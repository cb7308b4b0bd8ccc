import type { Constraint, Plan, Violation } from '../plan.ts'
import type { Reservation, Route } from '../types.ts'
import { type Facts, waysOf } from './facts.ts'

const same = (x: string[] | undefined, y: string[] | undefined): boolean => x?.join('\n') === y?.join('\n')
const keyOf = ({ network, from, to }: Omit<Route, 'links'>): string => `${network}\n${from}\n${to}`

/** Topologies, routes and reservations of the result: allowed, within their budgets, and what was not to be touched. */
export const checkOverlay = (facts: Facts, plan: Plan): Violation[] => {
  const found: Violation[] = []
  const broken = (constraint: Constraint, subject: string, amount = 1, unit = 'links'): void =>
    void found.push({ constraint, subject, amount, unit })
  checkTopologies(facts, plan, broken)
  checkRoutes(facts, plan, broken)
  checkReservations(facts, plan, broken)
  return found
}

type Broken = (constraint: Constraint, subject: string, amount?: number, unit?: string) => void

const checkTopologies = (facts: Facts, plan: Plan, broken: Broken): void => {
  const { networks, present, budgets } = facts.input
  let changes = 0
  for (const network of networks) {
    const now = new Set([...network.baseline, ...(present.topology[network.name] ?? [])])
    const then = new Set(plan.result.topology[network.name])
    for (const link of network.baseline) if (!then.has(link)) broken('Baseline', link)
    for (const link of now)
      if (!then.has(link) && facts.links.get(link)!.state === 'Pinned' && !network.baseline.includes(link))
        broken('PinnedLink', link)
    const extra = [...then].filter((link) => !network.baseline.includes(link)).length
    const over = extra - (network.linkBudget ?? Number.POSITIVE_INFINITY)
    if (over > 0) broken('LinkBudget', network.name, over)
    const added = [...then].filter((link) => !now.has(link))
    const removed = [...now].filter((link) => !then.has(link))
    for (const name of added) {
      const link = facts.links.get(name)
      if (!link || link.networks?.includes(network.name) === false) broken('LinkState', name)
      changes += link?.exists === false ? 2 : 1
    }
    changes += removed.length
    const permitted = network.actuators.includes('Topology') && network.actuators.includes('Routes')
    if (added.length + removed.length > 0 && !permitted) broken('Actuator', network.name)
  }
  const over = changes - (budgets.linkChanges ?? Number.POSITIVE_INFINITY)
  if (over > 0) broken('ChangeBudget', 'link changes', over)
}

const checkRoutes = (facts: Facts, plan: Plan, broken: Broken): void => {
  const { present } = facts.input
  const old = new Map(present.routes.map((route) => [keyOf(route), route]))
  const topology = new Map(Object.entries(plan.result.topology).map(([name, links]) => [name, new Set(links)]))
  for (const route of plan.result.routes) {
    const name = `${route.network} ${route.from} > ${route.to}`
    const hops = facts.walk(route.from, route.links)
    const passed = new Set([route.from, ...(hops ?? []).map((hop) => hop.to)])
    if (!hops || hops.at(-1)?.to !== route.to || passed.size !== hops.length + 1) {
      broken('Path', name, 1, 'routes')
      continue
    }
    if (route.links.some((link) => !topology.get(route.network)!.has(link))) broken('Path', name, 1, 'routes')
    if (same(old.get(keyOf(route))?.links, route.links)) continue
    const through = hops.slice(0, -1).every((hop) => facts.mayPass(route.network, hop.to))
    if (!through || hops.length > (facts.input.maxHops ?? 8)) broken('Path', name, 1, 'routes')
    if (!facts.networks.get(route.network)!.actuators.includes('Routes')) broken('Actuator', route.network)
  }
  const kept = new Set(plan.result.routes.map(keyOf))
  for (const route of present.routes)
    if (!kept.has(keyOf(route)) && !facts.networks.get(route.network)!.actuators.includes('Routes'))
      broken('Actuator', route.network)

  const used = new Map<string, Set<string>>()
  for (const way of waysOf(facts, plan.result).values())
    for (const { link } of way.hops)
      if (link.state === 'Draining' || link.state === 'Forbidden')
        used.set(link.name, (used.get(link.name) ?? new Set()).add(keyOf(way)))
  for (const [link, pairs] of used) broken('LinkState', link, pairs.size, 'routes')
}

const checkReservations = (facts: Facts, plan: Plan, broken: Broken): void => {
  const old = new Map(facts.input.present.reservations.map((reservation) => [reservation.demand, reservation]))
  const ways = waysOf(facts, plan.result)
  const reserved = new Map<string, { sum: number; limit: number }>()
  const unchanged = ({ demand, bps, links }: Reservation): boolean =>
    old.get(demand)?.bps === bps && same(old.get(demand)!.links, links)
  for (const reservation of plan.result.reservations) {
    for (const { link, from } of facts.walk(reservation.from, reservation.links) ?? []) {
      const limit = (from === link.a ? link.aToB : link.bToA).reservableBps ?? 0
      const key = `${link.name} from ${from}`
      reserved.set(key, { sum: (reserved.get(key)?.sum ?? 0) + reservation.bps, limit })
    }
    if (unchanged(reservation)) continue
    const way = ways.get(reservation.demand)
    const path = way?.hops.map((hop) => hop.link.name)
    const { kind, origin, bps } = facts.demands.get(reservation.demand) ?? {}
    const owed = kind === 'Rigid' && origin === 'Declared' && bps === reservation.bps
    if (!owed || !same(path, reservation.links) || way?.from !== reservation.from)
      broken('Reservable', reservation.demand, 1, 'reservations')
    else if (!facts.networks.get(way.network)!.actuators.includes('Reservations')) broken('Actuator', way.network)
  }
  for (const [subject, { sum, limit }] of reserved) if (sum > limit) broken('Reservable', subject, sum - limit, 'bit/s')
}
