import type { Action, Constraint, Plan, Violation } from '../plan.ts'
import type { PlannerInput, Reservation } from '../types.ts'

/** The actions, applied one after the other to the present: each must be possible then, and lead to the result. */
export const checkSteps = (input: PlannerInput, plan: Plan): Violation[] => {
  const found: Violation[] = []
  const world = new World(input)
  plan.actions.forEach((action, i) => {
    if (!world.apply(action))
      found.push({ constraint: 'Order', subject: `action ${i + 1}: ${action.type}`, amount: 1, unit: 'actions' })
  })
  for (const difference of world.differences(plan))
    found.push({ constraint: 'Inconsistent' satisfies Constraint, subject: difference, amount: 1, unit: 'parts' })
  return found
}

const keyOf = (route: { network: string; from: string; to: string }): string =>
  `${route.network}\n${route.from}\n${route.to}`
const textOf = ({ demand, bps, links }: Reservation): string => `${demand} ${bps} ${links.join(' ')}`

class World {
  private readonly placement: Map<string, string>
  private readonly topology: Map<string, Set<string>>
  private readonly routes: Map<string, string[]>
  private readonly reservations: Map<string, Reservation>

  constructor({ networks, present }: PlannerInput) {
    this.placement = new Map(Object.entries(present.placement))
    this.topology = new Map(
      networks.map(({ name, baseline }) => [name, new Set([...baseline, ...(present.topology[name] ?? [])])]),
    )
    this.routes = new Map(present.routes.map((route) => [keyOf(route), route.links]))
    this.reservations = new Map(present.reservations.map((reservation) => [reservation.demand, reservation]))
  }

  /** Whether the action was possible; it is applied in any case. */
  apply(action: Action): boolean {
    switch (action.type) {
      case 'AddLink': {
        const links = this.topology.get(action.network)
        const isNew = links !== undefined && !links.has(action.link)
        links?.add(action.link)
        return isNew
      }
      case 'RemoveLink': {
        const had = this.topology.get(action.network)?.delete(action.link) === true
        const prefix = `${action.network}\n`
        return had && ![...this.routes].some(([key, links]) => key.startsWith(prefix) && links.includes(action.link))
      }
      case 'SetRoute': {
        const before = this.routes.get(keyOf(action))
        this.routes.set(keyOf(action), action.links)
        const there = action.links.every((link) => this.topology.get(action.network)?.has(link))
        return there && before?.join('\n') === action.replaces?.join('\n')
      }
      case 'ClearRoute':
        return this.routes.delete(keyOf(action))
      case 'PlaceVm': {
        const had = this.placement.has(action.vm)
        this.placement.set(action.vm, action.to)
        return !had
      }
      case 'MoveVm': {
        const from = this.placement.get(action.vm)
        this.placement.set(action.vm, action.to)
        return from === action.from && action.from !== action.to
      }
      case 'Reserve': {
        const had = this.reservations.has(action.reservation.demand)
        this.reservations.set(action.reservation.demand, action.reservation)
        return !had
      }
      case 'Release':
        return this.reservations.delete(action.demand)
    }
  }

  differences({ result }: Plan): string[] {
    const differ = (mine: string[], theirs: string[]): boolean =>
      mine.sort().join('\n\n') !== theirs.sort().join('\n\n')
    const placed = (entries: Iterable<[string, string]>): string[] =>
      [...entries].map(([vm, bridge]) => `${vm} ${bridge}`)
    const linked = (entries: Iterable<[string, Iterable<string>]>): string[] =>
      [...entries].map(([network, links]) => `${network} ${[...new Set(links)].sort().join(' ')}`)
    const routed = result.routes.map((route) => `${keyOf(route)} ${route.links.join(' ')}`)
    return [
      differ(placed(this.placement), placed(Object.entries(result.placement))) ? ['placement'] : [],
      differ(linked(this.topology), linked(Object.entries(result.topology))) ? ['topology'] : [],
      differ(
        [...this.routes].map(([key, links]) => `${key} ${links.join(' ')}`),
        routed,
      )
        ? ['routes']
        : [],
      differ([...this.reservations.values()].map(textOf), result.reservations.map(textOf)) ? ['reservations'] : [],
    ].flat()
  }
}
