import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { array, type Codec, optionalAddress, struct, u16, u32, u64 } from './codec.ts'
import { type IpAddress, ipAddressAt } from './ip-address.ts'
import { macAt } from './mac.ts'
import { MAX_NETWORK_PORTS, MAX_TREE_LINKS, mapLayouts } from './map-layouts.ts'

const test = suite('codec')

const number32 = fc.nat(0xffffffff)
const number64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const macs = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macAt(bytes))
const addresses: fc.Arbitrary<IpAddress> = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.boolean())
  .map(([bytes, ipv4]) =>
    ipAddressAt(ipv4 ? Uint8Array.from([...new Array(10).fill(0), 0xff, 0xff, ...bytes.slice(12)]) : bytes),
  )
/** With the prototype of a literal, as parsed values have it. */
const record = <T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(members, { noNullPrototype: true })
const list = (item: fc.Arbitrary<number>, maxLength: number) => fc.array(item, { maxLength, size: 'max' })

const values: { [N in keyof typeof mapLayouts]: [key: fc.Arbitrary<unknown>, value: fc.Arbitrary<unknown>] } = {
  meta: [
    number32,
    record({
      layout: number32,
      udpPort: number32,
      mark: number32,
      fastPath: fc.boolean(),
      inlet: fc.boolean(),
      overlay: number64,
      node: number64,
      serial: number64,
    }),
  ],
  ports: [number32, record({ vni: number32, mac: macs, open: fc.boolean(), peerNamespace: fc.boolean() })],
  macs: [record({ vni: number32, mac: macs }), record({ bridge: number64, ifindex: number32 })],
  paths: [record({ bridge: number64, vni: number32 }), record({ link: number32, label: number32 })],
  labels: [number32, record({ link: number32, nextLabel: number32 })],
  links: [
    number32,
    record({
      remote: addresses,
      local: fc.option(addresses.filter((address) => address !== '::')),
      tunnelIfindex: number32,
      up: fc.boolean(),
      frameBytes: number32,
    }),
  ],
  peers: [record({ address: addresses }), number32],
  peer_networks: [record({ link: number32, vni: number32 }), number32],
  networks: [number32, record({ floodTree: number32 })],
  trees: [
    record({ vni: number32, tree: number32 }),
    record({ stamp: number32, links: list(fc.nat(0xffff), MAX_TREE_LINKS) }),
  ],
  network_ports: [number32, record({ stamp: number32, ifindexes: list(number32, MAX_NETWORK_PORTS) })],
  generations: [number32, number32],
  flows: [
    record({ ifindex: number32, source: macs, destination: macs }),
    record({
      packets: number64,
      bytes: number64,
      expires: number64,
      vni: number32,
      generation: number32,
      link: number32,
      ifindex: number32,
      frameBytes: number32,
      sum: number32,
      header: fc.uint8Array({ minLength: 70, maxLength: 70 }),
      headerBytes: fc.nat(0xffff),
    }),
  ],
  hops: [
    number32,
    record({
      learned: number64,
      generation: number32,
      ifindex: number32,
      ethernet: fc.uint8Array({ minLength: 12, maxLength: 12 }),
      source: addresses.filter((address) => address !== '::'),
    }),
  ],
  arrivals: [
    number32,
    record({
      source: fc.option(addresses.filter((address) => address !== '::')),
      destination: fc.option(addresses.filter((address) => address !== '::')),
      vni: number32,
      gbp: number32,
      mac: macs,
      action: fc.nat(0xffff),
      generation: number32,
      from: number32,
      target: number32,
      detail: number32,
    }),
  ],
  port_stats: [record({ vni: number32, ifindex: number32 }), record({ packets: number64, bytes: number64 })],
  path_stats: [number32, number64],
  link_stats: [number32, record({ txPackets: number64, txBytes: number64, rxPackets: number64, rxBytes: number64 })],
  drops: [number32, number64],
  network_drops: [record({ vni: number32, reason: number32 }), number64],
}

for (const [name, layout] of Object.entries(mapLayouts))
  test(`${name}: what is read back is what was written, in bytes of the right number`, () => {
    const sides = [layout.key, layout.value] as unknown as [Codec<unknown>, Codec<unknown>]
    for (const [index, codec] of sides.entries())
      fc.assert(
        fc.property(values[name as keyof typeof values][index]!, (value) => {
          const bytes = codec.emit(value)
          assert.is(bytes.length, codec.size)
          assert.equal(codec.parse(bytes), value)
        }),
        { numRuns: 50 },
      )
  })

test('members lie where C puts them', () => {
  const { fields, size } = struct({ a: u16, b: u64, c: u16, d: u32, e: array(u16, 3) })
  assert.equal(
    fields.map(({ offset }) => offset),
    [0, 8, 16, 20, 24],
  )
  assert.is(size, 32)
})

test('refuses values that do not fit, and bytes of another length', () => {
  for (const wrong of [-1, 65536, 1.5, Number.NaN]) assert.throws(() => u16.emit(wrong), 'does not fit')
  assert.throws(() => u32.emit(2 ** 32), 'does not fit')
  assert.throws(() => u64.emit(-1n), 'does not fit')
  assert.throws(() => u64.emit(2n ** 64n), 'does not fit')
  assert.throws(() => array(u16, 2).emit([1, 2, 3]), 'the limit is 2')
  assert.throws(() => u32.parse(new Uint8Array(3)), 'expected')
  assert.throws(() => mapLayouts.trees.value.emit({ stamp: 1, links: new Array(1025).fill(1) }), 'the limit is 1024')
})

test('no address is all zero', () => {
  assert.equal(optionalAddress.emit(null), new Uint8Array(16))
  assert.is(optionalAddress.parse(new Uint8Array(16)), null)
})

test.run()
