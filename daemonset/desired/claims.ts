import { type NetworkEndpoint, type NetworkEndpointSlice, ownerOf } from '#crds/network-endpoint-slice.ts'

/** An endpoint together with where it comes from. */
export type Claim = NetworkEndpoint & { readonly network: string; readonly cluster: string }

/** All claims on one MAC of one network, and the one that counts. */
export type ClaimedMac = { readonly winner: Claim | undefined; readonly claims: readonly Claim[] }

/** Claims by network, then by MAC. */
export type Claims = ReadonlyMap<string, ReadonlyMap<string, ClaimedMac>>

export const bridgeOfClaim = ({ cluster, node }: Claim): string => `${cluster}/${node}`

/** The cluster of a bridge's name, cluster/node; '' for a node that has no instructions yet. */
export const clusterOfBridge = (bridge = ''): string => bridge.slice(0, Math.max(0, bridge.indexOf('/')))

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const place = (claim: Claim): string => `${bridgeOfClaim(claim)}/${claim.podUID}`

/** The newest claim of each owner: an owner that moved speaks with its highest sequence. */
const newestOfOwners = (active: readonly Claim[]): Claim[] => {
  const newest = new Map<string, Claim>()
  for (const claim of active) {
    const owner = `${claim.cluster} ${ownerOf(claim)}`
    const known = newest.get(owner)
    if (!known || claim.sequence > known.sequence || (claim.sequence === known.sequence && place(claim) < place(known)))
      newest.set(owner, claim)
  }
  return [...newest.values()]
}

/**
 * The claim that counts. Within one owner the newest wins (it moved); between owners of a cluster the first stays (the other is a
 * duplicate). Between clusters the hub decides, since their sequences say nothing about each other: it hands on only a claim that came
 * first, so one from elsewhere outranks ours.
 */
const winnerOf = (claims: readonly Claim[], home: string): Claim | undefined =>
  newestOfOwners(claims.filter(({ role }) => role === 'Active')).sort(
    (a, b) =>
      Number(a.cluster === home) - Number(b.cluster === home) ||
      compareText(a.cluster, b.cluster) ||
      a.first - b.first ||
      compareText(place(a), place(b)),
  )[0]

/** Gathers the endpoints of all slices, as a node of the cluster `home` sees them. */
export const gatherClaims = (slices: Iterable<Pick<NetworkEndpointSlice, 'spec'>>, home: string): Claims => {
  const gathered = new Map<string, Map<string, Claim[]>>()
  for (const { spec } of slices) {
    const network = gathered.get(spec.network) ?? new Map<string, Claim[]>()
    gathered.set(spec.network, network)
    for (const endpoint of spec.endpoints) {
      const claim = { ...endpoint, network: spec.network, cluster: spec.cluster }
      const known = network.get(endpoint.mac)
      if (known) known.push(claim)
      else network.set(endpoint.mac, [claim])
    }
  }
  const decide = (macs: ReadonlyMap<string, readonly Claim[]>) =>
    new Map([...macs].map(([mac, claims]) => [mac, { winner: winnerOf(claims, home), claims }]))
  return new Map([...gathered].map(([network, macs]) => [network, decide(macs)]))
}
