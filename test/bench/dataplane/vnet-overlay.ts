// Our programs, as the agent attaches them, with tables written through the product's own codecs.
import { join as joinPath } from 'node:path'
import { ip, mac } from '#daemonset/bpf/test-frames.ts'
import { INLET_OPTIONS, TestMaps, UDP_PORT, VXLAN_OPTIONS } from '#daemonset/bpf/test-maps.ts'
import { INLET_DEVICE, TUNNEL_DEVICE, TUNNEL_MTU_BYTES } from '#daemonset/desired/tunnel.ts'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import type { Attachment } from './attach-programs.ts'
import type { VnetPath } from './options.ts'
import type { Host, World } from './world.ts'

export type VnetOptions = {
  path: VnetPath
  /** Without, it is the same programs that count nothing. */
  counts: boolean
  bpffs: Bpffs
  /** Networks that the pairs of VMs are spread over. */
  networks: number
  /** Further entries of the table of MACs, of a bridge that nobody speaks with. */
  otherMacs: number
}

const FIRST_VNI = 77
const TREE = 40_000
const LABEL_TO_FAR = 16
const LABEL_TO_NEAR = 17
const VXLAN_OVERHEAD = 50
const ETHERNET_HEADER = 14

type End = { host: Host; maps: TestMaps; bridge: bigint }

type Place = readonly [device: string, direction: 'ingress' | 'egress', program: string]

const attach = (host: Host, { pins }: TestMaps, places: readonly Place[]): void => {
  const attachments = places.map(([device, direction, program]): Attachment => {
    const link = `${pins}/links/${device}-${direction}`
    return { pin: `${pins}/prog/${program}`, device, ifindex: host.device(device).ifindex, direction, link }
  })
  host.exec(process.execPath, joinPath(import.meta.dirname, 'attach-programs.ts'), JSON.stringify(attachments))
}

const programs = (host: Host, { bpffs, path, counts }: VnetOptions, vnis: readonly number[]): TestMaps => {
  const maps = new TestMaps(bpffs, host.name, counts ? 'vnet.bpf.o' : 'uncounted.bpf.o')
  maps.fastPath = path === 'fast'
  const tunnel = `link add ${TUNNEL_DEVICE} type vxlan external gbp nolearning ${VXLAN_OPTIONS} dstport ${UDP_PORT}`
  host.ip(tunnel)
  host.ip(`link set ${TUNNEL_DEVICE} mtu ${TUNNEL_MTU_BYTES} up`)
  const { ifindex: tunnelIfindex } = host.device(TUNNEL_DEVICE)
  for (const [index, { address, neighbour }] of host.underlays.entries()) {
    const link = index + 1
    const frameBytes = 1500 - VXLAN_OVERHEAD + ETHERNET_HEADER
    maps.put('links', link, { remote: ip(neighbour), local: ip(address), tunnelIfindex, up: true, frameBytes })
    maps.put('peers', { address: ip(neighbour) }, link)
    for (const vni of vnis) maps.put('peer_networks', { link, vni }, 1)
  }
  host.ip(`link add ${INLET_DEVICE} type vxlan ${INLET_OPTIONS}`)
  attach(host, maps, [
    ...host.underlays.map(({ device }): Place => [device, 'egress', 'underlay_egress']),
    ...host.underlays.map(({ device }): Place => [device, 'ingress', 'underlay_entry']),
    [TUNNEL_DEVICE, 'ingress', 'tunnel_ingress'],
    [INLET_DEVICE, 'ingress', 'inlet_ingress'],
  ])
  host.ip(`link set ${INLET_DEVICE} mtu ${TUNNEL_MTU_BYTES} up`)
  maps.inlet = true
  return maps
}

const otherMac = (number: number): string =>
  `02:ee:00:${[16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`

/** A joined overlay. `invalidate`: every node forgets what its fast path knows, as after a write of the agent. */
export type Joined = { invalidate(): void }

/** Joins the VMs of two nodes by our overlay, over a relay by label where there is one. */
export const joinByVnet = (world: World, options: VnetOptions): Joined => {
  const { networks, otherMacs } = options
  const vnis = [...Array(networks).keys()].map((index) => FIRST_VNI + index)
  const join = (host: Host, bridge: bigint): End => {
    const maps = programs(host, options, vnis)
    world.onClose(() => maps.close())
    return { host, bridge, maps }
  }
  const near = join(world.near, 1n)
  const far = join(world.far, 2n)
  const vniOf = (pair: number): number => FIRST_VNI + (pair % networks)
  const sides = [
    { end: near, other: far, guest: world.sender, otherGuest: world.receiver, label: LABEL_TO_FAR },
    { end: far, other: near, guest: world.receiver, otherGuest: world.sender, label: LABEL_TO_NEAR },
  ]
  for (const { end, other, guest, otherGuest, label } of sides) {
    const { host, maps } = end
    world.linuxBridge(host)
    attach(host, maps, [
      ['br0', 'ingress', 'bridge_guard'],
      ...world.pairs.map((pair): Place => [`p${pair}`, 'ingress', 'port_ingress']),
    ])
    const members = new Map<number, number[]>()
    for (const pair of world.pairs) {
      const vni = vniOf(pair)
      const { ifindex } = host.device(`p${pair}`)
      const own = guest.device(`eth${pair}`).mac
      maps.put('ports', ifindex, { vni, mac: own, open: true, peerNamespace: true })
      maps.put('macs', { vni, mac: own }, { bridge: 0n, ifindex })
      maps.put('macs', { vni, mac: otherGuest.device(`eth${pair}`).mac }, { bridge: other.bridge, ifindex: 0 })
      host.exec('bridge', 'link', 'set', 'dev', `p${pair}`, 'isolated', 'on')
      members.set(vni, [...(members.get(vni) ?? []), ifindex])
    }
    for (const vni of vnis) {
      maps.put('network_ports', vni, { stamp: 1, ifindexes: members.get(vni) ?? [] })
      maps.put('paths', { bridge: other.bridge, vni }, { link: 1, label: world.relay ? label : 0 })
      maps.put('networks', vni, { floodTree: TREE })
      maps.put('trees', { vni, tree: TREE }, { stamp: 2, links: [1] })
    }
    for (let number = 0; number < otherMacs; number++)
      maps.put('macs', { vni: vniOf(number), mac: mac(otherMac(number)) }, { bridge: 3n, ifindex: 0 })
  }
  const invalidate = (): void => {
    for (const { maps } of [near, far]) maps.raiseGeneration()
  }
  if (!world.relay) return { invalidate }
  const { maps } = join(world.relay, 3n)
  maps.put('labels', LABEL_TO_FAR, { link: 2, nextLabel: 0 })
  maps.put('labels', LABEL_TO_NEAR, { link: 1, nextLabel: 0 })
  for (const vni of vnis) maps.put('trees', { vni, tree: TREE }, { stamp: 1, links: [1, 2] })
  return { invalidate }
}
