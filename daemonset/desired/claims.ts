import type { NetworkEndpoint, NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'

/** An endpoint together with where it comes from. */
export type Claim = NetworkEndpoint & { readonly network: string; readonly cluster: string }

/** All claims on one MAC of one network, and the one that counts. */
export type ClaimedMac = { readonly winner: Claim | undefined; readonly claims: readonly Claim[] }

/** Claims by network, then by MAC. */
export type Claims = ReadonlyMap<string, ReadonlyMap<string, ClaimedMac>>

export const bridgeOfClaim = ({ cluster, node }: Claim): string => `${cluster}/${node}`

/** Who owns the interface: a VM keeps its claim when it moves to another pod; a plain pod is its own owner. */
const ownerOf = ({ cluster, pod, vm }: Claim): string => {
  const namespace = pod.slice(0, pod.indexOf('/'))
  return vm === undefined ? `pod ${cluster}/${pod}` : `vm ${namespace}/${vm}`
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const place = (claim: Claim): string => `${bridgeOfClaim(claim)}/${claim.podUID}`

/** The newest claim of each owner: an owner that moved speaks with its highest sequence. */
const newestOfOwners = (active: readonly Claim[]): Claim[] => {
  const newest = new Map<string, Claim>()
  for (const claim of active) {
    const known = newest.get(ownerOf(claim))
    if (!known || claim.sequence > known.sequence || (claim.sequence === known.sequence && place(claim) < place(known)))
      newest.set(ownerOf(claim), claim)
  }
  return [...newest.values()]
}

/**
 * The claim that counts. Within one owner the newest wins (it moved); between owners the first stays (the other is a duplicate).
 * Every node sees the same claims, so all of them decide alike.
 */
const winnerOf = (claims: readonly Claim[]): Claim | undefined =>
  newestOfOwners(claims.filter(({ role }) => role === 'Active')).sort(
    (a, b) => a.sequence - b.sequence || compareText(place(a), place(b)),
  )[0]

/** Gathers the endpoints of all slices. */
export const gatherClaims = (slices: Iterable<Pick<NetworkEndpointSlice, 'spec'>>): Claims => {
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
    new Map([...macs].map(([mac, claims]) => [mac, { winner: winnerOf(claims), claims }]))
  return new Map([...gathered].map(([network, macs]) => [network, decide(macs)]))
}
