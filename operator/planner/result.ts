import type { Outcome } from './outcome.ts'
import { linkOfArc, may } from './problem.ts'
import { type Path, samePath } from './routing.ts'
import type { State } from './state.ts'
import type { PresentState, Reservation, Route } from './types.ts'

export const linkNames = (state: State, path: Path | undefined): string[] =>
  Array.from(path?.arcs ?? [], (arc) => state.problem.input.links[linkOfArc(arc)]!.name)

export const bridgeName = (state: State, bridge: number): string => state.problem.input.bridges[bridge]!.name

/**
 * The state after the plan, as the next input's `present`. Of a network that the plan changes, routes that no demand
 * uses are not kept; a network that it leaves alone keeps all that it has.
 * @param reservations what is reserved then; omitted: as now.
 */
export const resultState = ({ state, touched }: Outcome, reservations?: Reservation[]): PresentState => {
  const { problem, routing, placement, topology } = state
  const { networks, links, vms, present } = problem.input
  const routes: Route[] = []
  networks.forEach((network, n) => {
    if (!touched[n] || !may(problem, n, 'Routes')) {
      routes.push(...present.routes.filter((route) => route.network === network.name))
      return
    }
    for (const group of [...state.groups.values()].sort((x, y) => x.key - y.key)) {
      if (group.network !== n || group.demands.length === 0 || group.from === group.to || !group.path) continue
      if (samePath(group.path, routing.defaultPath(n, group.from, group.to))) continue
      const [from, to] = [bridgeName(state, group.from), bridgeName(state, group.to)]
      routes.push({ network: network.name, from, to, links: linkNames(state, group.path) })
    }
  })
  const linksOf = (n: number): string[] =>
    touched[n]
      ? topology.links(n).map((link) => links[link]!.name)
      : [...routing.presentLinks[n]!].sort((x, y) => x - y).map((link) => links[link]!.name)
  const placed = vms.flatMap((vm, id) =>
    placement.bridgeOf[id]! < 0 ? [] : [[vm.name, bridgeName(state, placement.bridgeOf[id]!)]],
  )
  return {
    placement: Object.fromEntries(placed),
    topology: Object.fromEntries(networks.map((network, n) => [network.name, linksOf(n)])),
    routes,
    reservations: reservations ?? present.reservations,
  }
}
