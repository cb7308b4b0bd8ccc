// The published specs as the questions that publication asks of them.
import type { BridgeLabel, BridgeLink, BridgeNetwork, BridgeRoute, NodeBridgeSpec } from '#crds/node-bridge.ts'

/** The newest spec of each living bridge; an empty one for a bridge that has none yet. */
export type Published = ReadonlyMap<string, NodeBridgeSpec>

export type NetworkView = {
  entry: BridgeNetwork
  /** Neighbours that may send the network, and to whom it may be sent. */
  neighbours: ReadonlySet<string>
  routes: ReadonlyMap<string, BridgeRoute>
}

export type BridgeView = {
  spec: NodeBridgeSpec
  links: ReadonlyMap<string, BridgeLink>
  neighbourOf: ReadonlyMap<number, string>
  labels: ReadonlyMap<number, BridgeLabel>
  labelOfPath: ReadonlyMap<string, BridgeLabel>
  networks: ReadonlyMap<string, NetworkView>
  /** Neighbours on each flood tree, by `treeKey`. */
  trees: ReadonlyMap<string, ReadonlySet<string>>
}

export type View = ReadonlyMap<string, BridgeView>

export const treeKey = (vni: number, tree: number): string => `${vni}/${tree}`

/** Bridges that a frame with this label still passes, the one that holds the label first. */
export const hopsOf = (label: BridgeLabel): string[] => label.path.split('>')

const firstByPath = (labels: readonly BridgeLabel[]): Map<string, BridgeLabel> => {
  const found = new Map<string, BridgeLabel>()
  for (const label of labels) if (!found.has(label.path)) found.set(label.path, label)
  return found
}

const bridgeView = (spec: NodeBridgeSpec): BridgeView => {
  const { links = [], labels = [], networks = [], trees = [] } = spec
  const neighbourOf = new Map(links.map(({ id, bridge }) => [id, bridge]))
  const namesOf = (ids: readonly number[]): Set<string> => new Set(ids.flatMap((id) => neighbourOf.get(id) ?? []))
  const networkView = (entry: BridgeNetwork): NetworkView => ({
    entry,
    neighbours: namesOf(entry.links),
    routes: new Map(entry.routes.map((route) => [route.to, route])),
  })
  return {
    spec,
    neighbourOf,
    links: new Map(links.map((link) => [link.bridge, link])),
    labels: new Map(labels.map((label) => [label.label, label])),
    labelOfPath: firstByPath(labels),
    networks: new Map(networks.map((entry) => [entry.name, networkView(entry)])),
    trees: new Map(trees.map(({ vni, tree, links: ids }) => [treeKey(vni, tree), namesOf(ids)])),
  }
}

export const viewOf = (published: Published): View =>
  new Map([...published].map(([bridge, spec]) => [bridge, bridgeView(spec)]))
