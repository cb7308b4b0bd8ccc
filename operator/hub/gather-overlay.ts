// The view of the API server as the one plain input of compilation.

import { bridgeKey } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import type { BridgeInput, CompileInput, LinkInput, NetworkInput, Site } from '#operator/compile/input.ts'
import { viewOf } from '#operator/publish/view.ts'
import type { BridgeReport } from './bridge-reports.ts'
import type { HubInformers } from './informers.ts'
import { NetworkIndex } from './network-index.ts'
import { decideNetwork, userNetworks } from './network-view.ts'
import { lastAccepted } from './revisions.ts'

export type GatheredOverlay = {
  input: CompileInput
  /** The objects behind the networks of the input. */
  networks: Map<string, { object: VirtualNetwork; input: NetworkInput }>
}

/**
 * Networks that are carried. One whose numbers are not in its status yet waits for that; one whose present spec is not accepted goes on as it last
 * was: an edit that does not pass must not cut running VMs off.
 */
const gatherNetworks = (
  informers: HubInformers,
  reports: readonly BridgeReport[],
  ownCluster: string,
): GatheredOverlay['networks'] => {
  const all = userNetworks(informers)
  const index = new NetworkIndex(all)
  const networks = new Map<string, { object: VirtualNetwork; input: NetworkInput }>()
  for (const object of all) {
    const { status } = object
    if (status?.vni === undefined || status.mtuBytes === undefined) continue
    const decision = decideNetwork(object, informers, { reports, ownCluster, all: index })
    const carried = decision.objection ? lastAccepted(object, informers) : decision
    if (!carried || decision.vni !== status.vni) continue
    networks.set(decision.key, {
      object,
      input: {
        network: decision.key,
        created: `${object.metadata.creationTimestamp ?? ''}`,
        vni: status.vni,
        device: decision.device,
        mtuBytes: status.mtuBytes,
        clusters: carried.clusters,
        topology: carried.topology,
        labels: { ...object.metadata.labels },
      },
    })
  }
  return networks
}

const gatherSites = ({ clusters }: HubInformers): Map<string, Site[]> =>
  new Map(
    clusters.lister
      .list()
      .map(({ metadata, spec }) => [
        metadata.name,
        (spec?.sites ?? []).map(({ name, nodeSelector }) => ({ name, matchLabels: { ...nodeSelector.matchLabels } })),
      ]),
  )

const gatherLinks = ({ links }: HubInformers): LinkInput[] =>
  links.lister
    .list()
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec }) => ({
      name: metadata.name,
      a: bridgeKey(spec.a.cluster, spec.a.node),
      b: bridgeKey(spec.b.cluster, spec.b.node),
      cost: spec.cost,
      isUp: spec.adminState === 'Up',
      matchLabels: spec.networks?.matchLabels && { ...spec.networks.matchLabels },
    }))

/** A bridge can be linked once its address and its Node are known. */
export const isUsable = (report: BridgeReport): report is BridgeReport & { nodeUID: string } =>
  report.addresses.length > 0 && report.nodeUID !== undefined

export const gatherOverlay = (
  informers: HubInformers,
  reports: readonly BridgeReport[],
  ownCluster: string,
): GatheredOverlay => {
  const networks = gatherNetworks(informers, reports, ownCluster)
  const bridges = reports.filter(isUsable).map(
    ({ bridge, cluster, labels, addresses, nodeUID, isReady }): BridgeInput => ({
      bridge,
      cluster,
      labels,
      addresses,
      nodeUID,
      isReady,
    }),
  )
  return {
    networks,
    input: {
      bridges,
      networks: [...networks.values()].map(({ input }) => input),
      sites: gatherSites(informers),
      links: gatherLinks(informers),
      holdings: viewOf(new Map(reports.map(({ bridge, spec }) => [bridge, spec]))),
    },
  }
}
