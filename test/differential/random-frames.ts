// Random frames of a guest, as bytes with what the guest says of them (struct virtio_net_hdr): good ones, strange ones, broken ones.
import fc from 'fast-check'
import { ethernetHeader } from '#daemonset/wire/ethernet-header.ts'
import { type Mac, macBytes } from '#daemonset/wire/mac.ts'

/** Who can be written to and from. */
export type Cast = { self: Mac; targets: readonly Mac[]; others: readonly Mac[] }

/** A line for `frame-socket send`: header and frame; and for how many frames it stands (a super-frame: its segments). */
export type GuestFrame = { header: Uint8Array; frame: Uint8Array; packets: number }

const TCP = 6
const UDP = 17
const VLAN = 0x8100
const NEEDS_CHECKSUM = 1
const GSO = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255]

const sumOf = (bytes: readonly number[]): number => {
  let sum = 0
  for (const [index, byte] of bytes.entries()) sum += index & 1 ? byte : byte << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

type Plan = {
  ipv6: boolean
  protocol: number
  payload: Uint8Array
  ecn: number
  fragment: number
  host: number
  options: boolean
  /** A header between that of IPv6 and the transport's: its number. */
  extension: number
  /** Guests leave most checksums to the device; then the field holds the sum of the pseudo header. */
  checksum: 'partial' | 'complete' | 'wrong'
  segmentBytes: number
}

const transportOf = ({ protocol, payload, ipv6, checksum }: Plan, pseudo: readonly number[]): number[] => {
  const ports = [...u16(40_000), ...u16(9)]
  const header =
    protocol === TCP
      ? [...ports, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, ...u16(1000), 0, 0, 0, 0]
      : [...ports, ...u16(8 + payload.length), 0, 0]
  const at = protocol === TCP ? 16 : 6
  const bytes = [...header, ...payload]
  const fill = (value: number): void => {
    bytes.splice(at, 2, ...u16(value))
  }
  if (checksum === 'partial') fill(sumOf(pseudo))
  else if (checksum === 'complete') fill(~sumOf([...pseudo, ...bytes]) & 0xffff || 0xffff)
  else fill(ipv6 ? 1 : 0)
  return bytes
}

const FRAGMENT = 44
const OPTIONS = 60

/** Eight bytes: options that are padding, or what says where a fragment belongs (IPv4's field has the same bits in another place). */
const extensionHeader = (kind: number, next: number, fragment: number): number[] =>
  kind === FRAGMENT
    ? [next, 0, ...u16(((fragment & 0x1fff) << 3) | (fragment & 0x2000 ? 1 : 0)), 0, 0, 0, 7]
    : [next, 0, 1, 4, 0, 0, 0, 0]

const packetOf = (plan: Plan): { packet: number[]; transport: number } => {
  const { ipv6, protocol, payload, ecn, fragment, host, options, extension } = plan
  const hasTransport = protocol === TCP || protocol === UDP
  const length = payload.length + (protocol === TCP ? 20 : protocol === UDP ? 8 : 0)
  const source = ipv6 ? [0xfd, 8, ...Array(13).fill(0), 1] : [10, 8, 0, 1]
  const target = ipv6 ? [0xfd, 0x99, ...Array(13).fill(0), host] : [10, 99, 0, host]
  const pseudo = [...source, ...target, ...u16(protocol), ...u16(length)]
  const transport = hasTransport ? transportOf(plan, pseudo) : [...payload]
  if (ipv6) {
    const between = extension === 0 ? [] : extensionHeader(extension, protocol, fragment)
    const start = [0x60, ecn << 4, 0, 0, ...u16(between.length + length), extension || protocol, 64]
    const header = [...start, ...source, ...target, ...between]
    return { packet: [...header, ...transport], transport: header.length }
  }
  const words = options ? 6 : 5
  const start = [0x40 | words, ecn, ...u16(words * 4 + length), 0, 7, ...u16(fragment), 64, protocol]
  const header = [...start, 0, 0, ...source, ...target, ...(options ? [1, 1, 1, 0] : [])]
  header.splice(10, 2, ...u16(~sumOf(header) & 0xffff))
  return { packet: [...header, ...transport], transport: header.length }
}

const virtioHeader = (plan: Plan, transport: number): Uint8Array => {
  const bytes = new Uint8Array(10)
  const view = new DataView(bytes.buffer)
  const { protocol, ipv6, checksum, segmentBytes, payload } = plan
  if (checksum !== 'partial' || (protocol !== TCP && protocol !== UDP)) return bytes
  const start = 14 + transport
  bytes[0] = NEEDS_CHECKSUM
  view.setUint16(6, start, true)
  view.setUint16(8, protocol === TCP ? 16 : 6, true)
  if (segmentBytes === 0 || payload.length <= segmentBytes) return bytes
  bytes[1] = protocol === UDP ? GSO.udp : ipv6 ? GSO.tcp6 : GSO.tcp4
  view.setUint16(2, start + (protocol === TCP ? 20 : 8), true)
  view.setUint16(4, segmentBytes, true)
  return bytes
}

const smallPayload = fc.uint8Array({ minLength: 0, maxLength: 80 })
/** Around the longest frame that fits (1,500 bytes of packet), on both sides of it. */
const fullPayload = fc.integer({ min: 1440, max: 1490 }).map((length) => new Uint8Array(length).fill(length & 255))

const plans: fc.Arbitrary<Plan> = fc.record({
  ipv6: fc.boolean(),
  protocol: fc.constantFrom(UDP, UDP, UDP, TCP, TCP, 1, 58, 50, 255),
  payload: fc.oneof(smallPayload, fullPayload),
  ecn: fc.constantFrom(0, 0, 1, 2, 3, 0xb8),
  fragment: fc.constantFrom(0x4000, 0x4000, 0x4000, 0, 0x2000, 0x2010, 0x0100),
  host: fc.constantFrom(5, 6, 7),
  options: fc.constantFrom(false, false, false, true),
  extension: fc.constantFrom(0, 0, 0, FRAGMENT, OPTIONS),
  checksum: fc.constantFrom('partial', 'partial', 'complete', 'wrong'),
  segmentBytes: fc.constant(0),
})

const superPlans: fc.Arbitrary<Plan> = fc.record({
  ipv6: fc.boolean(),
  protocol: fc.constantFrom(UDP, TCP, TCP),
  payload: fc.integer({ min: 1, max: 9000 }).map((length) => new Uint8Array(length).map((_, index) => index & 255)),
  ecn: fc.constantFrom(0, 1, 2, 3),
  fragment: fc.constant(0x4000),
  host: fc.constantFrom(5, 6),
  options: fc.constant(false),
  extension: fc.constant(0),
  checksum: fc.constant<'partial'>('partial'),
  segmentBytes: fc.oneof(fc.integer({ min: 200, max: 1440 }), fc.integer({ min: 1441, max: 1500 })),
})

type Addresses = { source: Mac; destination: Mac }
const addresses = ({ self, targets, others }: Cast): fc.Arbitrary<Addresses> =>
  fc.record({
    source: fc.oneof(
      { weight: 19, arbitrary: fc.constant(self) },
      { weight: 1, arbitrary: fc.constantFrom(...others) },
    ),
    destination: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...targets) },
      { weight: 2, arbitrary: fc.constantFrom(...others) },
    ),
  })

const assemble = (ends: Addresses, etherType: number, content: Iterable<number>): Uint8Array =>
  ethernetHeader.emit({ ...ends, etherType }, Uint8Array.from(content))

const ipFrames = (cast: Cast, of: fc.Arbitrary<Plan>): fc.Arbitrary<GuestFrame> =>
  fc.tuple(addresses(cast), of).map(([ends, plan]) => {
    const { packet, transport } = packetOf(plan)
    const header = virtioHeader(plan, transport)
    const packets = header[1] === GSO.none ? 1 : Math.ceil(plan.payload.length / plan.segmentBytes)
    return { header, frame: assemble(ends, plan.ipv6 ? 0x86dd : 0x0800, packet), packets }
  })

const plain = (frame: Uint8Array): GuestFrame => ({ header: new Uint8Array(10), frame, packets: 1 })

/** Any EtherType or length, with any content: also IP headers that are none. */
const strangeFrames = (cast: Cast): fc.Arbitrary<GuestFrame> =>
  fc
    .tuple(
      addresses(cast),
      fc.constantFrom(0x0800, 0x86dd, 0x0806, 0x88b5, 0x88cc, 0x8847, 46, 0, 0xffff),
      fc.uint8Array({ minLength: 1, maxLength: 120 }),
    )
    .map(([ends, type, content]) => plain(assemble(ends, type, content)))

const taggedFrames = (cast: Cast): fc.Arbitrary<GuestFrame> =>
  fc
    .tuple(addresses(cast), fc.constantFrom(VLAN, 0x88a8), fc.constantFrom(0, 0x2000, 5), plans)
    .map(([ends, type, tag, plan]) => {
      const { packet } = packetOf({ ...plan, checksum: 'complete' })
      return plain(assemble(ends, type, [...u16(tag), ...u16(plan.ipv6 ? 0x86dd : 0x0800), ...packet]))
    })

/** Cut off anywhere behind the Ethernet header. */
const runts = (cast: Cast): fc.Arbitrary<GuestFrame> =>
  fc
    .tuple(ipFrames(cast, plans), fc.integer({ min: 14, max: 60 }))
    .map(([{ frame }, length]) => plain(frame.slice(0, length)))

/** Some bytes behind the Ethernet header are others: versions, lengths, offsets, options. */
const damagedFrames = (cast: Cast): fc.Arbitrary<GuestFrame> =>
  fc
    .tuple(ipFrames(cast, plans), fc.array(fc.tuple(fc.nat(59), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([{ frame }, changes]) => {
      for (const [at, value] of changes) if (14 + at < frame.length) frame[14 + at] = value
      return plain(frame)
    })

/** Frames of a guest with the address `cast.self`. */
export const guestFrames = (cast: Cast): fc.Arbitrary<GuestFrame> =>
  fc.oneof(
    { weight: 10, arbitrary: ipFrames(cast, plans) },
    { weight: 3, arbitrary: ipFrames(cast, superPlans) },
    { weight: 2, arbitrary: strangeFrames(cast) },
    { weight: 1, arbitrary: taggedFrames(cast) },
    { weight: 2, arbitrary: runts(cast) },
    { weight: 2, arbitrary: damagedFrames(cast) },
  )

/** Whole IP frames to the targets alone, nothing wrong with them. */
export const soundFrames = ({ self, targets }: Cast): fc.Arbitrary<GuestFrame> =>
  ipFrames({ self, targets, others: targets }, fc.oneof(plans, superPlans)).map((it) => {
    it.frame.set(macBytes(self), 6)
    return it
  })
