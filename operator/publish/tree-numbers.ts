// The number of a network's flood tree. A number means one tree for ever, which may only grow: so bridges that come do not touch the others,
// and whatever mix of old and new entries the bridges hold, their union has no cycle.
import { addLink, componentsOf, emptyGraph, type Graph } from '#operator/compile/graph.ts'
import { nextFree } from './numbers.ts'
import type { DesiredNetwork, Situation } from './situation.ts'

const TREE_RANGE = { first: 32768, last: 65535 } as const

/** Branches of one tree number at each bridge, as published. */
type Branches = Map<string, ReadonlySet<string>>
type Tree = ReadonlyMap<string, ReadonlySet<string>>

const publishedTrees = ({ vni }: DesiredNetwork, { view }: Situation): Map<number, Branches> => {
  const found = new Map<number, Branches>()
  for (const [bridge, { spec, neighbourOf }] of view)
    for (const entry of spec.trees ?? []) {
      if (entry.vni !== vni) continue
      const branches = found.get(entry.tree) ?? new Map()
      found.set(entry.tree, branches.set(bridge, new Set(entry.links.flatMap((id) => neighbourOf.get(id) ?? []))))
    }
  return found
}

const isConnected = (branches: Branches): boolean => {
  const graph: Graph = emptyGraph([...branches.keys(), ...[...branches.values()].flatMap((names) => [...names])])
  for (const [bridge, names] of branches) for (const name of names) addLink(graph, bridge, name, 1)
  return componentsOf(graph).length <= 1
}

const livingPart = (branches: Branches, isLiving: (bridge: string) => boolean): Branches =>
  new Map([...branches].map(([bridge, names]) => [bridge, new Set([...names].filter(isLiving))]))

/**
 * Trees that fell apart because bridges were deleted. Those machines may still pass frames on for neighbours that have not heard of it, so what is
 * left must not be joined again under the same number.
 */
export const tornTrees = (network: DesiredNetwork, situation: Situation): Set<number> =>
  new Set(
    [...publishedTrees(network, situation)]
      .filter(([, branches]) => {
        const hasLost = [...branches.values()].some((names) => [...names].some((name) => !situation.isLiving(name)))
        return hasLost && !isConnected(livingPart(branches, situation.isLiving))
      })
      .map(([number]) => number),
  )

/** Trees that were taken from bridges which may hold them still. */
const retiredTrees = ({ vni }: DesiredNetwork, { view, isAcknowledged }: Situation): Set<number> =>
  new Set(
    [...view].flatMap(([bridge, { spec }]) =>
      isAcknowledged(bridge)
        ? []
        : (spec.retired ?? []).filter((each) => each.vni === vni).flatMap(({ trees }) => trees),
    ),
  )

const isWithin = (branches: Branches, tree: Tree): boolean =>
  [...branches].every(([bridge, names]) => [...names].every((name) => tree.get(bridge)?.has(name)))

/**
 * A bridge that comes in (perhaps again) must not hear the tree over two branches. Only neighbours of the network can send it anything; of these,
 * all but those that it now hangs on must be known to hold what is published, which does not name it.
 */
const newcomersAreSafe = (network: DesiredNetwork, tree: Tree, branches: Branches, situation: Situation): boolean =>
  [...tree].every(([bridge, own]) => {
    if (branches.has(bridge)) return true
    const senders = [
      ...(network.neighbours.get(bridge) ?? []),
      ...(situation.carried(bridge, network)?.neighbours ?? []),
    ]
    return senders.every((sender) => own.has(sender) || !branches.has(sender) || situation.isAcknowledged(sender))
  })

/** How many bridges flood on a tree. */
const rootsOf = (number: number, network: DesiredNetwork, { view, carried }: Situation): number =>
  [...view.keys()].filter((bridge) => carried(bridge, network)?.entry.floodTree === number).length

/** Number of the network's tree, published or new; 0 when it floods without one. */
export const treeNumberOf = (network: DesiredNetwork, situation: Situation): number => {
  const { tree } = network
  if (!tree) return 0
  const published = publishedTrees(network, situation)
  const retired = new Set([...retiredTrees(network, situation), ...tornTrees(network, situation)])
  const usable = [...published].filter(([number, all]) => {
    const branches = livingPart(all, situation.isLiving)
    const isUsed = [...branches.values()].some(({ size }) => size > 0)
    return (
      isUsed && !retired.has(number) && isWithin(branches, tree) && newcomersAreSafe(network, tree, branches, situation)
    )
  })
  const ranked = usable
    .map(([number, { size }]) => ({ number, size, roots: rootsOf(number, network, situation) }))
    .sort((left, right) => right.roots - left.roots || right.size - left.size || left.number - right.number)
  const [best] = ranked
  if (best) return best.number
  return nextFree(
    TREE_RANGE.first + (network.revision % (TREE_RANGE.last - TREE_RANGE.first)),
    TREE_RANGE,
    (number) => published.has(number) || retired.has(number),
  )
}
