// Any frames over any maps: no frame leaves its network, none escapes the programs, none goes out unaccounted.
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { GBP_FORWARDED, LABEL_LAST } from '#daemonset/wire/labels.ts'
import { isDelivery, type Outcome, type Output, TestBridge, verdicts } from './test-bridge.ts'
import { broadcast, frame, ip, mac } from './test-frames.ts'
import { MARK } from './test-maps.ts'

const test = suite('containment')
const bpffs = mountBpffs()
const bridge = new TestBridge(bpffs, 'containment')
test.after(() => {
  bridge.close()
  bpffs.close()
})

// Small domains, so that entries meet.
const vnis = fc.constantFrom(1, 2, 3)
const ifindexes = fc.constantFrom(10, 11, 12, 13)
const linkIds = fc.constantFrom(1, 2, 3)
const bridges = fc.constantFrom(1n, 2n)
const macs = fc.constantFrom(...['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'].map(mac))
const destinations = fc.oneof(macs, fc.constantFrom(broadcast, mac('01:80:c2:00:00:00'), mac('33:33:00:00:00:01')))
const labels = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, 7, 16, 17, 32768, 32769) },
  { weight: 1, arbitrary: fc.nat(LABEL_LAST) },
)
const address = (id: number) => ip(`192.0.2.${id}`)
const entries = <K, V>(key: fc.Arbitrary<K>, value: fc.Arbitrary<V>) => fc.array(fc.tuple(key, value), { maxLength: 8 })

const maps = fc.record({
  ports: entries(ifindexes, fc.record({ vni: vnis, mac: macs, open: fc.boolean(), peerNamespace: fc.boolean() })),
  macs: entries(
    fc.record({ vni: vnis, mac: macs }),
    fc.record({ bridge: bridges, ifindex: fc.oneof(fc.constant(0), ifindexes) }),
  ),
  paths: entries(fc.record({ bridge: bridges, vni: vnis }), fc.record({ link: linkIds, label: labels })),
  labels: entries(fc.constantFrom(16, 17), fc.record({ link: linkIds, nextLabel: labels })),
  links: entries(
    linkIds,
    fc.record({ up: fc.boolean(), frameBytes: fc.constantFrom(0, 50, 1514), device: fc.constantFrom(0, 9) }),
  ),
  peers: entries(fc.constantFrom(1, 2, 3), linkIds),
  peerNetworks: entries(fc.record({ link: linkIds, vni: vnis }), fc.constant(1)),
  networks: entries(vnis, fc.record({ floodTree: fc.constantFrom(0, 32768) })),
  trees: entries(fc.record({ vni: vnis, tree: fc.constantFrom(0, 32768, 32769) }), fc.array(linkIds, { maxLength: 4 })),
  networkPorts: entries(vnis, fc.array(ifindexes, { maxLength: 5 })),
})
type Maps = typeof maps extends fc.Arbitrary<infer T> ? T : never

const fill = (content: Maps): void => {
  bridge.clear()
  for (const [key, value] of content.ports) bridge.put('ports', key, value)
  for (const [key, value] of content.macs) bridge.put('macs', key, value)
  for (const [key, value] of content.paths) bridge.put('paths', key, value)
  for (const [key, value] of content.labels) bridge.put('labels', key, value)
  for (const [key, { device, ...value }] of content.links)
    bridge.put('links', key, { ...value, remote: address(key), local: null, tunnelIfindex: device })
  for (const [key, value] of content.peers) bridge.put('peers', { address: address(key) }, value)
  for (const [key, value] of content.peerNetworks) bridge.put('peer_networks', key, value)
  for (const [key, value] of content.networks) bridge.put('networks', key, value)
  for (const [key, links] of content.trees) bridge.put('trees', key, { stamp: 1, links })
  for (const [key, ifindexes] of content.networkPorts) bridge.put('network_ports', key, { stamp: 1, ifindexes })
}

/** The kernel's test run refuses IP frames without a whole IP header; a device could not tell either. */
const etherTypes = fc
  .oneof(fc.constantFrom(0x88b5, 0x8100, 0x88a8, 0x0806), fc.nat(0xffff))
  .filter((type) => type !== 0x0800 && type !== 0x86dd)
const frames = fc
  .tuple(macs, destinations, etherTypes, fc.uint8Array({ maxLength: 200 }))
  .map(([source, destination, etherType, payload]) => frame(source, destination, { etherType, payload }))

const last = <K, V>(list: [K, V][], key: K): V | undefined => list.findLast(([candidate]) => candidate === key)?.[1]
const droppedFrames = ({ drops }: Outcome): number => Object.values(drops).reduce((sum, count) => sum + count, 0)

/** What holds for every output, wherever the frame came from. */
const checkOutput = (content: Maps, output: Output, vni: number, ttl: number): void => {
  if (isDelivery(output)) {
    const port = last(content.ports, output.ifindex)
    assert.ok(port?.open, 'only open ports receive')
    assert.is(port.vni, vni, 'a port receives its own network only')
    return
  }
  assert.ok(output.kind === 'link', `these frames have no business at ${output.kind}`)
  assert.ok(last(content.links, output.link)?.up, 'only links that are up send')
  assert.is(output.vni, vni, 'a frame keeps its network')
  assert.is(output.mark, MARK)
  assert.is(output.ttl, ttl)
  assert.is(output.gbp & ~(LABEL_LAST | GBP_FORWARDED), 0, 'no other flags')
}

const checkVerdict = (outcome: Outcome): void => {
  assert.ok(
    [verdicts.shot, verdicts.stolen, verdicts.redirect].includes(outcome.verdict as 2),
    'no frame continues to the host',
  )
  if (outcome.verdict === verdicts.redirect) assert.ok(outcome.outputs.length >= 1)
  if (outcome.verdict === verdicts.shot) assert.ok(droppedFrames(outcome) >= 1, 'every loss is counted')
}

test('frames of guests', () => {
  fc.assert(
    fc.property(maps, fc.array(fc.tuple(ifindexes, frames), { minLength: 1, maxLength: 20 }), (content, sent) => {
      fill(content)
      for (const [ifindex, data] of sent) {
        const outcome = bridge.fromPort(ifindex, data)
        const port = last(content.ports, ifindex)
        checkVerdict(outcome)
        for (const output of outcome.outputs) {
          assert.ok(port?.open, 'only open ports send')
          checkOutput(content, output, port.vni, 255)
          if (isDelivery(output)) assert.is.not(output.ifindex, ifindex, 'nothing comes back')
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('frames of peers', () => {
  const arrivals = fc.record({
    peer: fc.constantFrom(1, 2, 3, 4),
    vni: vnis,
    label: labels,
    flags: fc.nat(0xffff),
    ttl: fc.nat(255),
  })
  fc.assert(
    fc.property(maps, fc.array(fc.tuple(arrivals, frames), { minLength: 1, maxLength: 20 }), (content, received) => {
      fill(content)
      for (const [{ peer, vni, label, flags, ttl }, data] of received) {
        const gbp = ((flags << 16) | label) >>> 0
        const outcome = bridge.fromTunnel({ remote: address(peer), vni, gbp, ttl }, data)
        checkVerdict(outcome)
        const from = last(content.peers, peer)
        const allowed = content.peerNetworks.some(([key]) => key.link === from && key.vni === vni)
        for (const output of outcome.outputs) {
          assert.ok(from !== undefined && allowed, 'only neighbours that carry the network are heard')
          checkOutput(content, output, vni, ttl - 1)
          if (output.kind !== 'link') continue
          assert.ok(ttl > 1)
          assert.is.not(label, 1, 'label 1 is never sent on')
          if (label >= 32768) assert.is.not(output.link, from, 'a tree never sends back')
          if (gbp & GBP_FORWARDED && label < 32768)
            assert.ok(output.gbp & GBP_FORWARDED, 'a frame is sent on by an old home once')
        }
      }
    }),
    { numRuns: 150 },
  )
})

test.run()
