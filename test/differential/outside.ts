// What a datagram of the tunnel says on its outside, read without trust in it.

import { isFailure } from '#daemonset/wire/failure.ts'
import { type IpAddress, ipAddressAt } from '#daemonset/wire/ip-address.ts'
import { type VxlanHeader, vxlanHeader } from '#daemonset/wire/vxlan-header.ts'
import { isIpv4SumGood } from './random-bytes.ts'

const ETHERNET = 14
const UDP = 8

export type Seen = VxlanHeader & {
  source: IpAddress
  destination: IpAddress
  ttl: number
  ecn: number
  port: number
  checksum: number
  /** All lengths fit the bytes, and the header's own checksum is right. */
  isWhole: boolean
  inner: Uint8Array
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

const ipv4At = (bytes: Uint8Array, at: number): IpAddress => {
  const mapped = new Uint8Array(16)
  mapped.fill(0xff, 10, 12)
  mapped.set(bytes.subarray(at, at + 4), 12)
  return ipAddressAt(mapped)
}

const network = (bytes: Uint8Array) => {
  const isIpv6 = u16(bytes, 12) === 0x86dd
  const at = ETHERNET
  if (isIpv6)
    return {
      isUdp: bytes[at]! >> 4 === 6 && bytes[at + 6] === 17,
      length: 40,
      source: ipAddressAt(bytes.subarray(at + 8, at + 24)),
      destination: ipAddressAt(bytes.subarray(at + 24, at + 40)),
      ttl: bytes[at + 7]!,
      ecn: (bytes[at + 1]! >> 4) & 3,
      isWhole: u16(bytes, at + 4) === bytes.length - at - 40,
    }
  return {
    isUdp: bytes[at] === 0x45 && bytes[at + 9] === 17 && (u16(bytes, at + 6) & 0x3fff) === 0,
    length: 20,
    source: ipv4At(bytes, at + 12),
    destination: ipv4At(bytes, at + 16),
    ttl: bytes[at + 8]!,
    ecn: bytes[at + 1]! & 3,
    isWhole: u16(bytes, at + 2) === bytes.length - at && isIpv4SumGood(bytes, at),
  }
}

/** Undefined: not a datagram with a VXLAN header. */
export const readOutside = (bytes: Uint8Array): Seen | undefined => {
  if (bytes.length < ETHERNET + 40 + UDP + vxlanHeader.size) return undefined
  const { isUdp, length, isWhole, ...ip } = network(bytes)
  const udp = ETHERNET + length
  const vxlan = vxlanHeader.parse(bytes.subarray(udp + UDP))
  if (!isUdp || isFailure(vxlan)) return undefined
  return {
    ...ip,
    ...vxlan,
    port: u16(bytes, udp + 2),
    checksum: u16(bytes, udp + 6),
    isWhole: isWhole && u16(bytes, udp + 4) === bytes.length - udp,
    inner: bytes.subarray(udp + UDP + vxlanHeader.size),
  }
}
