// VNI and MTU of a network. Pure.
import { allocateVni, type Digest } from '#crds/names.ts'
import { isInKernel } from '#operator/publish/situation.ts'
import type { BridgeReport } from './bridge-reports.ts'

/** Outer headers: Ethernet is not counted; IPv4 20 or IPv6 40, UDP 8, VXLAN 8, inner Ethernet 14. */
const OVERHEAD_BYTES = { ipv4: 50, ipv6: 70 } as const
const MTU_RANGE = { least: 576, most: 9146 } as const

/** Networks by the VNI under which bridges have them, or may have them still. */
export const vnisOnBridges = (reports: readonly BridgeReport[]): Map<number, Map<string, string>> => {
  const found = new Map<number, Map<string, string>>()
  const add = (vni: number, network: string, bridge: string): void => {
    const networks = found.get(vni) ?? new Map<string, string>()
    found.set(vni, networks.set(network, bridge))
  }
  for (const { bridge, spec, status, programmed } of reports) {
    for (const { name, vni } of spec.networks ?? []) add(vni, name, bridge)
    for (const { name, vni } of status.networks ?? []) add(vni, name, bridge)
    if (!isInKernel(spec, programmed)) for (const { name, vni } of spec.retired ?? []) add(vni, name, bridge)
  }
  return found
}

export type VniRequest = {
  network: string
  /** `spec.vni`. */
  wished: number | undefined
  /** `status.vni`. */
  present: number | undefined
  /** Numbers of the other networks. */
  others: ReadonlyMap<number, string>
  onBridges: ReadonlyMap<number, ReadonlyMap<string, string>>
}

/** Who else has the number, in words; undefined when it is free. */
export const holderOf = (vni: number, { network, others, onBridges }: VniRequest): string | undefined => {
  const other = others.get(vni)
  if (other !== undefined) return `network ${other}`
  const held = [...(onBridges.get(vni) ?? [])].find(([name]) => name !== network)
  return held && `bridge ${held[1]}, which still has it for network ${held[0]}`
}

/** Number under which bridges know the network already: kept after a restore that lost the status. */
const knownVni = ({ network, onBridges }: VniRequest): number | undefined =>
  [...onBridges].find(([, networks]) => networks.has(network))?.[0]

/** The network's number, or why it has none. */
export const settleVni = (request: VniRequest, digest: Digest): { vni: number } | { problem: string } => {
  const { network, wished, present } = request
  if (wished !== undefined) {
    const holder = holderOf(wished, request)
    return holder === undefined
      ? { vni: wished }
      : { problem: `spec.vni ${wished} belongs to ${holder}: omit vni to get a free one, or choose another` }
  }
  for (const candidate of [present, knownVni(request)])
    if (candidate !== undefined && holderOf(candidate, request) === undefined) return { vni: candidate }
  return { vni: allocateVni(network, (vni) => holderOf(vni, request) !== undefined, digest) }
}

/** What a bridge's underlay carries inside; undefined when it has not reported. */
export const carriedBytes = ({ status, address }: BridgeReport): number | undefined => {
  if (status.underlayMTUBytes === undefined || address === undefined) return undefined
  return status.underlayMTUBytes - (address.includes(':') ? OVERHEAD_BYTES.ipv6 : OVERHEAD_BYTES.ipv4)
}

/** MTU of a new network: what the smallest underlay of its bridges carries. Undefined while no bridge has reported. */
export const deriveMtu = (reports: readonly BridgeReport[]): number | undefined => {
  const carried = reports.flatMap((report) => carriedBytes(report) ?? [])
  if (carried.length === 0) return undefined
  return Math.max(MTU_RANGE.least, Math.min(MTU_RANGE.most, ...carried))
}
