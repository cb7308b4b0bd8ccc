import {
  address,
  array,
  type Codec,
  mac,
  mapped,
  optionalAddress,
  rawBytes,
  reserved,
  struct,
  u16,
  u32,
  u64,
} from './codec.ts'
import { type IpAddress, isIpv6 } from './ip-address.ts'
import type { Mac } from './mac.ts'

/** Version of every layout below; `meta.layout` carries it, and programs of another version drop everything. */
export const LAYOUT_VERSION = 3
export const MAX_NETWORK_PORTS = 256
export const MAX_TREE_LINKS = 1024

export const OUTER_IPV4_BYTES = 50
export const OUTER_IPV6_BYTES = 70
/** `generations[0]` is that of links and underlay; a network's is at `generationIndex(vni)`. */
export const GENERATIONS = 1024
export const generationIndex = (vni: number): number => 1 + (vni % (GENERATIONS - 1))

const META_FAST_PATH = 1
const META_INLET = 2
const PORT_OPEN = 1
const PORT_PEER = 2
const LINK_UP = 1
const LINK_IPV6 = 2

/** A guest's port. `peerNamespace`: a veth whose other end is in another network namespace (a TAP or a veth of this one: false). */
export type Port = { vni: number; mac: Mac; open: boolean; peerNamespace: boolean }
/** `frameBytes`: longest inner frame that fits, Ethernet header included; 0: unknown. `local` null: the route chooses. */
export type Link = {
  remote: IpAddress
  local: IpAddress | null
  tunnelIfindex: number
  up: boolean
  frameBytes: number
}
/** Links of one flood tree on this bridge. `stamp` must differ from that of every list written before (a counter). */
export type Tree = { stamp: number; links: readonly number[] }
/** The order of `path_stats`. */
export const pathStats = ['sentFast', 'sentSlow', 'receivedFast', 'receivedSlow', 'relayedFast', 'relayedSlow'] as const
export type PathStat = (typeof pathStats)[number]

/** Open ports of one network on this node; `stamp` as above. */
export type NetworkPorts = { stamp: number; ifindexes: readonly number[] }

/** What the agent says of the node. `fastPath`: frames may take the fast path. `inlet`: there is one, on the UDP port after ours. */
export type Meta = {
  layout: number
  udpPort: number
  mark: number
  fastPath: boolean
  inlet: boolean
  overlay: bigint
  node: bigint
  serial: bigint
}

const meta = mapped(
  struct({ layout: u32, udpPort: u32, mark: u32, flags: u32, overlay: u64, node: u64, serial: u64 }),
  {
    toRaw: ({ fastPath, inlet, ...value }: Meta) => ({
      ...value,
      flags: (fastPath ? META_FAST_PATH : 0) | (inlet ? META_INLET : 0),
    }),
    fromRaw: ({ flags, ...value }) => ({
      ...value,
      fastPath: (flags & META_FAST_PATH) !== 0,
      inlet: (flags & META_INLET) !== 0,
    }),
  },
)

const port = mapped(struct({ vni: u32, flags: u32, mac, zero: reserved(2) }), {
  toRaw: (value: Port) => ({
    vni: value.vni,
    mac: value.mac,
    flags: (value.open ? PORT_OPEN : 0) | (value.peerNamespace ? PORT_PEER : 0),
  }),
  fromRaw: (raw) => ({
    vni: raw.vni,
    mac: raw.mac,
    open: (raw.flags & PORT_OPEN) !== 0,
    peerNamespace: (raw.flags & PORT_PEER) !== 0,
  }),
})

const link = mapped(
  struct({
    remote: address,
    local: optionalAddress,
    tunnelIfindex: u32,
    flags: u32,
    frameBytes: u32,
    zero: reserved(4),
  }),
  {
    toRaw: ({ up, ...value }: Link) => ({
      ...value,
      flags: (up ? LINK_UP : 0) | (isIpv6(value.remote) ? LINK_IPV6 : 0),
    }),
    fromRaw: ({ flags, ...value }) => ({ ...value, up: (flags & LINK_UP) !== 0 }),
  },
)

const tree = mapped(struct({ count: u32, stamp: u32, links: array(u16, MAX_TREE_LINKS) }), {
  toRaw: ({ stamp, links }: Tree) => ({ count: links.length, stamp, links }),
  fromRaw: ({ count, stamp, links }) => ({ stamp, links: links.slice(0, count) }),
})

const networkPorts = mapped(struct({ count: u32, stamp: u32, ifindexes: array(u32, MAX_NETWORK_PORTS) }), {
  toRaw: ({ stamp, ifindexes }: NetworkPorts) => ({ count: ifindexes.length, stamp, ifindexes }),
  fromRaw: ({ count, stamp, ifindexes }) => ({ stamp, ifindexes: ifindexes.slice(0, count) }),
})

/**
 * Key and value of every pinned map, by its name. `perCpu` maps hold one value for each possible CPU; the totals are sums.
 * The C side is ../bpf/layout.h; a test compares sizes and offsets.
 */
export const mapLayouts = {
  meta: { key: u32, value: meta, perCpu: false },
  ports: { key: u32, value: port, perCpu: false },
  /** A port of this node (`ifindex`, bridge 0n), or the bridge that has the MAC (`ifindex` 0). */
  macs: {
    key: struct({ vni: u32, mac, zero: reserved(2) }),
    value: struct({ bridge: u64, ifindex: u32, zero: reserved(4) }),
    perCpu: false,
  },
  paths: {
    key: struct({ bridge: u64, vni: u32, zero: reserved(4) }),
    value: struct({ link: u32, label: u32 }),
    perCpu: false,
  },
  labels: { key: u32, value: struct({ link: u32, nextLabel: u32 }), perCpu: false },
  links: { key: u32, value: link, perCpu: false },
  peers: { key: struct({ address }), value: u32, perCpu: false },
  peer_networks: { key: struct({ link: u32, vni: u32 }), value: u32, perCpu: false },
  networks: { key: u32, value: struct({ floodTree: u32, zero: reserved(4) }), perCpu: false },
  trees: { key: struct({ vni: u32, tree: u32 }), value: tree, perCpu: false },
  network_ports: { key: u32, value: networkPorts, perCpu: false },
  generations: { key: u32, value: u32, perCpu: false },
  flows: {
    key: struct({ ifindex: u32, source: mac, destination: mac }),
    value: struct({
      packets: u64,
      bytes: u64,
      expires: u64,
      vni: u32,
      generation: u32,
      link: u32,
      ifindex: u32,
      frameBytes: u32,
      sum: u32,
      header: rawBytes(OUTER_IPV6_BYTES),
      headerBytes: u16,
    }),
    perCpu: true,
  },
  hops: {
    key: u32,
    value: struct({
      learned: u64,
      generation: u32,
      ifindex: u32,
      ethernet: rawBytes(12),
      zero: reserved(4),
      source: optionalAddress,
    }),
    perCpu: true,
  },
  /** What was decided about datagrams, for those that are like them; by a hash. */
  arrivals: {
    key: u32,
    value: struct({
      source: optionalAddress,
      destination: optionalAddress,
      vni: u32,
      gbp: u32,
      mac,
      action: u16,
      generation: u32,
      from: u32,
      target: u32,
      detail: u32,
    }),
    perCpu: true,
  },
  port_stats: { key: struct({ vni: u32, ifindex: u32 }), value: struct({ packets: u64, bytes: u64 }), perCpu: true },
  /** In the order of `pathStats`. */
  path_stats: { key: u32, value: u64, perCpu: true },
  link_stats: {
    key: u32,
    value: struct({ txPackets: u64, txBytes: u64, rxPackets: u64, rxBytes: u64 }),
    perCpu: true,
  },
  drops: { key: u32, value: u64, perCpu: true },
  network_drops: { key: struct({ vni: u32, reason: u32 }), value: u64, perCpu: true },
} as const

export type MapName = keyof typeof mapLayouts
type TypeOf<C> = C extends Codec<infer T> ? T : never
export type MapKey<N extends MapName> = TypeOf<(typeof mapLayouts)[N]['key']>
export type MapValue<N extends MapName> = TypeOf<(typeof mapLayouts)[N]['value']>
