// What `compile` works on: plain data, already checked by whoever gathered it.
import type { TopologyType } from '#crds/virtual-network.ts'

/** A node of a member cluster that can carry networks. */
export type BridgeInput = {
  /** `cluster/node`. */
  bridge: string
  cluster: string
  labels: Record<string, string>
  /** Underlay addresses that neighbours may send to, the preferred one first; at most one of a family. */
  addresses: readonly string[]
  nodeUID: string
  /** False while the node or its cluster is down: then it passes no frames on as long as another path exists. */
  isReady: boolean
}

export type Site = { name: string; matchLabels: Record<string, string> }

export type NetworkTopology = {
  type: TopologyType
  star?: { hubs: { cluster: string; site?: string; replicas: number } }
}

/** An accepted network: its numbers are settled. */
export type NetworkInput = {
  /** `namespace/name`. */
  network: string
  /** When it was made, as text that sorts: where room runs out, who came first is served first. */
  created: string
  vni: number
  device: string
  mtuBytes: number
  clusters: string[]
  topology: NetworkTopology
  labels: Record<string, string>
}

/** An OverlayLink. */
export type LinkInput = {
  name: string
  a: string
  b: string
  cost: number
  isUp: boolean
  /** Labels of the networks that may use it; all when undefined. */
  matchLabels: Record<string, string> | undefined
}

/** What the published spec of a bridge has already. */
export type Holding = {
  /** Its networks by name, with the paths (rows of `paths` in daemonset/bpf/maps.h) that each takes. */
  readonly carried: ReadonlyMap<string, { vni: number; paths: number }>
  /** By neighbour. */
  readonly links: ReadonlyMap<string, unknown>
  /** By the text of the remaining path. */
  readonly labelOfPath: ReadonlyMap<string, unknown>
}

export type CompileInput = {
  bridges: readonly BridgeInput[]
  /** Sites of each cluster, in the order in which they are tried. */
  sites: ReadonlyMap<string, Site[]>
  networks: NetworkInput[]
  links: LinkInput[]
  /** By bridge: who has something keeps it before others get any. */
  holdings: ReadonlyMap<string, Holding>
}
