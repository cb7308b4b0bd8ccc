// All that the commands show, read once.
import { expandLinkSets } from '#crds/link-sets.ts'
import type { MemberCluster } from '#crds/member-cluster.ts'
import { bridgeKey, mailboxNamespace } from '#crds/names.ts'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { OverlayLink } from '#crds/overlay-link.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { ApiError } from '#runtime/api-error.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { KubeObject, Resource } from '#runtime/kube-object.ts'
import {
  MemberClusters,
  NetworkEndpointSlices,
  NodeBridges,
  OverlayLinks,
  VirtualNetworks,
} from '#runtime/overlay-resources.ts'

/** An attached interface and where it is. */
export type PlacedEndpoint = NetworkEndpoint & { cluster: string; network: string }

export type Overlay = {
  clusters: MemberCluster[]
  networks: VirtualNetwork[]
  links: OverlayLink[]
  /** By bridge, `cluster/node`. */
  bridges: Map<string, NodeBridge>
  endpoints: PlacedEndpoint[]
}

/** Lists a kind; a cluster that is no hub may lack it or refuse to show it. */
const listIfAny = async <T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  namespace?: string,
): Promise<T[]> => {
  try {
    return (await client.list(resource, namespace ? { namespace } : {})).items
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return []
    throw error
  }
}

/** Reads the hub's view, from the mailboxes, or a member's own view, from its system namespace. */
export const readOverlay = async (client: KubeClient, systemNamespace: string): Promise<Overlay> => {
  const clusters = await listIfAny(client, MemberClusters)
  const networks = (await listIfAny(client, VirtualNetworks)).filter(
    ({ metadata }) => !metadata.namespace?.startsWith('vnet-cluster-'),
  )
  const links = await listIfAny(client, OverlayLinks)
  const places =
    clusters.length > 0 ? clusters.map(({ metadata }) => mailboxNamespace(metadata.name)) : [systemNamespace]
  const bridges = new Map<string, NodeBridge>()
  const endpoints = new Map<string, PlacedEndpoint>()
  for (const place of places) {
    for (const bridge of await listIfAny(client, NodeBridges, place)) {
      const cluster = place.startsWith('vnet-cluster-')
        ? place.slice('vnet-cluster-'.length)
        : (bridge.spec?.bridge?.split('/')[0] ?? '')
      bridges.set(bridgeKey(cluster, bridge.metadata.name), { ...bridge, spec: expandLinkSets(bridge.spec ?? {}) })
    }
    for (const { spec } of await listIfAny(client, NetworkEndpointSlices, place))
      for (const endpoint of spec.endpoints)
        endpoints.set(`${spec.network} ${endpoint.mac} ${endpoint.podUID}`, {
          ...endpoint,
          cluster: spec.cluster,
          network: spec.network,
        })
  }
  return { clusters, networks, links, bridges, endpoints: [...endpoints.values()] }
}
