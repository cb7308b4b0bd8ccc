import { mayRelink } from '../problem.ts'
import { samePath } from '../routing.ts'
import type { State } from '../state.ts'
import type { Model } from './model.ts'

/** u[network][link]: a link beyond the kept ones is in the topology exactly if a path uses it; budgets and costs of that. */
export const addTopology = (model: Model): void => {
  const { program, state } = model
  const { networks, links, budgets } = state.problem.input
  const { perLinkChange } = state.problem.costs
  const changes: [number, number][] = []
  let removable = 0
  networks.forEach((network, n) => {
    if (!mayRelink(state.problem, n)) return
    const kept = state.topology.kept(n)
    const present = state.routing.presentLinks[n]!
    const price = network.objective === 'MinimumCost' ? model.perUnit[n]! : 0
    const extra: [number, number][] = []
    for (const [link, users] of usersOf(model, n)) {
      if (kept.has(link)) continue
      const u = program.binary(price * state.problem.linkCost[link]!)
      for (const columns of users)
        program.row([...columns.map((z) => [z, 1] as const), [u, -1]], Number.NEGATIVE_INFINITY, 0)
      program.row([[u, 1], ...users.flat().map((z) => [z, -1] as const)], Number.NEGATIVE_INFINITY, 0)
      if (!state.routing.baselineLinks[n]!.has(link)) extra.push([u, 1])
      const weight = present.has(link) ? -1 : links[link]!.exists === false ? 2 : 1
      changes.push([u, weight])
      program.addCost(u, -perLinkChange * weight)
    }
    removable += removableLinks(state, n).length
    const keptExtra = [...kept].filter((link) => !state.routing.baselineLinks[n]!.has(link)).length
    if (network.linkBudget !== undefined) program.row(extra, Number.NEGATIVE_INFINITY, network.linkBudget - keptExtra)
  })
  if (budgets.linkChanges !== undefined) program.row(changes, Number.NEGATIVE_INFINITY, budgets.linkChanges - removable)
  addRouteChanges(model)
}

/** Links that a network has now and gives up unless a path uses them. */
export const removableLinks = ({ problem, routing, topology }: State, network: number): number[] =>
  mayRelink(problem, network)
    ? [...routing.presentLinks[network]!].filter((link) => !topology.kept(network).has(link))
    : []

/** Per link, the columns of each item whose options cross it. */
const usersOf = ({ items, z }: Model, network: number): Map<number, number[][]> => {
  const users = new Map<number, number[][]>()
  items.forEach((item, i) => {
    if (item.network !== network) return
    const mine = new Map<number, number[]>()
    item.options.forEach(({ path }, k) => {
      for (const link of new Set(Array.from(path.arcs, (arc) => arc >> 1)))
        mine.set(link, [...(mine.get(link) ?? []), z[i]![k]!])
    })
    for (const [link, columns] of mine) users.set(link, [...(users.get(link) ?? []), columns])
  })
  return users
}

/** A pair of bridges whose path is not the present one costs a route change, however many items it carries. */
const addRouteChanges = ({ program, state, items, z }: Model): void => {
  const { perRouteChange } = state.problem.costs
  if (perRouteChange === 0) return
  const changed = new Map<number, number>()
  items.forEach((item, i) => {
    item.options.forEach(({ from, to, path }, k) => {
      if (from === to || samePath(path, state.presentPath(item.network, from, to))) return
      const key = state.routing.pairKey(item.network, from, to)
      const column = changed.get(key) ?? program.binary(-perRouteChange)
      changed.set(key, column)
      program.row(
        [
          [z[i]![k]!, 1],
          [column, -1],
        ],
        Number.NEGATIVE_INFINITY,
        0,
      )
    })
  })
}
