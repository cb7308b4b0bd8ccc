// Frames and datagrams made quickly: mostly whole, often with some bytes of them changed.
import type { IpAddress } from '#daemonset/wire/ip-address.ts'
import { ipAddressBytes, isIpv6 } from '#daemonset/wire/ip-address.ts'
import { type Mac, macBytes } from '#daemonset/wire/mac.ts'
import { vxlanHeader } from '#daemonset/wire/vxlan-header.ts'
import type { Random } from './random.ts'

const ETHERNET = 14
const IPV4 = 20
const IPV6 = 40
const UDP = 8
const PROTOCOLS = [17, 17, 17, 6, 6, 1, 58, 44, 0, 60, 50, 255]
const ETHERTYPES = [0x0806, 0x88b5, 0x8100, 0x88a8, 0x88cc, 0x8847, 0x9100, 46, 0, 0xffff]
/** Of payloads: tiny, around the longest that fits, and beyond. */
const LENGTHS = [0, 1, 7, 8, 20, 46, 64, 64, 64, 200, 1000, 1438, 1448, 1452, 1472, 1480, 1486, 1500, 2000, 3000]
/** How many bytes of headers a change may hit. */
const HEADERS = 64

/** The longest frame that the kernel's test run takes. */
const LONGEST = 3400

const set16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

const sumOf = (bytes: Uint8Array, from: number, length: number): number => {
  let sum = 0
  for (let at = from; at < from + length; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

/** Whether the IPv4 header at `at` has a good checksum. */
export const isIpv4SumGood = (bytes: Uint8Array, at: number): boolean => sumOf(bytes, at, IPV4) === 0xffff

const writeIpv4 = (bytes: Uint8Array, at: number, header: { protocol: number; tos: number; ttl: number }): void => {
  bytes[at] = 0x45
  bytes[at + 1] = header.tos
  set16(bytes, at + 2, bytes.length - at)
  bytes[at + 8] = header.ttl
  bytes[at + 9] = header.protocol
}

const writeIpv6 = (bytes: Uint8Array, at: number, header: { protocol: number; tos: number; ttl: number }): void => {
  bytes[at] = 0x60 | (header.tos >> 4)
  bytes[at + 1] = (header.tos & 15) << 4
  set16(bytes, at + 4, bytes.length - at - IPV6)
  bytes[at + 6] = header.protocol
  bytes[at + 7] = header.ttl
}

/** Changes some bytes among the first `HEADERS` from `from` on. */
const damage = (random: Random, bytes: Uint8Array, from: number): void => {
  const end = Math.min(bytes.length, from + HEADERS)
  for (let times = 1 + random.below(3); times > 0 && end > from; times--)
    bytes[from + random.below(end - from)] = random.word()
}

/** A frame as guests send it, `damaged` once in 8. A frame that calls itself IP has a whole IP header: the test run takes no other. */
export const randomFrame = (random: Random, ends: { source: Mac; destination: Mac }): Uint8Array => {
  const isIp = !random.oneIn(8)
  const ipv6 = random.oneIn(3)
  const header = isIp ? (ipv6 ? IPV6 : IPV4) : 0
  const bytes = new Uint8Array(Math.min(LONGEST, ETHERNET + header + random.of(LENGTHS) + (isIp ? 0 : 1)))
  const ip = { protocol: random.of(PROTOCOLS), tos: random.below(256), ttl: 64 }
  if (isIp && ipv6) writeIpv6(bytes, ETHERNET, ip)
  else if (isIp) writeIpv4(bytes, ETHERNET, ip)
  if (random.oneIn(8)) damage(random, bytes, ETHERNET)
  bytes.set(macBytes(ends.destination))
  bytes.set(macBytes(ends.source), 6)
  set16(bytes, 12, isIp ? (ipv6 ? 0x86dd : 0x0800) : random.of(ETHERTYPES))
  return bytes
}

/** The kernel's test run refuses such a frame. */
export const lacksIpHeader = (frame: Uint8Array): boolean => {
  const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0)
  return (type === 0x0800 && frame.length < ETHERNET + IPV4) || (type === 0x86dd && frame.length < ETHERNET + IPV6)
}

export type Outside = {
  source: IpAddress
  destination: IpAddress
  port: number
  vni: number
  label: number
  forwarded: boolean
  ttl: number
  tos: number
  checksum: number
}

/** A datagram of the tunnel on the underlay. The test run's device has the address 0: what is for it, is for this host. */
export const datagram = (outside: Outside, frame: Uint8Array): Uint8Array => {
  const ipv6 = isIpv6(outside.source)
  const inner = vxlanHeader.emit(outside, frame)
  const udp = ETHERNET + (ipv6 ? IPV6 : IPV4)
  const bytes = new Uint8Array(udp + UDP + inner.length)
  bytes.set(inner, udp + UDP)
  set16(bytes, 12, ipv6 ? 0x86dd : 0x0800)
  const ip = { protocol: 17, tos: outside.tos, ttl: outside.ttl }
  const addresses = [outside.source, outside.destination].map(ipAddressBytes) as [Uint8Array, Uint8Array]
  if (ipv6) {
    writeIpv6(bytes, ETHERNET, ip)
    for (const [index, address] of addresses.entries()) bytes.set(address, ETHERNET + 8 + 16 * index)
  } else {
    writeIpv4(bytes, ETHERNET, ip)
    for (const [index, address] of addresses.entries()) bytes.set(address.subarray(12), ETHERNET + 12 + 4 * index)
    set16(bytes, ETHERNET + 10, ~sumOf(bytes, ETHERNET, IPV4) & 0xffff)
  }
  set16(bytes, udp, 40_000)
  set16(bytes, udp + 2, outside.port)
  set16(bytes, udp + 4, bytes.length - udp)
  set16(bytes, udp + 6, outside.checksum)
  return bytes
}

/** The same with some bytes of its headers changed, but not what the test run reads itself (EtherType). */
export const damaged = (random: Random, bytes: Uint8Array): Uint8Array => {
  damage(random, bytes, ETHERNET)
  return bytes
}
