// The claims of a network's endpoints from the present view.

import { mailboxNamespace, projectionName } from '#crds/names.ts'
import type { NetworkClass } from '#crds/network-class.ts'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { type EndpointVerdict, identityOf, judgeClaims } from './endpoint-claims.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { keyOfNetwork } from './network-index.ts'

export const isOwnSlice = (slice: NetworkEndpointSlice): boolean =>
  clusterOfMailbox(slice.metadata.namespace) === slice.spec.cluster

/** Clusters that a network is handed to: where its projection lies. */
export const projectedClusters = (network: string, { networks, clusters }: HubInformers): string[] =>
  clusters.lister
    .list()
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ metadata }) => metadata.name)
    .filter((cluster) => networks.lister.get(`${mailboxNamespace(cluster)}/${projectionName(network)}`) !== undefined)

/** Slices of a network in all mailboxes. */
export const slicesOf = (network: string, { slices }: HubInformers): NetworkEndpointSlice[] =>
  slices.lister
    .byIndex('network', network)
    .filter(({ metadata }) => clusterOfMailbox(metadata.namespace) !== undefined && !metadata.deletionTimestamp)

const classOf = (network: VirtualNetwork, { classes }: HubInformers): NetworkClass | undefined =>
  classes.lister.get(network.spec.className ?? 'default')

export const judgeEndpoints = (network: VirtualNetwork, informers: HubInformers): EndpointVerdict => {
  const key = keyOfNetwork(network)
  const all = slicesOf(key, informers)
  const incumbents = all
    .filter((slice) => !isOwnSlice(slice))
    .flatMap(({ spec }) => spec.endpoints.map((endpoint) => identityOf(spec.cluster, endpoint)))
  return judgeClaims({
    network: key,
    clusters: projectedClusters(key, informers),
    claimed: all.filter(isOwnSlice).map((slice) => ({ cluster: slice.spec.cluster, slice })),
    incumbents: new Set(incumbents),
    limit: classOf(network, informers)?.spec.limits?.endpoints,
  })
}
