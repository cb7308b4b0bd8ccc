// Two nodes with a guest each, joined over one underlay, and a stranger beside them: what is tried on the outside of the tunnel.
import { ip } from '#daemonset/bpf/test-frames.ts'
import { type Guest, Laboratory, type Namespace, type Node } from '#daemonset/bpf/test-laboratory.ts'
import { UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import type { DropReason } from '#daemonset/wire/drop-reasons.ts'
import { macBytes } from '#daemonset/wire/mac.ts'
import { type PathStat, pathStats } from '#daemonset/wire/map-layouts.ts'
import { datagram, type Outside } from './random-bytes.ts'

export const VNI = 77
const ETHERNET_WITH_IP = 14 + 20
const UDP = 17

/** Inner frames that tests send themselves: IPv4, UDP, `text` as payload. */
export const udpFrame = (from: Guest, to: Guest, text: string, { ecn = 0 } = {}): Uint8Array => {
  const payload = new TextEncoder().encode(text)
  const packet = new Uint8Array(28 + payload.length)
  packet.set([0x45, ecn, 0, packet.length, 0, 1, 0x40, 0, 64, UDP, 0, 0, 10, 8, 0, 1, 10, 8, 0, 2])
  const sum = sumOf(packet.subarray(0, 20))
  packet.set([(~sum >> 8) & 255, ~sum & 255], 10)
  packet.set([0x9c, 0x40, 0, 9, 0, 8 + payload.length, 0, 0], 20)
  packet.set(payload, 28)
  return Uint8Array.from([...macBytes(to.mac), ...macBytes(from.mac), 0x08, 0x00, ...packet])
}

const sumOf = (bytes: Uint8Array): number => {
  let sum = 0
  for (const [index, byte] of bytes.entries()) sum += index & 1 ? byte : byte << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

/** What a neighbour's datagram says where a test does not say otherwise. */
type Forgery = Partial<Outside> & { correctChecksum?: boolean; to?: Uint8Array }

export class Street {
  readonly laboratory = new Laboratory()
  readonly west: Node
  readonly east: Node
  readonly a: Guest
  readonly c: Guest
  readonly stranger: Namespace

  constructor() {
    const { laboratory } = this
    this.west = laboratory.node(1)
    this.east = laboratory.node(3)
    this.a = laboratory.guest(this.west, 1, { vni: VNI, peerNamespace: true })
    this.c = laboratory.guest(this.east, 3, { vni: VNI, peerNamespace: true })
    this.stranger = laboratory.host(9)
    for (const node of [this.west, this.east])
      node.exec('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.u0.rp_filter=0')
    this.join(this.west, this.east, this.c)
    this.join(this.east, this.west, this.a)
    for (const [node, guest] of [
      [this.west, this.a],
      [this.east, this.c],
    ] as const)
      node.maps.put('network_ports', VNI, { stamp: 2, ifindexes: [guest.ifindex] })
  }

  /** A link to the other node over IPv4 or IPv6, and the way to its guest. */
  join(from: Node, to: Node, guest: Guest, family: 4 | 6 = 4): void {
    const address = (node: Node) => ip(family === 4 ? `10.9.0.${node.index}` : `fd09::${node.index}`)
    const ends = { remote: address(to), local: address(from) }
    const { maps, tunnelIfindex } = from
    maps.put('links', to.index, { ...ends, tunnelIfindex, up: true, frameBytes: 1514 })
    maps.put('peers', { address: address(to) }, to.index)
    maps.put('peer_networks', { link: to.index, vni: VNI }, 1)
    maps.put('macs', { vni: VNI, mac: guest.mac }, { bridge: BigInt(to.index), ifindex: 0 })
    maps.put('paths', { bridge: BigInt(to.index), vni: VNI }, { link: to.index, label: 0 })
    maps.put('networks', VNI, { floodTree: 0 })
    maps.put('trees', { vni: VNI, tree: 0 }, { stamp: 1, links: [to.index] })
  }

  /** A datagram from west to east, as if west had sent it, with what a test changes. */
  forge(frame: Uint8Array, { correctChecksum, to, ...change }: Forgery = {}): Uint8Array {
    const outside: Outside = {
      source: ip('10.9.0.1'),
      destination: ip('10.9.0.3'),
      port: UDP_PORT,
      vni: VNI,
      label: 0,
      forwarded: false,
      ttl: 255,
      tos: 0,
      checksum: 0,
      ...change,
    }
    const bytes = datagram(outside, frame)
    if (correctChecksum) bytes.set(udpChecksum(bytes), ETHERNET_WITH_IP + 6)
    bytes.set(to ?? macBytes(this.east.device('u0').mac))
    bytes.set(macBytes(this.stranger.device('u0').mac), 6)
    return bytes
  }

  close(): void {
    this.laboratory.close()
  }
}

const udpChecksum = (bytes: Uint8Array): Uint8Array => {
  const udp = bytes.subarray(ETHERNET_WITH_IP)
  const pseudo = Uint8Array.from([...bytes.subarray(26, 34), 0, UDP, udp.length >> 8, udp.length & 255])
  const sum = ~sumOf(Uint8Array.from([...pseudo, ...udp])) & 0xffff || 0xffff
  return Uint8Array.of(sum >> 8, sum & 255)
}

/** Frames by direction and path so far, on all CPUs. */
export const pathsOf = ({ maps }: Node): Record<PathStat, number> =>
  Object.fromEntries(
    pathStats.map((name, index) => [
      name,
      maps.perCpu('path_stats', index).reduce((sum, count) => sum + Number(count), 0),
    ]),
  ) as Record<PathStat, number>

export const dropsOf = ({ maps }: Node, reason: DropReason): number => maps.drops()[reason] ?? 0
