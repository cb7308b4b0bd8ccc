// VNI and MTU of a network. Pure.
import { allocateVni, type Digest, vniCandidate } from '#crds/names.ts'
import { isInKernel } from '#operator/publish/situation.ts'
import type { BridgeReport } from './bridge-reports.ts'

/** Outer headers: Ethernet is not counted; IPv4 20 or IPv6 40, UDP 8, VXLAN 8, inner Ethernet 14. */
const OVERHEAD_BYTES = { ipv4: 50, ipv6: 70 } as const
const MTU_RANGE = { least: 576, most: 9146 } as const

/** A number that a bridge has for a network. */
type Holding = { vni: number; network: string; bridge: string; cluster: string }

export type VniHoldings = {
  /** In the specs that the hub wrote: nodes have them, or may have them still. */
  published: readonly Holding[]
  /** In what agents say. Any of them may be mistaken, or lie. */
  reported: readonly Holding[]
}

const holdingsOf = new WeakMap<readonly BridgeReport[], VniHoldings>()

/** Worked out once for all networks that are new. */
export const vniHoldings = (reports: readonly BridgeReport[]): VniHoldings => {
  const known = holdingsOf.get(reports) ?? gatherHoldings(reports)
  holdingsOf.set(reports, known)
  return known
}

const gatherHoldings = (reports: readonly BridgeReport[]): VniHoldings => {
  const published: Holding[] = []
  const reported: Holding[] = []
  for (const { bridge, cluster, spec, status, programmed } of reports) {
    const retired = isInKernel(spec, programmed) ? [] : (spec.retired ?? [])
    for (const { name, vni } of [...(spec.networks ?? []), ...retired])
      published.push({ vni, network: name, bridge, cluster })
    for (const { name, vni } of status.networks ?? []) reported.push({ vni, network: name, bridge, cluster })
  }
  return { published, reported }
}

export type VniRequest = {
  network: string
  /** Clusters that the network names, those of its hubs among them: of others nobody may speak about it. */
  clusters: ReadonlySet<string>
  /** `spec.vni`. */
  wished: number | undefined
  /** `status.vni`. */
  present: number | undefined
  /** The other network that has a number. */
  holderOf: (vni: number) => string | undefined
  /** Asked only for a network that has no number yet. */
  holdings: () => VniHoldings
}

/** A network reaches for this many numbers of its sequence at most: a report of any other is no memory of it. */
const LIKELY_PROBES = 16

/** Who else has the number for certain, in words; undefined when it is free. */
const holderOf = (vni: number, { network, holderOf: networkOf, holdings }: VniRequest): string | undefined => {
  const other = networkOf(vni)
  if (other !== undefined) return `network ${other}`
  const held = holdings().published.find((each) => each.vni === vni && each.network !== network)
  return held && `bridge ${held.bridge}, which still has it for network ${held.network}`
}

/** The number that most clusters of the network remember; the earlier of its sequence among equals. */
const rememberedVni = (request: VniRequest, digest: Digest): number | undefined => {
  const { network, clusters, holdings } = request
  const votes = new Map<number, Set<string>>()
  for (const each of holdings().reported)
    if (each.network === network && clusters.has(each.cluster))
      votes.set(each.vni, (votes.get(each.vni) ?? new Set()).add(each.cluster))
  if (votes.size === 0) return undefined
  let best: number | undefined
  for (let probe = 0; probe < LIKELY_PROBES; probe++) {
    const vni = vniCandidate(network, probe, digest)
    const isBetter = (votes.get(vni)?.size ?? 0) > (best === undefined ? 0 : (votes.get(best)?.size ?? 0))
    if (isBetter && holderOf(vni, request) === undefined) best = vni
  }
  return best
}

/**
 * Number for a network that has none: free for certain, and, as long as that leaves any, none that an agent of its clusters has for another network.
 * An agent that claims them all holds up nobody.
 */
const freshVni = (request: VniRequest, digest: Digest): number => {
  const { network, clusters, holdings } = request
  const isHeld = (vni: number): boolean => holderOf(vni, request) !== undefined
  const claimed = new Set(
    holdings()
      .reported.filter((each) => each.network !== network && clusters.has(each.cluster))
      .map(({ vni }) => vni),
  )
  for (let probe = 0; probe < LIKELY_PROBES; probe++) {
    const vni = vniCandidate(network, probe, digest)
    if (!claimed.has(vni) && !isHeld(vni)) return vni
  }
  return allocateVni(network, isHeld, digest)
}

/**
 * The network's number, or why it has none. What is in its status stays, whatever bridges say; after a restore that lost it, it comes back from the
 * specs that were published, else from what the agents of the network's own clusters remember.
 */
export const settleVni = (request: VniRequest, digest: Digest): { vni: number } | { problem: string } => {
  const { network, wished, present, holdings } = request
  if (present !== undefined && (wished === undefined || wished === present) && !request.holderOf(present))
    return { vni: present }
  if (wished !== undefined) {
    const holder = holderOf(wished, request)
    return holder === undefined
      ? { vni: wished }
      : { problem: `spec.vni ${wished} belongs to ${holder}: omit vni to get a free one, or choose another` }
  }
  const published = holdings().published.find((each) => each.network === network)?.vni
  if (published !== undefined && holderOf(published, request) === undefined) return { vni: published }
  return { vni: rememberedVni(request, digest) ?? freshVni(request, digest) }
}

/** What a bridge's underlay carries inside; undefined when it has not reported. */
const carriedBytes = ({ status, addresses }: BridgeReport, isIpv6Alone: boolean): number | undefined => {
  if (status.underlayMTUBytes === undefined || addresses.length === 0) return undefined
  const usesIpv6 = addresses[0]?.includes(':') || (isIpv6Alone && addresses.some((address) => address.includes(':')))
  return status.underlayMTUBytes - (usesIpv6 ? OVERHEAD_BYTES.ipv6 : OVERHEAD_BYTES.ipv4)
}

/** With one bridge that speaks IPv6 alone, all that can will speak it. */
const hasIpv6Alone = (reports: readonly BridgeReport[]): boolean =>
  reports.some(({ addresses }) => addresses.length > 0 && addresses.every((it) => it.includes(':')))

/** Bridges whose underlay carries less than a network's MTU, with what it carries. */
export const narrowBridges = (
  reports: readonly BridgeReport[],
  mtuBytes: number,
): { bridge: string; carriedBytes: number }[] => {
  const isIpv6Alone = hasIpv6Alone(reports)
  return reports.flatMap((report) => {
    const bytes = carriedBytes(report, isIpv6Alone)
    return bytes !== undefined && bytes < mtuBytes ? [{ bridge: report.bridge, carriedBytes: bytes }] : []
  })
}

/** MTU of a new network: what the smallest underlay of its bridges carries. Undefined while no bridge has reported. */
export const deriveMtu = (reports: readonly BridgeReport[]): number | undefined => {
  const isIpv6Alone = hasIpv6Alone(reports)
  const carried = reports.flatMap((report) => carriedBytes(report, isIpv6Alone) ?? [])
  if (carried.length === 0) return undefined
  return Math.max(MTU_RANGE.least, Math.min(MTU_RANGE.most, ...carried))
}
