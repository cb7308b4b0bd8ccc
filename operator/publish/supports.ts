// The supports of one bridge's next spec: those of the new state are there at once, old ones stay while anyone may use them.
import type { BridgeLabel, BridgeLink, BridgeNetwork, BridgeTree } from '#crds/node-bridge.ts'
import { commonAddress } from '#operator/compile/common-address.ts'
import type { NameSet } from '#operator/compile/name-set.ts'
import { type Path, pathText } from '#operator/compile/topology.ts'
import { rememberPairs } from './remember-pairs.ts'
import { waitsForAllowance, waitsForLabel, waitsForTree } from './removals.ts'
import type { DesiredNetwork } from './situation.ts'
import { labelNumber, linkNumber, type Step } from './step.ts'
import { hopsOf } from './view.ts'

const byNumber = (left: number, right: number): number => left - right

/** Label entry for the path that remains at its first bridge. */
export const labelEntry = (step: Step, path: Path): BridgeLabel => {
  const [bridge = '', next = ''] = path
  const text = pathText(path)
  return {
    label: labelNumber(step, bridge, text),
    link: linkNumber(step, bridge, next),
    nextLabel: path.length === 2 ? 0 : labelNumber(step, next, pathText(path, 1)),
    path: text,
  }
}

/** Labels of a bridge. One that leads to a bridge that is gone leads nowhere, and goes at once. */
export const nextLabels = (step: Step, bridge: string): BridgeLabel[] => {
  const wanted = [...(step.numbers.remainders.get(bridge)?.values() ?? [])]
    .filter((path) => step.isLiving(path[1] as string))
    .map((path) => labelEntry(step, path))
  const numbers = new Set(wanted.map(({ label }) => label))
  const kept = [...(step.view.get(bridge)?.labels.values() ?? [])].filter((label) => {
    const next = hopsOf(label)[1]
    if (numbers.has(label.label) || next === undefined || !step.isLiving(next)) return false
    const waitsFor = waitsForLabel(step, step.usage, bridge, label)
    step.waiting.add('Draining', { network: '', bridge }, waitsFor)
    return waitsFor.length > 0
  })
  return [...wanted, ...kept].sort((left, right) => left.label - right.label)
}

const isWithin = rememberPairs((names: ReadonlySet<string>, limit: NameSet) =>
  [...names].every((name) => limit.has(name)),
)

/** Links that may carry the network. */
export const nextLinkIds = (step: Step, bridge: string, network: DesiredNetwork): number[] => {
  const toIds = (names: readonly string[]): number[] =>
    names.map((neighbour) => linkNumber(step, bridge, neighbour)).sort(byNumber)
  const desired = network.neighbours.get(bridge)
  const published = step.carried(bridge, network)?.neighbours
  if (!desired || (published && !isWithin(published, desired))) return toIds(nextNeighbours(step, bridge, network))
  const ids = step.linkIds.get(desired) ?? toIds([...desired].filter(step.isLiving))
  step.linkIds.set(desired, ids)
  return ids
}

/** Neighbours that may exchange the network with the bridge. */
const nextNeighbours = (step: Step, bridge: string, network: DesiredNetwork): string[] => {
  const wanted = [...(network.neighbours.get(bridge) ?? [])].filter(step.isLiving)
  const known = new Set(wanted)
  const kept = [...(step.carried(bridge, network)?.neighbours ?? [])].filter((neighbour) => {
    if (known.has(neighbour) || !step.isLiving(neighbour)) return false
    const waitsFor = waitsForAllowance(step, step.usage, network, [bridge, neighbour])
    step.waiting.add('Draining', { network: network.network, bridge }, waitsFor)
    return waitsFor.length > 0
  })
  return [...wanted, ...kept]
}

/** Flood trees of one network at the bridge. */
export const nextTrees = (step: Step, bridge: string, network: DesiredNetwork): BridgeTree[] => {
  const current = step.numbers.trees.get(network.network) ?? 0
  const trees = new Map<number, Set<string>>()
  const branches = network.tree?.get(bridge)
  if (branches) trees.set(current, new Set(branches))
  for (const [key, names] of step.view.get(bridge)?.trees ?? []) {
    const [vni, tree] = key.split('/').map(Number)
    if (vni !== network.vni || tree === undefined || tree === current) continue
    const waitsFor = waitsForTree(step, network, bridge, tree)
    step.waiting.add('Draining', { network: network.network, bridge }, waitsFor)
    if (waitsFor.length > 0) trees.set(tree, new Set(names))
  }
  return [...trees].map(([tree, names]) => ({
    vni: network.vni,
    tree,
    links: [...names]
      .filter(step.isLiving)
      .map((name) => linkNumber(step, bridge, name))
      .sort(byNumber),
  }))
}

type Parts = { labels: BridgeLabel[]; networks: BridgeNetwork[]; trees: BridgeTree[] }

/** Networks over the same bridges share one list of links, which is looked at once. */
const linksIn = ({ labels = [], networks = [], trees = [] }: Partial<Parts>): Set<number> => {
  const found = new Set<number>()
  for (const links of new Set(networks.map((network) => network.links))) for (const id of links) found.add(id)
  for (const { routes } of networks) for (const { link } of routes) found.add(link)
  for (const { links } of trees) for (const id of links) found.add(id)
  for (const { link } of labels) found.add(link)
  return found
}

/** Where the neighbour is reached; where the two have no family in common, an address that the agent will name as unreachable. */
const addressOf = ({ bridges }: Step, bridge: string, neighbour: string): string | undefined => {
  const [own, theirs] = [bridges.get(bridge)?.addresses ?? [], bridges.get(neighbour)?.addresses ?? []]
  return commonAddress(own, theirs) ?? (own.length > 0 ? theirs[0] : undefined)
}

/** Links of the bridge: those that the next spec uses, and those that the node may use until it has programmed the published one. */
export const nextLinks = (step: Step, bridge: string, next: Parts): BridgeLink[] => {
  const published = step.view.get(bridge)
  const used = linksIn(next)
  const held = linksIn(published?.spec ?? {})
  const isAcknowledged = step.isAcknowledged(bridge)
  return [...(step.numbers.of(bridge)?.links ?? [])]
    .filter(([neighbour, id]) => {
      if (!step.isLiving(neighbour)) return false
      return used.has(id) || (published?.links.has(neighbour) && (held.has(id) || !isAcknowledged))
    })
    .map(([neighbour, id]) => ({
      id,
      bridge: neighbour,
      address: addressOf(step, bridge, neighbour) ?? published?.links.get(neighbour)?.address ?? '',
    }))
    .sort((left, right) => left.id - right.id)
}
