// The programs on real devices: three nodes, each with VMs, on an IPv4 and IPv6 underlay.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DropReason } from '#daemonset/wire/drop-reasons.ts'
import { vxlanHeader } from '#daemonset/wire/vxlan-header.ts'
import { broadcast, frame, ip, mac } from './test-frames.ts'
import { type Guest, Laboratory, type Listener, type Namespace, type Node, until } from './test-laboratory.ts'
import { UDP_PORT } from './test-maps.ts'

const test = suite('forwarding')
const laboratory = new Laboratory()
const vni = 0x123456
const experiment = 0x88b5
const nodes = [1, 2, 3].map((index) => laboratory.node(index)) as [Node, Node, Node]
const [west, middle, east] = nodes
const network = { vni, peerNamespace: true }
const guests = {
  a: laboratory.guest(west, 1, network),
  b: laboratory.guest(west, 2, { vni, peerNamespace: false }),
  c: laboratory.guest(east, 3, network),
  d: laboratory.guest(east, 4, { vni, peerNamespace: false }),
}
const { a, b, c, d } = guests
const intruder = laboratory.host(9)

/** Link id to a node is that node's index; so is its bridge id. */
const link = (from: Node, to: Node, family: 4 | 6 = 4) => {
  const prefix = family === 4 ? '10.9.0.' : 'fd09::'
  from.maps.put('links', to.index, {
    remote: ip(`${prefix}${to.index}`),
    local: ip(`${prefix}${from.index}`),
    tunnelIfindex: from.tunnelIfindex,
    up: true,
    frameBytes: 1514,
  })
}
const route = (from: Node, to: Node, via: { link: number; label: number }) =>
  from.maps.put('paths', { bridge: BigInt(to.index), vni }, via)
const direct = () => {
  for (const [from, to] of [
    [west, east],
    [east, west],
  ] as const)
    route(from, to, { link: to.index, label: 0 })
}
const drops = (node: Node, reason: DropReason): number => node.maps.drops()[reason] ?? 0
const sentOver = (node: Node, id: number): number =>
  node.maps.perCpu('link_stats', id).reduce((sum, { txPackets }) => sum + Number(txPackets), 0)
const ping = (from: Namespace, target: string): string => from.exec('ping', '-c', '3', '-i', '0.05', '-W', '2', target)

for (const from of nodes)
  for (const to of nodes.filter((node) => node !== from)) {
    link(from, to)
    for (const prefix of ['10.9.0.', 'fd09::'])
      from.maps.put('peers', { address: ip(`${prefix}${to.index}`) }, to.index)
    from.maps.put('peer_networks', { link: to.index, vni }, 1)
  }
for (const [node, own, others, far] of [
  [west, [a, b], [c, d], east],
  [east, [c, d], [a, b], west],
] as const) {
  node.maps.put('network_ports', vni, { stamp: 1, ifindexes: own.map(({ ifindex }) => ifindex) })
  for (const guest of others) node.maps.put('macs', { vni, mac: guest.mac }, { bridge: BigInt(far.index), ifindex: 0 })
  node.maps.put('networks', vni, { floodTree: 0 })
  node.maps.put('trees', { vni, tree: 0 }, { stamp: 2, links: [far.index] })
}
direct()

/** Sends `data` from a guest, then one marker frame to each listener; returns what came before the marker. */
const received = async (from: Guest, data: Uint8Array, to: readonly Guest[]): Promise<number[]> => {
  const listeners: Listener[] = []
  for (const guest of to) listeners.push(await laboratory.listen(guest, experiment))
  const markers = to.map((guest) =>
    frame(from.mac, guest.mac, { etherType: experiment, payload: new Uint8Array(46).fill(9) }),
  )
  from.send('eth0', data, ...markers)
  const isMarker = (bytes: Uint8Array): boolean => bytes[59] === 9
  await until('the marker frames', () => listeners.every(({ frames }) => frames.some(isMarker)))
  for (const listener of listeners) listener.close()
  return listeners.map(({ frames }) => frames.filter((bytes) => !isMarker(bytes)).length)
}

test.after(() => laboratory.close())

test('IPv4 and IPv6 between VMs: ARP and neighbour discovery are flooded, the rest takes the path', () => {
  for (const target of ['10.8.0.2', '10.8.0.3', '10.8.0.4', 'fd08::2', 'fd08::3', 'fd08::4'])
    assert.match(ping(a, target), ' 0% packet loss', target)
  assert.match(ping(b, 'fd08::4'), ' 0% packet loss')
})

test('a broadcast of a foreign EtherType reaches every other VM exactly once', async () => {
  assert.equal(await received(a, frame(a.mac, broadcast, { etherType: experiment }), [b, c, d]), [1, 1, 1])
  assert.equal(await received(b, frame(b.mac, broadcast, { etherType: experiment }), [a, c, d]), [1, 1, 1])
})

test('unicast goes to its owner only', async () => {
  assert.equal(await received(a, frame(a.mac, d.mac, { etherType: experiment }), [b, c, d]), [0, 0, 1])
})

test('a path label leads through a node that knows no MAC', () => {
  assert.is([...middle.maps.raw('macs').entries()].length, 0)
  middle.maps.put('labels', 500, { link: east.index, nextLabel: 0 })
  middle.maps.put('labels', 501, { link: west.index, nextLabel: 0 })
  route(west, east, { link: middle.index, label: 500 })
  route(east, west, { link: middle.index, label: 501 })
  const before = sentOver(middle, east.index)
  assert.match(ping(a, '10.8.0.3'), ' 0% packet loss')
  assert.ok(sentOver(middle, east.index) >= before + 3)
  direct()
})

test('a moved MAC is followed once, also over a labelled path', async () => {
  west.maps.put('macs', { vni, mac: c.mac }, { bridge: BigInt(middle.index), ifindex: 0 })
  west.maps.put('paths', { bridge: BigInt(middle.index), vni }, { link: middle.index, label: 0 })
  middle.maps.put('macs', { vni, mac: c.mac }, { bridge: BigInt(east.index), ifindex: 0 })
  middle.maps.put('paths', { bridge: BigInt(east.index), vni }, { link: east.index, label: 0 })
  assert.equal(await received(a, frame(a.mac, c.mac, { etherType: experiment }), [c]), [1])
  middle.maps.put('paths', { bridge: BigInt(east.index), vni }, { link: west.index, label: 600 })
  west.maps.put('labels', 600, { link: east.index, nextLabel: 0 })
  assert.equal(await received(a, frame(a.mac, c.mac, { etherType: experiment }), [c]), [1])
  const before = drops(east, 'NOT_OWNER')
  east.maps.put('macs', { vni, mac: c.mac }, { bridge: BigInt(west.index), ifindex: 0 })
  a.send('eth0', frame(a.mac, c.mac, { etherType: experiment }))
  await until('the second move to end the frame', () => drops(east, 'NOT_OWNER') === before + 1)
  east.maps.put('macs', { vni, mac: c.mac }, { bridge: 0n, ifindex: c.ifindex })
  middle.maps.remove('macs', { vni, mac: c.mac })
  west.maps.put('macs', { vni, mac: c.mac }, { bridge: BigInt(east.index), ifindex: 0 })
})

test('a tree through the middle node: one copy each', async () => {
  const tree = 50000
  west.maps.put('trees', { vni, tree }, { stamp: 3, links: [middle.index] })
  middle.maps.put('trees', { vni, tree }, { stamp: 3, links: [west.index, east.index] })
  east.maps.put('trees', { vni, tree }, { stamp: 3, links: [middle.index] })
  for (const node of [west, east]) node.maps.put('networks', vni, { floodTree: tree })
  assert.equal(await received(a, frame(a.mac, broadcast, { etherType: experiment }), [b, c, d]), [1, 1, 1])
  for (const node of [west, east]) node.maps.put('networks', vni, { floodTree: 0 })
})

test('IPv6 outside carries the same', async () => {
  link(west, east, 6)
  link(east, west, 6)
  assert.match(ping(a, '10.8.0.3'), ' 0% packet loss')
  assert.match(ping(c, 'fd08::1'), ' 0% packet loss')
  assert.equal(await received(a, frame(a.mac, broadcast, { etherType: experiment }), [b, c, d]), [1, 1, 1])
  link(west, east)
  link(east, west)
})

test('TCP runs at full size, with super-frames, here and across', async () => {
  for (const [server, address] of [
    [b, '10.8.0.2'],
    [c, '10.8.0.3'],
    [d, 'fd08::4'],
  ] as const) {
    const child = laboratory.child(server.spawn('iperf3', '-s', '-1', '--forceflush'))
    await new Promise<void>((resolve) =>
      child.stdout!.on('data', (text) => String(text).includes('listening') && resolve()),
    )
    const report = JSON.parse(a.exec('iperf3', '-c', address, '-t', '1', '-J')) as {
      end: { sum_received: { bytes: number } }
    }
    assert.ok(report.end.sum_received.bytes > 10_000_000, `${report.end.sum_received.bytes} bytes to ${address}`)
  }
})

test('a VLAN tag beside the frame is refused, a priority tag removed', async () => {
  const tagged = (tci: number) =>
    frame(a.mac, c.mac, {
      etherType: 0x8100,
      payload: Uint8Array.from([tci >> 8, tci & 255, experiment >> 8, experiment & 255, ...new Uint8Array(46)]),
    })
  const before = drops(west, 'VLAN_TAGGED')
  assert.equal(await received(a, tagged(0x0005), [c]), [0])
  assert.is(drops(west, 'VLAN_TAGGED'), before + 1)
  assert.equal(await received(a, tagged(0xe000), [c]), [1])
})

/** A VXLAN datagram from `source` to the east node, with its link, IP and UDP headers, made without the kernel. */
const forged = (from: Namespace, source: number, header: { vni: number; label: number }): Uint8Array => {
  const inner = frame(a.mac, c.mac, { etherType: experiment })
  const vxlan = vxlanHeader.emit({ ...header, forwarded: false }, inner)
  const words = [0x4500, 28 + vxlan.length, 1, 0, 0x4011, 0, 0x0a09, source, 0x0a09, east.index]
  const sum = words.reduce((total, word) => total + word, 0)
  words[5] = ~((sum & 0xffff) + (sum >> 16)) & 0xffff
  const udp = [40000, UDP_PORT, 8 + vxlan.length, 0]
  const headers = [...words, ...udp].flatMap((word) => [word >> 8, word & 255])
  return frame(from.device('u0').mac, east.device('u0').mac, {
    etherType: 0x0800,
    payload: Uint8Array.from([...headers, ...vxlan]),
  })
}

for (const [reason, source, header] of [
  ['PEER_UNKNOWN', 9, { vni, label: 0 }],
  ['LABEL_UNKNOWN', west.index, { vni, label: 777 }],
  ['LABEL_RESERVED', west.index, { vni, label: 7 }],
  ['NETWORK_NOT_CARRIED', west.index, { vni: vni + 1, label: 0 }],
] as const)
  test(`a forged datagram is dropped and counted: ${reason}`, async () => {
    const listener = await laboratory.listen(c, experiment)
    const before = drops(east, reason)
    intruder.send('u0', forged(intruder, source, header))
    await until(`${reason} to be counted`, () => drops(east, reason) === before + 1)
    assert.equal(listener.frames, [])
    listener.close()
  })

test('the underlay guard drops a datagram to the tunnel that is not our own, and nothing else', async () => {
  const received = drops(east, 'PEER_UNKNOWN') + drops(east, 'DESTINATION_UNKNOWN')
  const before = drops(west, 'UNDERLAY_GUARD')
  for (const address of [`10.9.0.${east.index}`, `fd09::${east.index}`])
    west.exec('bash', '-c', `echo forged > /dev/udp/${address}/${UDP_PORT} || true`)
  west.send('u0', forged(west, west.index, { vni, label: 0 }))
  await until('three datagrams to be counted', () => drops(west, 'UNDERLAY_GUARD') === before + 3)
  assert.is(drops(east, 'PEER_UNKNOWN') + drops(east, 'DESTINATION_UNKNOWN'), received)
  assert.match(ping(west, `10.9.0.${east.index}`), ' 0% packet loss')
})

test('the bridge guard silences a Linux bridge in both directions', async () => {
  west.ip('link add vnbridge type bridge')
  for (const direction of ['ingress', 'egress'] as const) laboratory.attach(west, 'vnbridge', direction, 'bridge_guard')
  west.ip(`link set p1 master vnbridge`)
  west.ip('link set vnbridge up')
  const before = drops(west, 'BRIDGE_GUARD')
  const listener = await laboratory.listen(a, experiment)
  west.send('vnbridge', frame(mac('02:00:00:00:77:77'), broadcast, { etherType: experiment }))
  await until('the frame to be counted', () => drops(west, 'BRIDGE_GUARD') > before)
  assert.match(ping(a, '10.8.0.3'), ' 0% packet loss')
  assert.equal(listener.frames, [])
  listener.close()
})

test.run()
