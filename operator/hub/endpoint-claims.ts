// Which endpoints of a network the hub hands on: what members claim, checked. Pure.
import { projectionName, sliceIndex } from '#crds/names.ts'
import { type NetworkEndpoint, type NetworkEndpointSlice, ownerOf } from '#crds/network-endpoint-slice.ts'

/** Endpoints of one network that one cluster may have, whatever the class says: its share of everyone's memory. */
export const CLUSTER_SHARE = 10_000
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** A slice as it lies in the mailbox of `cluster`. */
export type ClaimedSlice = { cluster: string; slice: NetworkEndpointSlice }

export type AcceptedSlice = {
  name: string
  cluster: string
  labels: Record<string, string>
  endpoints: NetworkEndpoint[]
}

export type EndpointProblem = {
  reason: 'SliceRefused' | 'EndpointRefused' | 'DuplicateMAC' | 'LimitExceeded'
  message: string
}

export type EndpointVerdict = { slices: AcceptedSlice[]; counts: Map<string, number>; problems: EndpointProblem[] }

export type ClaimInput = {
  network: string
  clusters: readonly string[]
  claimed: readonly ClaimedSlice[]
  /** Endpoints that other clusters know already, by `identityOf`: their claim came first. */
  incumbents: ReadonlySet<string>
  /** `limits.endpoints` of the class. */
  limit: number | undefined
}

export const identityOf = (cluster: string, { mac, podUID }: NetworkEndpoint): string => `${cluster} ${mac} ${podUID}`

/** Why a slice is not that of its cluster. */
const objectionToSlice = ({ network, clusters }: ClaimInput, { cluster, slice }: ClaimedSlice): string | undefined => {
  if (!clusters.includes(cluster)) return `cluster ${cluster} is not in the network`
  if (sliceIndex(slice.metadata.name, network, cluster) === undefined)
    return `its name is not ${projectionName(network)}.${cluster}.<number>`
  return undefined
}

const objectionToEndpoint = (network: string, { mac, pod }: NetworkEndpoint): string | undefined => {
  if (!MAC.test(mac)) return 'the MAC address is not well formed'
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) return 'a group address belongs to no interface'
  if (mac === '00:00:00:00:00:00') return 'the MAC address is zero'
  const namespace = network.slice(0, network.indexOf('/'))
  return pod.startsWith(`${namespace}/`) ? undefined : `pod ${pod} is of another namespace`
}

type Claim = { cluster: string; endpoint: NetworkEndpoint; slice: string }

/** The same VM on its way from one pod to another may hold its MAC address twice; one of that name in another cluster is another VM. */
const isSameOwner = (left: Claim, right: Claim): boolean =>
  left.cluster === right.cluster && ownerOf(left.endpoint) === ownerOf(right.endpoint)

/** When each cluster began to speak of the network: the hub's own API server dates the slices. */
const beginnings = ({ claimed }: ClaimInput): Map<string, string> => {
  const found = new Map<string, string>()
  for (const { cluster, slice } of claimed) {
    const { creationTimestamp = '' } = slice.metadata
    const known = found.get(cluster)
    if (known === undefined || creationTimestamp < known) found.set(cluster, creationTimestamp)
  }
  return found
}

/**
 * Incumbents first, then by the cluster that spoke first, and by who came first in it: whoever comes later never takes a MAC address from who has
 * it. The age matters where nobody else knew of the first claim, since the other cluster was not in the network for a while.
 */
const inOrder = (input: ClaimInput, claims: readonly Claim[]): Claim[] => {
  const since = beginnings(input)
  const rank = ({ cluster, endpoint }: Claim): string => {
    const isIncumbent = input.incumbents.has(identityOf(cluster, endpoint))
    const first = String(endpoint.first).padStart(16, '0')
    return [isIncumbent ? 0 : 1, since.get(cluster), cluster, endpoint.mac, first, endpoint.podUID].join(' ')
  }
  return claims
    .map((claim) => ({ claim, key: rank(claim) }))
    .sort((left, right) => (left.key < right.key ? -1 : 1))
    .map(({ claim }) => claim)
}

/** Judges all claims to a network's MAC addresses; what is refused is named, the rest is handed on. */
export const judgeClaims = (input: ClaimInput): EndpointVerdict => {
  const problems: EndpointProblem[] = []
  const claims: Claim[] = []
  for (const claimed of input.claimed) {
    const { cluster, slice } = claimed
    const objection = objectionToSlice(input, claimed)
    if (objection)
      problems.push({ reason: 'SliceRefused', message: `slice ${slice.metadata.name} of ${cluster}: ${objection}` })
    else
      for (const endpoint of slice.spec.endpoints) {
        const why = objectionToEndpoint(input.network, endpoint)
        if (why)
          problems.push({ reason: 'EndpointRefused', message: `${cluster} ${endpoint.pod} ${endpoint.mac}: ${why}` })
        else claims.push({ cluster, endpoint, slice: slice.metadata.name })
      }
  }
  const owners = new Map<string, Claim[]>()
  const counts = new Map<string, number>(input.clusters.map((cluster) => [cluster, 0]))
  const accepted = new Map<string, NetworkEndpoint[]>()
  let total = 0
  for (const claim of inOrder(input, claims)) {
    const { cluster, endpoint } = claim
    const count = counts.get(cluster) ?? 0
    const others = owners.get(endpoint.mac) ?? []
    const rival = others.find((other) => !isSameOwner(other, claim))
    const where = `${cluster} ${endpoint.pod} ${endpoint.mac}`
    if (rival)
      problems.push({
        reason: 'DuplicateMAC',
        message: `${where}: ${rival.cluster} ${rival.endpoint.pod} has it already`,
      })
    else if (count >= CLUSTER_SHARE || total >= (input.limit ?? Number.POSITIVE_INFINITY))
      problems.push({ reason: 'LimitExceeded', message: `${where}: the network has as many endpoints as it may` })
    else {
      owners.set(endpoint.mac, [...others, claim])
      counts.set(cluster, count + 1)
      total++
      accepted.set(claim.slice, [...(accepted.get(claim.slice) ?? []), endpoint])
    }
  }
  const slices = input.claimed.flatMap(({ cluster, slice }): AcceptedSlice[] => {
    const endpoints = accepted.get(slice.metadata.name)
    return endpoints ? [{ name: slice.metadata.name, cluster, labels: { ...slice.metadata.labels }, endpoints }] : []
  })
  return { slices, counts, problems }
}
