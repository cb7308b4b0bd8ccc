// Two VMs on two nodes, joined in the ways that we compare. Everything is in network namespaces of its own.
import { randomBytes } from 'node:crypto'
import { ip } from '#daemonset/bpf/test-frames.ts'
import { Namespace } from '#daemonset/bpf/test-laboratory.ts'
import { TestMaps, UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'

/**
 * - `bridge`: no overlay; the underlay device is a port of the VMs' bridge.
 * - `kernel`: the kernel's VXLAN device in a bridge, forwarding tables filled by hand.
 * - `vnet`: our programs, as the agent attaches them.
 */
export type Kind = 'bridge' | 'kernel' | 'vnet'
/** `ideal` carries 64 KiB super-frames unsegmented, as a perfect offload card; the others only frames of the MTU, without and with receive aggregation. */
export type Wire = 'ideal' | 'wire' | 'wire-gro'

export type Setup = { kind: Kind; wire: Wire; relay: boolean }

const VNI = 77
const UNDERLAY_MTU = 1500
const VXLAN_OVERHEAD = 50

type Host = Namespace & { devices: { device: string; address: string; neighbour: string }[] }

/** A wired setup. `close` removes it. */
export class Topology {
  readonly setup: Setup
  readonly sender: Namespace
  readonly receiver: Namespace
  readonly #prefix = `vnb-${randomBytes(3).toString('hex')}`
  readonly #namespaces: Namespace[] = []
  readonly #maps: TestMaps[] = []
  readonly #bpffs: Bpffs

  constructor(setup: Setup, bpffs: Bpffs) {
    this.setup = setup
    this.#bpffs = bpffs
    process.once('exit', this.close)
    const near = this.#host('n1')
    const far = this.#host('n2')
    const relay = setup.relay ? this.#host('n3') : undefined
    if (relay) {
      this.#wire(near, relay, 1)
      this.#wire(relay, far, 2)
    } else {
      this.#wire(near, far, 1)
    }
    this.sender = this.#guest(near, 1)
    this.receiver = this.#guest(far, 2)
    if (setup.kind === 'bridge') for (const host of [near, far]) this.#plainBridge(host)
    if (setup.kind === 'kernel') this.#kernelVxlan(near, far, relay)
    if (setup.kind === 'vnet') this.#vnet(near, far, relay)
  }

  close = (): void => {
    process.removeListener('exit', this.close)
    for (const namespace of this.#namespaces.splice(0)) namespace.delete()
    for (const maps of this.#maps.splice(0)) maps.close()
  }

  #host(name: string): Host {
    const namespace = new Namespace(`${this.#prefix}-${name}`)
    this.#namespaces.push(namespace)
    namespace.exec(
      'sysctl',
      '-qw',
      'net.ipv6.conf.all.disable_ipv6=1',
      'net.bridge.bridge-nf-call-iptables=0',
      'net.bridge.bridge-nf-call-ip6tables=0',
      'net.bridge.bridge-nf-call-arptables=0',
    )
    return Object.assign(namespace, { devices: [] })
  }

  #wire(left: Host, right: Host, subnet: number): void {
    const ends = [left, right].map((host, index) => ({
      host,
      device: `u${host.devices.length}`,
      address: `10.77.${subnet}.${index + 1}`,
    }))
    const [a, b] = ends as [(typeof ends)[number], (typeof ends)[number]]
    left.ip(
      `link add ${a.device} mtu ${UNDERLAY_MTU} type veth peer name ${b.device} mtu ${UNDERLAY_MTU} netns ${right.name}`,
    )
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      end.host.devices.push({ device: end.device, address: end.address, neighbour: other.address })
      end.host.ip(`addr add ${end.address}/24 dev ${end.device}`)
      end.host.ip(`link set ${end.device} up`)
      if (this.setup.wire !== 'ideal')
        end.host.exec(
          'ethtool',
          '-K',
          end.device,
          'tso',
          'off',
          'gso',
          'off',
          'gro',
          this.setup.wire === 'wire-gro' ? 'on' : 'off',
        )
    }
  }

  /** A VM behind a veth whose other end is a port of `br0`. */
  #guest(host: Host, index: number): Namespace {
    const guest = new Namespace(`${this.#prefix}-v${index}`)
    this.#namespaces.push(guest)
    const mtu = this.setup.kind === 'bridge' ? UNDERLAY_MTU : UNDERLAY_MTU - VXLAN_OVERHEAD
    guest.ip(`link add eth0 mtu ${mtu} type veth peer name p0 mtu ${mtu} netns ${host.name}`)
    guest.ip(`addr add 10.88.0.${index}/24 dev eth0`)
    guest.ip('link set eth0 up')
    host.ip(`link add br0 mtu ${mtu} type bridge stp_state 0 forward_delay 0`)
    host.ip('link set br0 up')
    host.ip('link set p0 master br0')
    host.ip('link set p0 up')
    return guest
  }

  #plainBridge(host: Host): void {
    const [{ device }] = host.devices as [Host['devices'][number]]
    host.ip(`addr flush dev ${device}`)
    host.ip(`link set ${device} master br0`)
  }

  #kernelVxlan(near: Host, far: Host, relay: Host | undefined): void {
    const macs: [string, string] = [this.sender.device('eth0').mac, this.receiver.device('eth0').mac]
    const vxlan = (
      host: Host,
      device: string,
      id: number,
      underlay: Host['devices'][number],
      remoteMac: string,
    ): void => {
      host.ip(
        `link add ${device} mtu ${UNDERLAY_MTU - VXLAN_OVERHEAD} type vxlan id ${id} local ${underlay.address} dstport 4789 nolearning noudpcsum`,
      )
      host.ip(`link set ${device} master br0`)
      host.ip(`link set ${device} up`)
      host.exec('bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', device, 'dst', underlay.neighbour, 'self')
      host.exec('bridge', 'fdb', 'add', remoteMac, 'dev', device, 'dst', underlay.neighbour, 'self', 'static')
      host.exec('bridge', 'fdb', 'replace', remoteMac, 'dev', device, 'master', 'static')
    }
    vxlan(near, 'vx0', VNI, near.devices[0]!, macs[1])
    vxlan(far, 'vx0', relay ? VNI + 1 : VNI, far.devices[0]!, macs[0])
    if (!relay) return
    relay.ip(`link add br0 mtu ${UNDERLAY_MTU - VXLAN_OVERHEAD} type bridge stp_state 0 forward_delay 0`)
    relay.ip('link set br0 up')
    vxlan(relay, 'vx0', VNI, relay.devices[0]!, macs[0])
    vxlan(relay, 'vx1', VNI + 1, relay.devices[1]!, macs[1])
  }

  #vnet(near: Host, far: Host, relay: Host | undefined): void {
    const bridgeIds = new Map<Host, bigint>([
      [near, 1n],
      [far, 2n],
    ])
    for (const host of [near, far, ...(relay ? [relay] : [])]) this.#vnetNode(host)
    const ends = [
      { host: near, guest: this.sender, other: far, otherGuest: this.receiver, label: 16 },
      { host: far, guest: this.receiver, other: near, otherGuest: this.sender, label: 17 },
    ]
    for (const { host, guest, other, otherGuest, label } of ends) {
      const maps = this.#mapsOf(host)
      const { ifindex } = host.device('p0')
      const address = guest.device('eth0').mac
      maps.put('ports', ifindex, { vni: VNI, mac: address, open: true, peerNamespace: true })
      maps.put('macs', { vni: VNI, mac: address }, { bridge: 0n, ifindex })
      maps.put('network_ports', VNI, { stamp: 1, ifindexes: [ifindex] })
      maps.put(
        'macs',
        { vni: VNI, mac: otherGuest.device('eth0').mac },
        { bridge: bridgeIds.get(other) ?? 0n, ifindex: 0 },
      )
      maps.put('paths', { bridge: bridgeIds.get(other) ?? 0n, vni: VNI }, { link: 1, label: relay ? label : 0 })
      this.#attach(host, 'p0', 'ingress', 'port_ingress')
      this.#attach(host, 'br0', 'ingress', 'bridge_guard')
      host.exec('bridge', 'link', 'set', 'dev', 'p0', 'isolated', 'on')
      // Broadcasts of the relay's tree are of no interest here, so both ends flood over their first link with one tree.
      maps.put('networks', VNI, { floodTree: 40_000 })
      maps.put('trees', { vni: VNI, tree: 40_000 }, { stamp: 2, links: [1] })
    }
    if (!relay) return
    const maps = this.#mapsOf(relay)
    maps.put('labels', 16, { link: 2, nextLabel: 0 })
    maps.put('labels', 17, { link: 1, nextLabel: 0 })
    maps.put('trees', { vni: VNI, tree: 40_000 }, { stamp: 1, links: [1, 2] })
  }

  #vnetNode(host: Host): void {
    const maps = new TestMaps(this.#bpffs, host.name, 'vnet.bpf.o')
    this.#maps.push(maps)
    host.ip(`link add vnet0 type vxlan external gbp dstport ${UDP_PORT}`)
    host.ip(`link set vnet0 mtu ${UNDERLAY_MTU} up`)
    const { ifindex } = host.device('vnet0')
    for (const [index, { device, address, neighbour }] of host.devices.entries()) {
      const id = index + 1
      maps.put('links', id, {
        remote: ip(neighbour),
        local: ip(address),
        tunnelIfindex: ifindex,
        up: true,
        frameBytes: UNDERLAY_MTU - VXLAN_OVERHEAD + 14,
      })
      maps.put('peers', { address: ip(neighbour) }, id)
      maps.put('peer_networks', { link: id, vni: VNI }, 1)
      this.#attach(host, device, 'egress', 'underlay_egress')
    }
    this.#attach(host, 'vnet0', 'ingress', 'tunnel_ingress')
  }

  #mapsOf(host: Host): TestMaps {
    return this.#maps.find(({ pins }) => pins.endsWith(`/${host.name}`))!
  }

  #attach(host: Host, device: string, direction: 'ingress' | 'egress', program: string): void {
    host.exec('tc', 'qdisc', 'replace', 'dev', device, 'clsact')
    host.exec(
      'tc',
      'filter',
      'replace',
      'dev',
      device,
      direction,
      'prio',
      '1',
      'handle',
      '1',
      'protocol',
      'all',
      'bpf',
      'da',
      'pinned',
      `${this.#mapsOf(host).pins}/prog/${program}`,
    )
  }
}
