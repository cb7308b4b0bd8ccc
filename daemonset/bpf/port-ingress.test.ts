import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { TTL_AT_INGRESS } from '#daemonset/wire/labels.ts'
import { LAYOUT_VERSION, MAX_NETWORK_PORTS, MAX_TREE_LINKS } from '#daemonset/wire/map-layouts.ts'
import { isDelivery, TestBridge, verdicts } from './test-bridge.ts'
import { broadcast, frame, ip, mac } from './test-frames.ts'
import { MARK } from './test-maps.ts'

const test = suite('port_ingress')
const bpffs = mountBpffs()
const bridge = new TestBridge(bpffs, 'port')

const vni = 77
const [a, b, c, remote] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c', '02:00:00:00:01:01'].map(
  mac,
) as [ReturnType<typeof mac>, ReturnType<typeof mac>, ReturnType<typeof mac>, ReturnType<typeof mac>]
const east = 0xfedc_ba98_7654_3210n
const link = { remote: ip('192.0.2.1'), local: null, tunnelIfindex: 9, up: true, frameBytes: 0 }
const sent = { kind: 'link', vni, ttl: TTL_AT_INGRESS, mark: MARK, device: 9, bytes: 60 } as const

test.before.each(() => {
  bridge.clear()
  for (const [ifindex, address] of [
    [10, a],
    [11, b],
    [12, c],
  ] as const) {
    bridge.put('ports', ifindex, { vni, mac: address, open: true, peerNamespace: ifindex === 11 })
    bridge.put('macs', { vni, mac: address }, { bridge: 0n, ifindex })
  }
  bridge.put('network_ports', vni, { stamp: 1, ifindexes: [10, 11, 12] })
  bridge.put('macs', { vni, mac: remote }, { bridge: east, ifindex: 0 })
  bridge.put('paths', { bridge: east, vni }, { link: 5, label: 300 })
  bridge.put('links', 5, link)
  bridge.put('links', 6, link)
  bridge.put('networks', vni, { floodTree: 0 })
  bridge.put('trees', { vni, tree: 0 }, { stamp: 2, links: [5, 6] })
})
test.after(() => {
  bridge.close()
  bpffs.close()
})

const dropped = (reason: string) => ({ verdict: verdicts.shot, outputs: [], drops: { [reason]: 1 } })

test('delivers to a port here: through the namespace, or by the device', () => {
  const toVeth = { kind: 'peer', ifindex: 11, bytes: 60 }
  assert.equal(bridge.fromPort(10, frame(a, b)), { verdict: verdicts.redirect, outputs: [toVeth], drops: {} })
  const toTap = { kind: 'port', ifindex: 12, bytes: 60 }
  assert.equal(bridge.fromPort(10, frame(a, c)), { verdict: verdicts.redirect, outputs: [toTap], drops: {} })
})

test('sends to the bridge that has the MAC, with the label of the path, marked, with a full TTL', () => {
  const outputs = [{ ...sent, link: 5, gbp: 300 }]
  assert.equal(bridge.fromPort(10, frame(a, remote)), { verdict: verdicts.redirect, outputs, drops: {} })
  bridge.put('paths', { bridge: east, vni }, { link: 6, label: 0 })
  assert.equal(bridge.fromPort(10, frame(a, remote)).outputs, [{ ...sent, link: 6, gbp: 0 }])
})

test('floods group addresses and unknown unicast: every other port here, every link of the mesh with label 1', () => {
  const outputs = [
    { kind: 'port', ifindex: 11, bytes: 60 },
    { kind: 'port', ifindex: 12, bytes: 60 },
    { ...sent, link: 5, gbp: 1 },
    { ...sent, link: 6, gbp: 1 },
  ]
  for (const destination of [broadcast, mac('33:33:00:00:00:01'), mac('02:00:00:00:99:99')])
    assert.equal(bridge.fromPort(10, frame(a, destination)), { verdict: verdicts.stolen, outputs, drops: {} })
})

test('floods on a tree with its id as label', () => {
  bridge.put('networks', vni, { floodTree: 40000 })
  bridge.put('trees', { vni, tree: 40000 }, { stamp: 3, links: [6] })
  const outcome = bridge.fromPort(10, frame(a, broadcast))
  assert.equal(
    outcome.outputs.filter(({ kind }) => kind === 'link'),
    [{ ...sent, link: 6, gbp: 40000 }],
  )
})

test('floods to as many ports and links as a list can hold', () => {
  const ifindexes = Array.from({ length: MAX_NETWORK_PORTS }, (_, index) => 1000 + index)
  for (const ifindex of ifindexes) bridge.put('ports', ifindex, { vni, mac: b, open: true, peerNamespace: true })
  bridge.put('network_ports', vni, { stamp: 4, ifindexes })
  const links = Array.from({ length: MAX_TREE_LINKS }, (_, index) => 1 + index)
  for (const id of links) bridge.put('links', id, link)
  bridge.put('trees', { vni, tree: 0 }, { stamp: 5, links })
  const { outputs, drops } = bridge.fromPort(10, frame(a, broadcast))
  assert.equal(drops, {})
  assert.equal(
    outputs.flatMap((output) => (isDelivery(output) ? [output.ifindex] : [])),
    ifindexes,
  )
  assert.equal(
    outputs.flatMap((output) => (output.kind === 'link' ? [output.link] : [])),
    links,
  )
})

test('a flood passes over ports and links that cannot take it, and counts them', () => {
  bridge.put('ports', 11, { vni: 78, mac: b, open: true, peerNamespace: true })
  bridge.put('ports', 12, { vni, mac: c, open: false, peerNamespace: false })
  bridge.put('links', 6, { ...link, up: false })
  bridge.put('links', 7, { ...link, tunnelIfindex: 0 })
  bridge.put('trees', { vni, tree: 0 }, { stamp: 6, links: [6, 7, 8, 5] })
  const { outputs, drops } = bridge.fromPort(10, frame(a, broadcast))
  assert.equal(outputs, [{ ...sent, link: 5, gbp: 1 }])
  assert.equal(drops, { DELIVERY_NETWORK: 1, DELIVERY_CLOSED: 1, LINK_DOWN: 1, LINK_UNKNOWN: 1, COPY: 1 })
})

test('without a flood list the ports here still get their copies, and the loss is counted', () => {
  bridge.remove('networks', vni)
  const { outputs, drops } = bridge.fromPort(10, frame(a, broadcast))
  assert.equal(
    outputs.map(({ kind }) => kind),
    ['port', 'port'],
  )
  assert.equal(drops, { FLOOD_UNKNOWN: 1 })
  bridge.put('networks', vni, { floodTree: 40001 })
  bridge.remove('network_ports', vni)
  assert.equal(bridge.fromPort(10, frame(a, broadcast)), dropped('FLOOD_UNKNOWN'))
})

test('is closed until the maps are filled by an agent of this layout', () => {
  bridge.configure(LAYOUT_VERSION - 1)
  assert.equal(bridge.fromPort(10, frame(a, b)), dropped('NOT_CONFIGURED'))
})

test('is closed for devices that are no port, and for ports that are not open', () => {
  assert.equal(bridge.fromPort(99, frame(a, b)), dropped('PORT_UNKNOWN'))
  bridge.put('ports', 10, { vni, mac: a, open: false, peerNamespace: false })
  assert.equal(bridge.fromPort(10, frame(a, b)), dropped('PORT_CLOSED'))
})

test("refuses what a guest may not send: another's MAC, no MAC, a group's, a frame without payload, a reserved address", () => {
  assert.equal(bridge.fromPort(10, frame(b, c)), dropped('SOURCE_MAC'))
  assert.equal(bridge.fromPort(10, frame(mac('00:00:00:00:00:00'), c)), dropped('SOURCE_ZERO'))
  assert.equal(bridge.fromPort(10, frame(mac('03:00:00:00:00:0a'), c)), dropped('SOURCE_MULTICAST'))
  assert.equal(bridge.fromPort(10, frame(a, b).subarray(0, 14)), dropped('RUNT'))
  for (const last of ['00', '02', '0e', '0f'])
    assert.equal(bridge.fromPort(10, frame(a, mac(`01:80:c2:00:00:${last}`))), dropped('RESERVED_DESTINATION'))
  assert.is(bridge.fromPort(10, frame(a, mac('01:80:c2:00:00:10'))).verdict, verdicts.stolen)
})

test('refuses VLAN tags, also behind a priority tag, and removes a lone priority tag', () => {
  const tagged = (etherType: number, ...words: number[]) =>
    frame(a, b, {
      etherType,
      payload: Uint8Array.from([...words.flatMap((word) => [word >> 8, word & 0xff]), ...new Uint8Array(46)]),
    })
  assert.equal(bridge.fromPort(10, tagged(0x8100, 0x0005, 0x0800)), dropped('VLAN_TAGGED'))
  assert.equal(bridge.fromPort(10, tagged(0x88a8, 0x0fff, 0x0800)), dropped('VLAN_TAGGED'))
  assert.equal(bridge.fromPort(10, tagged(0x9100, 0x0005, 0x0800)), dropped('VLAN_TAGGED'))
  assert.equal(bridge.fromPort(10, tagged(0x8100, 0xe000, 0x8100, 0x0005, 0x0800)), dropped('VLAN_TAGGED'))
  const plain = frame(a, b, { etherType: 0x0800 })
  const outcome = bridge.fromPort(10, tagged(0x8100, 0xe000, 0x0800))
  assert.equal(outcome, { ...outcome, drops: {}, outputs: [{ kind: 'peer', ifindex: 11, bytes: plain.length }] })
  assert.equal(bridge.fromPort(10, tagged(0x8100, 0xe000, 0x0800).subarray(0, 18)), dropped('RUNT'))
  assert.equal(bridge.fromPort(10, tagged(0x8100).subarray(0, 15)), dropped('VLAN_TAGGED'))
})

test('drops a frame for the port that it came from', () => {
  assert.equal(bridge.fromPort(10, frame(a, a)), dropped('SAME_PORT'))
})

test('drops what has no way: no path, no such link, link down, too long, tunnel device gone', () => {
  bridge.put('links', 5, { ...link, frameBytes: 59 })
  assert.equal(bridge.fromPort(10, frame(a, remote)), dropped('OVERSIZED'))
  bridge.put('links', 5, { ...link, frameBytes: 60 })
  assert.is(bridge.fromPort(10, frame(a, remote)).outputs.length, 1)
  bridge.put('links', 5, { ...link, tunnelIfindex: 0 })
  assert.equal(bridge.fromPort(10, frame(a, remote)), dropped('ENCAPSULATION'))
  bridge.put('links', 5, { ...link, up: false })
  assert.equal(bridge.fromPort(10, frame(a, remote)), dropped('LINK_DOWN'))
  bridge.remove('links', 5)
  assert.equal(bridge.fromPort(10, frame(a, remote)), dropped('LINK_UNKNOWN'))
  bridge.remove('paths', { bridge: east, vni })
  assert.equal(bridge.fromPort(10, frame(a, remote)), dropped('PATH_UNKNOWN'))
})

test('judges a super-frame by its segments', () => {
  bridge.put('links', 5, { ...link, frameBytes: 1514 })
  const long = frame(a, remote, { payload: new Uint8Array(3000) })
  assert.is(bridge.fromPort(10, long, { gsoSize: 1448, gsoSegments: 5 }).outputs.length, 1)
  assert.equal(bridge.fromPort(10, long, { gsoSize: 1473, gsoSegments: 5 }), dropped('OVERSIZED'))
  assert.equal(bridge.fromPort(10, long), dropped('OVERSIZED'))
})

test('a port that was closed, or is of another network, gets nothing', () => {
  bridge.put('ports', 11, { vni, mac: b, open: false, peerNamespace: true })
  assert.equal(bridge.fromPort(10, frame(a, b)), dropped('DELIVERY_CLOSED'))
  bridge.put('ports', 11, { vni: vni + 1, mac: b, open: true, peerNamespace: true })
  assert.equal(bridge.fromPort(10, frame(a, b)), dropped('DELIVERY_NETWORK'))
  bridge.remove('ports', 11)
  assert.equal(bridge.fromPort(10, frame(a, b)), dropped('DELIVERY_CLOSED'))
})

test('counts ports and flows after the guards: segments as packets, the length as bytes; and drops by network', () => {
  const own = 4000
  bridge.put('ports', 10, { vni: own, mac: a, open: true, peerNamespace: false })
  const total = (map: 'port_stats' | 'flows' = 'port_stats') =>
    (map === 'flows'
      ? bridge.perCpu('flows', { ifindex: 10, source: a, destination: b })
      : bridge.perCpu('port_stats', { vni: own, ifindex: 10 })
    ).reduce((sum, { packets, bytes }) => [sum[0]! + Number(packets), sum[1]! + Number(bytes)], [0, 0])
  const [packets, bytes] = total('flows') as [number, number]
  bridge.fromPort(10, frame(a, b))
  bridge.fromPort(10, frame(a, b, { payload: new Uint8Array(3000) }), { gsoSize: 1448, gsoSegments: 3 })
  assert.equal(total('flows'), [packets + 4, bytes + 60 + 3014])
  assert.equal(total(), [4, 60 + 3014])
  const spoofed = () =>
    bridge.perCpu('network_drops', { vni: own, reason: 8 }).reduce((sum, count) => sum + Number(count), 0)
  const before = spoofed()
  bridge.fromPort(10, frame(c, b))
  assert.is(spoofed() - before, 1)
  assert.equal(total(), [4, 60 + 3014])
})

test('counts what each link sent', () => {
  const tx = () =>
    bridge
      .perCpu('link_stats', 5)
      .reduce(
        (sum, { txPackets, txBytes }) => [sum[0]! + Number(txPackets), sum[1]! + Number(txBytes)],
        [0, 0],
      ) as number[]
  const [packets, bytes] = tx() as [number, number]
  bridge.fromPort(10, frame(a, remote))
  bridge.fromPort(10, frame(a, broadcast))
  assert.equal(tx(), [packets + 2, bytes + 120])
})

test.run()
