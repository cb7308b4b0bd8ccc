// The decision about each network, from the present view: made alike by whoever needs it, so that nobody waits for another's status.
import { IN_USE_FINALIZER } from '#crds/group.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { isTrue } from '#runtime/conditions.ts'
import { sha256 } from '#runtime/digest.ts'
import type { BridgeReport } from './bridge-reports.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { decide, type NetworkDecision } from './network-decision.ts'
import { classNameOf, type NetworkIndex } from './network-index.ts'

/** Networks that users made; the others are projections in mailboxes. One that we have let go is none any more, whatever else holds it. */
export const userNetworks = ({ networks }: Pick<HubInformers, 'networks'>): VirtualNetwork[] =>
  networks.lister
    .list()
    .filter(({ metadata }) => clusterOfMailbox(metadata.namespace) === undefined)
    .filter(({ metadata }) => !metadata.deletionTimestamp || metadata.finalizers?.includes(IN_USE_FINALIZER))

export const connectedClusters = ({ clusters }: Pick<HubInformers, 'clusters'>): Set<string> =>
  new Set(
    clusters.lister
      .list()
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && isTrue(status?.conditions, 'Ready'))
      .map(({ metadata }) => metadata.name),
  )

export const decideNetwork = (
  network: VirtualNetwork,
  informers: HubInformers,
  { reports, ownCluster, all }: { reports: readonly BridgeReport[]; ownCluster: string; all: NetworkIndex },
): NetworkDecision => {
  const namespace = informers.namespaces.lister.get(network.metadata.namespace ?? '')
  return decide({
    network,
    all,
    class: informers.classes.lister.get(classNameOf(network)),
    namespaceLabels: namespace && ({ ...namespace.metadata?.labels } as Record<string, string>),
    reports,
    connected: connectedClusters(informers),
    ownCluster,
    digest: sha256,
  })
}
