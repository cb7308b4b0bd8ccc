// All bridges of all members as the hub sees them now.
import type { NodeBridge } from '#crds/node-bridge.ts'
import { type BridgeReport, reportOf, withAddresses } from './bridge-reports.ts'
import type { HubInformers } from './informers.ts'

/**
 * The reports of the bridges of all members. `newest` gives the object with the spec that was written last, where the view of the API server may
 * still be behind our own writes.
 */
export const gatherBridges = (
  { clusters, bridges }: Pick<HubInformers, 'clusters' | 'bridges'>,
  newest: (object: NodeBridge) => NodeBridge = (object) => object,
): BridgeReport[] => {
  const members = clusters.lister.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const reports = members.flatMap((cluster) =>
    bridges.lister
      .byIndex('mailbox', cluster.metadata.name)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map((object) => reportOf(newest(object), cluster)),
  )
  return withAddresses(reports)
}
