// The published specs as the questions that publication asks of them.
import { expandLinkSets } from '#crds/link-sets.ts'
import type {
  BridgeLabel,
  BridgeLink,
  BridgeNetwork,
  BridgeRoute,
  BridgeTree,
  NodeBridgeSpec,
} from '#crds/node-bridge.ts'
import type { Holding } from '#operator/compile/input.ts'

/** The newest spec of each living bridge; an empty one for a bridge that has none yet. */
export type Published = ReadonlyMap<string, NodeBridgeSpec>

export type NetworkView = {
  entry: BridgeNetwork
  /** Neighbours that may send the network, and to whom it may be sent. */
  neighbours: ReadonlySet<string>
  routes: ReadonlyMap<string, BridgeRoute>
}

export const treeKey = (vni: number, tree: number): string => `${vni}/${tree}`

/** Bridges that a frame with this label still passes, the one that holds the label first. */
export const hopsOf = (label: BridgeLabel): string[] => label.path.split('>')

const firstByPath = (labels: readonly BridgeLabel[]): Map<string, BridgeLabel> => {
  const found = new Map<string, BridgeLabel>()
  for (const label of labels) if (!found.has(label.path)) found.set(label.path, label)
  return found
}

/** One spec. Each table is made when it is first asked for: of most bridges most steps ask nothing. */
export class BridgeView implements Holding {
  /** The spec with the links of each network in full. */
  readonly spec: NodeBridgeSpec
  #links: ReadonlyMap<string, BridgeLink> | undefined
  #neighbourOf: ReadonlyMap<number, string> | undefined
  #labels: ReadonlyMap<number, BridgeLabel> | undefined
  #labelOfPath: ReadonlyMap<string, BridgeLabel> | undefined
  #networks: ReadonlyMap<string, NetworkView> | undefined
  #carried: Holding['carried'] | undefined
  #trees: ReadonlyMap<string, ReadonlySet<string>> | undefined

  constructor(spec: NodeBridgeSpec) {
    this.spec = expandLinkSets(spec)
  }

  get links(): ReadonlyMap<string, BridgeLink> {
    this.#links ??= new Map((this.spec.links ?? []).map((link) => [link.bridge, link]))
    return this.#links
  }

  get neighbourOf(): ReadonlyMap<number, string> {
    this.#neighbourOf ??= new Map((this.spec.links ?? []).map(({ id, bridge }) => [id, bridge]))
    return this.#neighbourOf
  }

  get labels(): ReadonlyMap<number, BridgeLabel> {
    this.#labels ??= new Map((this.spec.labels ?? []).map((label) => [label.label, label]))
    return this.#labels
  }

  get labelOfPath(): ReadonlyMap<string, BridgeLabel> {
    this.#labelOfPath ??= firstByPath(this.spec.labels ?? [])
    return this.#labelOfPath
  }

  get networks(): ReadonlyMap<string, NetworkView> {
    this.#networks ??= this.#viewNetworks()
    return this.#networks
  }

  /** What networks take of the node. */
  get carried(): Holding['carried'] {
    this.#carried ??= new Map(
      [...this.networks].map(([name, { entry, neighbours, routes }]) => {
        const far = entry.routes.length === 0 ? [] : [...routes.keys()].filter((to) => !neighbours.has(to))
        return [name, { vni: entry.vni, paths: neighbours.size + far.length }]
      }),
    )
    return this.#carried
  }

  /** Neighbours on each flood tree, by `treeKey`. */
  get trees(): ReadonlyMap<string, ReadonlySet<string>> {
    this.#trees ??= new Map(
      (this.spec.trees ?? []).map(({ vni, tree, links }: BridgeTree) => [treeKey(vni, tree), this.#namesOf(links)]),
    )
    return this.#trees
  }

  #namesOf(ids: readonly number[]): Set<string> {
    return new Set(ids.flatMap((id) => this.neighbourOf.get(id) ?? []))
  }

  #viewNetworks(): Map<string, NetworkView> {
    const sets = new Map<readonly number[], Set<string>>()
    return new Map(
      (this.spec.networks ?? []).map((entry) => {
        const neighbours = sets.get(entry.links) ?? this.#namesOf(entry.links)
        sets.set(entry.links, neighbours)
        return [entry.name, { entry, neighbours, routes: new Map(entry.routes.map((route) => [route.to, route])) }]
      }),
    )
  }
}

export type View = ReadonlyMap<string, BridgeView>

/** Specs are never changed once they are there, so each is looked at once. */
const known = new WeakMap<NodeBridgeSpec, BridgeView>()

export const viewOf = (published: Published): View =>
  new Map(
    [...published].map(([bridge, spec]) => {
      const view = known.get(spec) ?? new BridgeView(spec)
      known.set(spec, view)
      return [bridge, view]
    }),
  )
