// How the endpoints of one network are spread over slices. Pure.
import { LABELS } from '#crds/group.ts'
import { projectionName } from '#crds/names.ts'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'

/** Most endpoints that one slice holds: a start of one VM then rewrites some kilobytes, not the whole network. */
export const SLICE_CAPACITY = 100

const identity = ({ mac, podUID }: NetworkEndpoint): string => `${mac} ${podUID}`

/** Label selector values of a network's slices from one cluster. */
export const sliceLabels = (network: string, cluster: string): Record<string, string> => ({
  [LABELS.network]: projectionName(network),
  [LABELS.cluster]: cluster,
})

/**
 * Contents of the slices by their number. An endpoint stays in the slice that it is in, so that a VM's coming and going changes one slice alone.
 */
export const spread = (
  endpoints: NetworkEndpoint[],
  present: Map<number, NetworkEndpoint[]>,
): Map<number, NetworkEndpoint[]> => {
  const slots = new Map<number, NetworkEndpoint[]>()
  const placed = new Set<string>()
  const byIdentity = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]))
  for (const [index, list] of [...present].sort(([left], [right]) => left - right)) {
    const kept = list.flatMap((old) => {
      const endpoint = byIdentity.get(identity(old))
      if (!endpoint || placed.has(identity(old))) return []
      placed.add(identity(old))
      return [endpoint]
    })
    if (kept.length > 0) slots.set(index, kept.slice(0, SLICE_CAPACITY))
  }
  let index = 0
  for (const endpoint of endpoints) {
    if (placed.has(identity(endpoint))) continue
    while ((slots.get(index)?.length ?? 0) >= SLICE_CAPACITY) index++
    slots.set(index, [...(slots.get(index) ?? []), endpoint])
  }
  return slots
}
