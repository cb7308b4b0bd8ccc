// Whether a network is carried, and with which numbers. Pure.
import { bridgeDevice, type Digest } from '#crds/names.ts'
import type { NetworkClass } from '#crds/network-class.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import type { NetworkTopology } from '#operator/compile/input.ts'
import type { BridgeReport } from './bridge-reports.ts'
import { keyOfNetwork, type NetworkIndex } from './network-index.ts'
import { deriveMtu, settleVni, vniHoldings } from './network-numbers.ts'
import { type Objection, objectionTo } from './network-policies.ts'

export type DecisionInput = {
  network: VirtualNetwork
  /** All users' networks, this one among them. */
  all: NetworkIndex
  class: NetworkClass | undefined
  namespaceLabels: Record<string, string> | undefined
  reports: readonly BridgeReport[]
  /** Clusters that are connected now. */
  connected: ReadonlySet<string>
  /** The hub's own cluster. */
  ownCluster: string
  digest: Digest
}

export type NetworkDecision = {
  key: string
  clusters: string[]
  topology: NetworkTopology
  device: string
  vni: number | undefined
  /** Undefined while any connected cluster has not said what its nodes carry. */
  mtuBytes: number | undefined
  /** These clusters, and what the others carry. */
  silent: { clusters: readonly string[]; mtuBytesOfOthers: number | undefined }
  objection: Objection | undefined
}

export const topologyOf = ({ spec }: VirtualNetwork): NetworkTopology => {
  const { type = 'Mesh', star } = spec.topology ?? {}
  return { type, ...(star ? { star } : {}) }
}

/** Clusters whose bridges may carry the network. */
const involvedClusters = ({ spec }: VirtualNetwork, clusters: readonly string[]): Set<string> => {
  const hub = spec.topology?.star?.hubs.cluster
  return new Set(hub === undefined ? clusters : [...clusters, hub])
}

type Mtu = Pick<NetworkDecision, 'mtuBytes' | 'silent'>

const settledMtu = (mtuBytes: number | undefined): Mtu => ({
  mtuBytes,
  silent: { clusters: [], mtuBytesOfOthers: undefined },
})

/** The MTU is fixed when the network begins: so it waits until each connected cluster has told what its nodes carry. */
const settleMtu = (input: DecisionInput, clusters: readonly string[]): Mtu => {
  const { network, reports, connected } = input
  const present = network.spec.mtu ?? network.status?.mtuBytes
  if (present !== undefined) return settledMtu(present)
  const involved = involvedClusters(network, clusters)
  const own = reports.filter(
    ({ cluster, status, addresses }) => involved.has(cluster) && addresses.length > 0 && status.underlayMTUBytes,
  )
  const heard = new Set(own.map(({ cluster }) => cluster))
  const silent = [...involved].filter((name) => connected.has(name) && !heard.has(name)).sort()
  const mtuBytes = deriveMtu(own)
  return silent.length === 0
    ? settledMtu(mtuBytes)
    : { mtuBytes: undefined, silent: { clusters: silent, mtuBytesOfOthers: mtuBytes } }
}

export const decide = (input: DecisionInput): NetworkDecision => {
  const { network, all, reports, ownCluster, digest } = input
  const key = keyOfNetwork(network)
  const clusters = [...(network.spec.clusters ?? [ownCluster])].sort()
  const settled = settleVni(
    {
      network: key,
      clusters: involvedClusters(network, clusters),
      wished: network.spec.vni,
      present: network.status?.vni,
      holderOf: (vni) => all.holderOf(vni, network),
      holdings: () => vniHoldings(reports),
    },
    digest,
  )
  const objection = objectionTo({
    network,
    clusters,
    class: input.class,
    namespaceLabels: input.namespaceLabels,
    older: all.olderThan(network),
    vniProblem: 'problem' in settled ? settled.problem : undefined,
  })
  return {
    key,
    clusters,
    topology: topologyOf(network),
    device: bridgeDevice(key, digest),
    vni: 'vni' in settled && !objection ? settled.vni : network.status?.vni,
    ...(objection ? settledMtu(network.status?.mtuBytes) : settleMtu(input, clusters)),
    objection,
  }
}
