// All bridges of all members as the hub sees them now.
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { type BridgeReport, reportOf, withAddresses } from './bridge-reports.ts'
import type { HubInformers } from './informers.ts'
import { bridgeLimitOf, type CountedBridges, countBridges } from './member-limits.ts'

/** The overlay is named by the hub's own cluster. */
export const overlayUIDOf = ({ namespaces }: Pick<HubInformers, 'namespaces'>): string | undefined =>
  namespaces.lister.get('kube-system')?.metadata?.uid

/** The bridges of one member. */
export const bridgesOf = (cluster: MemberCluster, { bridges }: Pick<HubInformers, 'bridges'>): CountedBridges =>
  countBridges(
    bridges.lister
      .byIndex('mailbox', cluster.metadata.name)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    bridgeLimitOf(cluster),
  )

/**
 * The reports of the bridges of all members. `newest` gives the object with the spec that was written last, where the view of the API server may
 * still be behind our own writes.
 */
export const gatherBridges = (
  { clusters, bridges, namespaces }: Pick<HubInformers, 'clusters' | 'bridges' | 'namespaces'>,
  newest: (object: NodeBridge) => NodeBridge = (object) => object,
): readonly BridgeReport[] => {
  const overlayUID = overlayUIDOf({ namespaces })
  const members = clusters.lister.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const reports = members.flatMap((cluster) =>
    bridgesOf(cluster, { bridges }).counted.map((object) => reportOf(newest(object), cluster, overlayUID)),
  )
  return withAddresses(reports)
}
