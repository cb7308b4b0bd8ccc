import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { GBP_FORWARDED } from '#daemonset/wire/labels.ts'
import { TestBridge, verdicts } from './test-bridge.ts'
import { broadcast, frame, ip, mac } from './test-frames.ts'
import { MARK } from './test-maps.ts'

const test = suite('tunnel_ingress')
const bpffs = mountBpffs()
const bridge = new TestBridge(bpffs, 'tunnel')

const vni = 0xabcdef
const a = mac('02:00:00:00:00:0a')
const b = mac('02:00:00:00:00:0b')
const moved = mac('02:00:00:00:02:01')
const far = mac('02:00:00:00:01:01')
const east = 7n
const remote = ip('192.0.2.5')
const link = { remote, local: null, tunnelIfindex: 9, up: true, frameBytes: 0 }
const received = { remote, vni }
const sentOn = { kind: 'link', vni, ttl: 254, mark: MARK, device: 9, bytes: 60 } as const

test.before.each(() => {
  bridge.clear()
  for (const [ifindex, address] of [
    [10, a],
    [11, b],
  ] as const) {
    bridge.put('ports', ifindex, { vni, mac: address, open: true, peerNamespace: ifindex === 11 })
    bridge.put('macs', { vni, mac: address }, { bridge: 0n, ifindex })
  }
  bridge.put('network_ports', vni, { stamp: 1, ifindexes: [10, 11] })
  bridge.put('macs', { vni, mac: moved }, { bridge: east, ifindex: 0 })
  bridge.put('paths', { bridge: east, vni }, { link: 6, label: 0 })
  for (const id of [5, 6, 7]) bridge.put('links', id, link)
  bridge.put('peers', { address: remote }, 5)
  for (const link of [5, 6]) bridge.put('peer_networks', { link, vni }, 1)
  bridge.put('labels', 300, { link: 6, nextLabel: 301 })
  bridge.put('trees', { vni, tree: 40000 }, { stamp: 2, links: [5, 6, 7] })
})
test.after(() => {
  bridge.close()
  bpffs.close()
})

const dropped = (reason: string) => ({ verdict: verdicts.shot, outputs: [], drops: { [reason]: 1 } })
const redirected = (...outputs: unknown[]) => ({ verdict: verdicts.redirect, outputs, drops: {} })

test('label 0: to the port that has the MAC', () => {
  assert.equal(bridge.fromTunnel(received, frame(far, b)), redirected({ kind: 'peer', ifindex: 11, bytes: 60 }))
  assert.equal(bridge.fromTunnel(received, frame(far, a)), redirected({ kind: 'port', ifindex: 10, bytes: 60 }))
})

test('a label leads over no link that does not carry the network', () => {
  assert.equal(bridge.fromTunnel({ ...received, gbp: 300 }, frame(far, moved)).verdict, verdicts.redirect)
  bridge.put('peer_networks', { link: 5, vni: 3 }, 1)
  assert.equal(bridge.fromTunnel({ ...received, vni: 3, gbp: 300 }, frame(far, moved)), dropped('NETWORK_NOT_CARRIED'))
})

test('peers are known by IPv6 too', () => {
  const address = ip('fd00::5')
  assert.equal(bridge.fromTunnel({ ...received, remote: address }, frame(far, a)), dropped('PEER_UNKNOWN'))
  bridge.put('peers', { address }, 5)
  assert.is(bridge.fromTunnel({ ...received, remote: address }, frame(far, a)).verdict, verdicts.redirect)
})

test('label 0: a miss is dropped and never flooded, also for a group address', () => {
  assert.equal(bridge.fromTunnel(received, frame(a, far)), dropped('DESTINATION_UNKNOWN'))
  assert.equal(bridge.fromTunnel(received, frame(far, broadcast)), dropped('DESTINATION_UNKNOWN'))
})

test('label 0: a moved MAC is followed once: as label 1 over a link, with the flag over a path', () => {
  assert.equal(bridge.fromTunnel(received, frame(far, moved)), redirected({ ...sentOn, link: 6, gbp: 1 }))
  bridge.put('paths', { bridge: east, vni }, { link: 6, label: 300 })
  assert.equal(
    bridge.fromTunnel(received, frame(far, moved)),
    redirected({ ...sentOn, link: 6, gbp: 300 | GBP_FORWARDED }),
  )
  const again = { ...received, gbp: GBP_FORWARDED }
  assert.equal(bridge.fromTunnel(again, frame(far, moved)), dropped('NOT_OWNER'))
  assert.equal(bridge.fromTunnel(again, frame(far, b)), redirected({ kind: 'peer', ifindex: 11, bytes: 60 }))
  bridge.remove('paths', { bridge: east, vni })
  assert.equal(bridge.fromTunnel(received, frame(far, moved)), dropped('PATH_UNKNOWN'))
})

test('label 1: delivered here only; a miss, and a MAC that moved, end here', () => {
  const only = { ...received, gbp: 1 }
  assert.equal(bridge.fromTunnel(only, frame(far, b)), redirected({ kind: 'peer', ifindex: 11, bytes: 60 }))
  assert.equal(bridge.fromTunnel(only, frame(far, broadcast)), {
    verdict: verdicts.stolen,
    outputs: [10, 11].map((ifindex) => ({ kind: 'port', ifindex, bytes: 60 })),
    drops: {},
  })
  assert.equal(bridge.fromTunnel(only, frame(far, moved)), dropped('NOT_OWNER'))
  assert.equal(bridge.fromTunnel(only, frame(a, far)), dropped('NOT_OWNER'))
})

test('path labels: sent on with the next label and one hop less, whatever the frame holds', () => {
  const path = { ...received, gbp: 300 }
  const tagged = frame(far, b, { etherType: 0x8100 })
  for (const data of [frame(far, b), frame(far, broadcast), tagged])
    assert.equal(bridge.fromTunnel(path, data), redirected({ ...sentOn, link: 6, gbp: 301 }))
  assert.equal(bridge.fromTunnel({ ...path, gbp: 300 | GBP_FORWARDED }, frame(far, b)).outputs, [
    { ...sentOn, link: 6, gbp: 301 | GBP_FORWARDED },
  ])
  assert.equal(bridge.fromTunnel({ ...path, ttl: 2 }, frame(far, b)).outputs, [
    { ...sentOn, link: 6, gbp: 301, ttl: 1 },
  ])
})

test('flags beside the label that are not ours change nothing and are not sent on', () => {
  const flags = 0xfff0_0000 & ~GBP_FORWARDED
  assert.equal(bridge.fromTunnel({ ...received, gbp: (flags | 300) >>> 0 }, frame(far, b)).outputs, [
    { ...sentOn, link: 6, gbp: 301 },
  ])
  assert.is(bridge.fromTunnel({ ...received, gbp: flags >>> 0 }, frame(far, b)).verdict, verdicts.redirect)
})

test('an expired TTL ends at transit, not at the destination', () => {
  for (const ttl of [0, 1]) {
    assert.equal(bridge.fromTunnel({ ...received, gbp: 300, ttl }, frame(far, b)), dropped('TTL_EXPIRED'))
    assert.equal(bridge.fromTunnel({ ...received, ttl }, frame(far, moved)), dropped('TTL_EXPIRED'))
    assert.is(bridge.fromTunnel({ ...received, ttl }, frame(far, b)).verdict, verdicts.redirect)
    const { outputs, drops } = bridge.fromTunnel({ ...received, gbp: 40000, ttl }, frame(far, broadcast))
    assert.equal(
      outputs.map(({ kind }) => kind),
      ['port', 'port'],
    )
    assert.equal(drops, { TTL_EXPIRED: 1 })
  }
})

test('trees: copies to the ports here and to every link but the one it came from', () => {
  const onTree = { ...received, gbp: 40000 }
  const links = [6, 7].map((id) => ({ ...sentOn, link: id, gbp: 40000 }))
  const ports = [10, 11].map((ifindex) => ({ kind: 'port', ifindex, bytes: 60 }))
  const all = { verdict: verdicts.stolen, outputs: [...ports, ...links], drops: {} }
  assert.equal(bridge.fromTunnel(onTree, frame(far, broadcast)), all)
  assert.equal(bridge.fromTunnel(onTree, frame(far, b)), { ...all, outputs: [ports[1], ...links] })
  assert.equal(bridge.fromTunnel(onTree, frame(far, moved)), { ...all, outputs: links })
  assert.equal(bridge.fromTunnel(onTree, frame(far, mac('02:00:00:00:99:99'))), { ...all, outputs: links })
  bridge.put('trees', { vni, tree: 40000 }, { stamp: 3, links: [5] })
  assert.equal(bridge.fromTunnel({ ...onTree, ttl: 1 }, frame(far, broadcast)), { ...all, outputs: ports })
})

test('trees: unicast for a port here that is closed or foreign is counted, and still sent on', () => {
  bridge.put('ports', 11, { vni, mac: b, open: false, peerNamespace: true })
  const first = bridge.fromTunnel({ ...received, gbp: 40000 }, frame(far, b))
  assert.equal([first.outputs.length, first.drops], [2, { DELIVERY_CLOSED: 1 }])
  bridge.put('ports', 11, { vni: 1, mac: b, open: true, peerNamespace: true })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 40000 }, frame(far, b)).drops, { DELIVERY_NETWORK: 1 })
})

test('trees: unknown here, of another network, or entered from the side', () => {
  assert.equal(bridge.fromTunnel({ ...received, gbp: 40001 }, frame(far, broadcast)), dropped('TREE_UNKNOWN'))
  bridge.put('peer_networks', { link: 5, vni: 3 }, 1)
  assert.equal(bridge.fromTunnel({ ...received, vni: 3, gbp: 40000 }, frame(far, broadcast)), dropped('TREE_UNKNOWN'))
  bridge.put('trees', { vni, tree: 40000 }, { stamp: 4, links: [6, 7] })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 40000 }, frame(far, broadcast)), dropped('TREE_NEIGHBOUR'))
  bridge.put('trees', { vni, tree: 40000 }, { stamp: 5, links: [] })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 40000 }, frame(far, broadcast)), dropped('TREE_NEIGHBOUR'))
})

test('an unknown path label is never delivered by MAC, nor is a reserved one', () => {
  assert.equal(bridge.fromTunnel({ ...received, gbp: 16 }, frame(far, b)), dropped('LABEL_UNKNOWN'))
  assert.equal(bridge.fromTunnel({ ...received, gbp: 32767 }, frame(far, b)), dropped('LABEL_UNKNOWN'))
  for (const gbp of [2, 9, 15])
    assert.equal(bridge.fromTunnel({ ...received, gbp }, frame(far, b)), dropped('LABEL_RESERVED'))
})

test('only neighbours are heard, and only with networks that they may send', () => {
  assert.equal(bridge.fromTunnel({ ...received, remote: ip('192.0.2.6') }, frame(far, b)), dropped('PEER_UNKNOWN'))
  for (const gbp of [0, 1, 300, 40000])
    assert.equal(bridge.fromTunnel({ ...received, vni: 4, gbp }, frame(far, b)), dropped('NETWORK_NOT_CARRIED'))
  assert.equal(bridge.fromTunnel({ remote: null, vni }, frame(far, b)), dropped('TUNNEL_METADATA'))
  bridge.configure(0)
  assert.equal(bridge.fromTunnel(received, frame(far, b)), dropped('NOT_CONFIGURED'))
})

test('a path or label over a link that cannot take the frame', () => {
  bridge.put('links', 6, { ...link, up: false })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 300 }, frame(far, b)), dropped('LINK_DOWN'))
  bridge.put('links', 6, { ...link, frameBytes: 20 })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 300 }, frame(far, b)), dropped('OVERSIZED'))
  bridge.put('links', 6, { ...link, tunnelIfindex: 0 })
  assert.equal(bridge.fromTunnel({ ...received, gbp: 300 }, frame(far, b)), dropped('ENCAPSULATION'))
  bridge.remove('links', 6)
  assert.equal(bridge.fromTunnel({ ...received, gbp: 300 }, frame(far, b)), dropped('LINK_UNKNOWN'))
})

test('what is delivered here carries no tag and has a payload', () => {
  for (const gbp of [0, 1, 40000]) {
    const tagged = frame(far, b, { etherType: 0x8100 })
    assert.equal(bridge.fromTunnel({ ...received, gbp }, tagged), dropped('VLAN_TAGGED'))
    assert.equal(bridge.fromTunnel({ ...received, gbp }, frame(far, b).subarray(0, 14)), dropped('RUNT'))
  }
})

test('never delivers into another network, whatever the maps say', () => {
  bridge.put('ports', 11, { vni: 1, mac: b, open: true, peerNamespace: true })
  assert.equal(bridge.fromTunnel(received, frame(far, b)), dropped('DELIVERY_NETWORK'))
  const { outputs, drops } = bridge.fromTunnel({ ...received, gbp: 1 }, frame(far, broadcast))
  assert.equal(outputs, [{ kind: 'port', ifindex: 10, bytes: 60 }])
  assert.equal(drops, { DELIVERY_NETWORK: 1 })
})

test('counts what each link received, also of networks that it may not send', () => {
  const rx = () =>
    bridge
      .perCpu('link_stats', 5)
      .reduce((sum, { rxPackets, rxBytes }) => [sum[0]! + Number(rxPackets), sum[1]! + Number(rxBytes)], [0, 0])
  const [packets, bytes] = rx() as [number, number]
  bridge.fromTunnel(received, frame(far, b))
  bridge.fromTunnel({ ...received, vni: 4 }, frame(far, b))
  assert.equal(rx(), [packets + 2, bytes + 120])
})

test.run()
