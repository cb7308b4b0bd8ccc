// Two nodes with two guests each, and a relay between them: what frames are sent over twice.
import { ip, mac } from '#daemonset/bpf/test-frames.ts'
import { type Guest, Laboratory, type Node } from '#daemonset/bpf/test-laboratory.ts'
import { INLET_DEVICE } from '#daemonset/desired/tunnel.ts'

export const VNI = 77
export const TAP = 'tap3'
export type Underlay = 4 | 6
type Port = Pick<Guest, 'mac' | 'ifindex'>

/** West and east, joined through a relay by labels: `c` behind a TAP, the others behind veth pairs. The router sends what it gets back to `b`. */
export class RelayWorld {
  readonly laboratory = new Laboratory()
  readonly nodes: [Node, Node, Node]
  readonly guests: { a: Guest; b: Guest; c: Port; router: Guest }

  constructor(underlay: Underlay) {
    const { laboratory } = this
    this.nodes = [1, 2, 3].map((index) => laboratory.node(index)) as [Node, Node, Node]
    const [west, , east] = this.nodes
    const guest = (node: Node, index: number) => laboratory.guest(node, index, { vni: VNI, peerNamespace: index !== 2 })
    this.guests = { a: guest(west, 1), b: guest(west, 2), c: this.#tapGuest(east), router: guest(east, 4) }
    this.#silence()
    this.#join(underlay)
    this.#letRoute()
  }

  /** Guests have no IP stack of their own to speak with, and take frames of any length. */
  #silence(): void {
    const { a, b, router } = this.guests
    const [west, , east] = this.nodes
    for (const [guest, node, port] of [
      [a, west, 'p1'],
      [b, west, 'p2'],
      [router, east, 'p4'],
    ] as const) {
      guest.exec('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1')
      guest.ip('addr flush dev eth0')
      guest.ip('link set eth0 mtu 9000')
      guest.exec('ethtool', '-K', 'eth0', 'gro', 'off')
      node.ip(`link set ${port} mtu 9000`)
      node.exec('sysctl', '-qw', `net.ipv6.conf.${port}.disable_ipv6=1`)
    }
    // What is aggregated depends on when frames come.
    for (const node of this.nodes)
      for (const device of ['vnet0', INLET_DEVICE]) node.exec('ethtool', '-K', device, 'gro', 'off')
  }

  /** A port as KubeVirt's or a VM's own: `listen` opens it. */
  #tapGuest(node: Node): Port {
    node.ip(`tuntap add dev ${TAP} mode tap vnet_hdr`)
    node.exec('sysctl', '-qw', `net.ipv6.conf.${TAP}.disable_ipv6=1`)
    node.ip(`link set ${TAP} mtu 9000 up`)
    return this.laboratory.port(node, TAP, { vni: VNI, mac: mac('02:00:00:00:00:0c'), peerNamespace: false })
  }

  #join(underlay: Underlay): void {
    const [west, relay, east] = this.nodes
    const { a, b, c, router } = this.guests
    const address = (node: Node) => ip(underlay === 4 ? `10.9.0.${node.index}` : `fd09::${node.index}`)
    for (const from of this.nodes)
      for (const to of this.nodes.filter((node) => node !== from)) {
        const { tunnelIfindex } = from
        const ends = { remote: address(to), local: address(from) }
        from.maps.put('links', to.index, { ...ends, tunnelIfindex, up: true, frameBytes: 1514 })
        from.maps.put('peers', { address: address(to) }, to.index)
        from.maps.put('peer_networks', { link: to.index, vni: VNI }, 1)
      }
    for (const [node, own, others, far, label] of [
      [west, [a, b], [c, router], east, 500],
      [east, [c, router], [a, b], west, 501],
    ] as const) {
      const bridge = BigInt(far.index)
      node.maps.put('network_ports', VNI, { stamp: 1, ifindexes: own.map(({ ifindex }) => ifindex) })
      for (const guest of others) node.maps.put('macs', { vni: VNI, mac: guest.mac }, { bridge, ifindex: 0 })
      node.maps.put('networks', VNI, { floodTree: 0 })
      node.maps.put('trees', { vni: VNI, tree: 0 }, { stamp: 2, links: [far.index] })
      node.maps.put('paths', { bridge, vni: VNI }, { link: relay.index, label })
      relay.maps.put('labels', label, { link: far.index, nextLabel: 0 })
    }
  }

  /** What comes in for 10.99.0.6 and fd99::6 leaves again for `b`: with the marks of the first journey still on it. */
  #letRoute(): void {
    const { router, b } = this.guests
    router.exec(
      'sysctl',
      '-qw',
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.eth0.rp_filter=0',
    )
    router.exec('sysctl', '-qw', 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.eth0.send_redirects=0')
    router.exec('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0', 'net.ipv6.conf.all.forwarding=1')
    router.exec('sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_ratemask=0')
    router.ip('addr add 10.9.9.1/24 dev eth0')
    router.ip('addr add fd99::fe/128 dev eth0 nodad')
    router.ip('route add fd99::6/128 dev eth0')
    for (const via of ['10.99.0.6', 'fd99::6']) router.ip(`neigh replace ${via} lladdr ${b.mac} dev eth0 nud permanent`)
    router.ip('route add 10.99.0.6/32 dev eth0')
    // It sends on, and says nothing by itself.
    router.exec(
      'nft',
      'add table inet quiet; add chain inet quiet out { type filter hook output priority 0; policy drop; }',
    )
  }

  close(): void {
    this.laboratory.close()
  }
}
