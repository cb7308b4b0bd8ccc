import { isOfOverlay } from './bridge-reports.ts'
import { overlayUIDOf } from './bridge-view.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'

/** No true epoch comes near this: it counts leaders. A larger one is a forgery that would exhaust the counter of the Lease. */
const PLAUSIBLE_EPOCH = 1_000_000_000

/** The largest epoch that any bridge has seen: a Lease that was deleted must not begin below it, or agents would refuse the new leader. */
export const epochFloor = ({ bridges, namespaces }: Pick<HubInformers, 'bridges' | 'namespaces'>): number => {
  const overlayUID = overlayUIDOf({ namespaces })
  return bridges.lister
    .list()
    .filter(({ metadata }) => clusterOfMailbox(metadata.namespace) !== undefined)
    .flatMap(({ spec, status }) => [spec?.epoch ?? 0, isOfOverlay(status ?? {}, overlayUID) ? (status?.epoch ?? 0) : 0])
    .filter((epoch) => epoch < PLAUSIBLE_EPOCH)
    .reduce((largest, epoch) => Math.max(largest, epoch), 0)
}
