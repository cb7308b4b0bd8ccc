import { HEARTBEAT_LEASE, LABELS, MANAGED_BY } from '#crds/group.ts'
import { Informer } from '#runtime/informer.ts'
import {
  MemberClusters,
  NetworkClasses,
  NetworkEndpointSlices,
  NodeBridges,
  OverlayLinks,
  VirtualNetworks,
} from '#runtime/overlay-resources.ts'
import { ControllerRevisions, Leases, Namespaces } from '#runtime/resources.ts'
import type { HubDeps } from './deps.ts'
import { clusterOfMailbox } from './mailboxes.ts'

const mailboxIndex = (object: { metadata: { namespace?: string } }): string[] => {
  const cluster = clusterOfMailbox(object.metadata.namespace)
  return cluster === undefined ? [] : [cluster]
}

/** The views that the hub's controllers read; all on the hub's own API server. */
export const hubInformers = ({ client, logger, metrics, clock }: HubDeps) => {
  const common = { client, view: 'hub', logger, metrics, clock }
  return {
    clusters: new Informer({ ...common, resource: MemberClusters }),
    classes: new Informer({ ...common, resource: NetworkClasses }),
    links: new Informer({ ...common, resource: OverlayLinks }),
    /** Users' networks, and their projections in mailboxes. */
    networks: new Informer({ ...common, resource: VirtualNetworks, indexes: { mailbox: mailboxIndex } }),
    bridges: new Informer({ ...common, resource: NodeBridges, indexes: { mailbox: mailboxIndex } }),
    slices: new Informer({
      ...common,
      resource: NetworkEndpointSlices,
      indexes: { mailbox: mailboxIndex, network: ({ spec }) => [spec.network] },
    }),
    heartbeats: new Informer({ ...common, resource: Leases, fieldSelector: `metadata.name=${HEARTBEAT_LEASE}` }),
    namespaces: new Informer({ ...common, resource: Namespaces }),
    revisions: new Informer({
      ...common,
      resource: ControllerRevisions,
      labelSelector: `${LABELS.managedBy}=${MANAGED_BY}`,
      indexes: { owner: ({ metadata }) => (metadata?.ownerReferences ?? []).map(({ uid }) => uid) },
    }),
  }
}

export type HubInformers = ReturnType<typeof hubInformers>
