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

export type CompileInput = {
  bridges: BridgeInput[]
  /** Sites of each cluster, in the order in which they are tried. */
  sites: ReadonlyMap<string, Site[]>
  networks: NetworkInput[]
  links: LinkInput[]
}
