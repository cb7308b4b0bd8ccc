// The inlet on real devices: what it puts together, what it never does, and who can use it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { type Guest, until } from '#daemonset/bpf/test-laboratory.ts'
import { UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { INLET_DEVICE } from '#daemonset/desired/tunnel.ts'
import { type Mac, macBytes } from '#daemonset/wire/mac.ts'
import { dropsOf, pathsOf, Street, VNI } from './street.ts'

const OTHER_VNI = 78
const IPV4 = 0x0800
const SEGMENT = 1000
const ECT0 = 2
const CE = 3
/** Frames that come within this time are put together, whether or not they come in one burst. */
const HOLD_NS = 20_000_000

const test = suite('inlet')
const street = new Street()
const { laboratory, west, east, a, c, stranger } = street
test.after(() => street.close())

/** A guest of another network with the same address as `c`. */
const twin: Guest = laboratory.guest(east, 4, { vni: OTHER_VNI, peerNamespace: true })
const own = c.mac

test.before(() => {
  twin.ip(`link set eth0 address ${own}`)
  east.maps.put('ports', twin.ifindex, { vni: OTHER_VNI, mac: own, open: true, peerNamespace: true })
  east.maps.put('macs', { vni: OTHER_VNI, mac: own }, { bridge: 0n, ifindex: twin.ifindex })
  east.maps.put('peer_networks', { link: west.index, vni: OTHER_VNI }, 1)
  east.exec('sh', '-c', `echo ${HOLD_NS} > /sys/class/net/${INLET_DEVICE}/gro_flush_timeout`)
})

/** One segment of a TCP stream: IPv4, no options, checksum left out (0: a veth does not check before it is aggregated, see below). */
const segment = (from: Mac, to: Mac, number: number): Uint8Array => {
  const packet = new Uint8Array(40 + SEGMENT)
  const view = new DataView(packet.buffer)
  packet.set([
    0x45,
    0,
    packet.length >> 8,
    packet.length & 255,
    0,
    number,
    0x40,
    0,
    64,
    6,
    0,
    0,
    10,
    8,
    0,
    1,
    10,
    8,
    0,
    3,
  ])
  view.setUint16(10, ~sumOf(packet.subarray(0, 20)) & 0xffff)
  packet.set([0x9c, 0x40, 0, 9], 20)
  view.setUint32(24, 1 + number * SEGMENT)
  packet.set([0, 0, 0, 1, 0x50, 0x10, 4, 0], 28)
  packet.fill(number, 40)
  const pseudo = Uint8Array.from([...packet.subarray(12, 20), 0, 6, (20 + SEGMENT) >> 8, (20 + SEGMENT) & 255])
  view.setUint16(36, ~sumOf(Uint8Array.from([...pseudo, ...packet.subarray(20)])) & 0xffff)
  return Uint8Array.from([...macBytes(to), ...macBytes(from), IPV4 >> 8, IPV4 & 255, ...packet])
}

const sumOf = (bytes: Uint8Array): number => {
  let sum = 0
  for (const [index, byte] of bytes.entries()) sum += index & 1 ? byte : byte << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

/** TCP payload of each frame that comes to a guest: the segments that it was made of. */
const segmentsOf = (frame: Uint8Array): number[] =>
  Array.from({ length: (frame.length - 54) / SEGMENT }, (_, index) => frame[54 + index * SEGMENT]!)

const listen = (guest: Guest) => laboratory.listen(guest, IPV4)

test('segments of one flow are put together', async () => {
  const listener = await listen(c)
  const before = pathsOf(east).receivedFast
  stranger.send('u0', ...[0, 1, 2, 3].map((number) => street.forge(segment(a.mac, own, number))))
  await until('four segments', () => listener.frames.flatMap(segmentsOf).length === 4)
  listener.close()
  assert.equal(listener.frames.flatMap(segmentsOf), [0, 1, 2, 3])
  assert.ok(listener.frames.length < 4, `${listener.frames.length} frames: nothing was put together`)
  assert.is(pathsOf(east).receivedFast, before + listener.frames.length)
})

test('those of two networks never are, though all their headers continue each other', async () => {
  const [listener, other] = await Promise.all([listen(c), listen(twin)])
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7]
  const datagrams = numbers.map((number) =>
    street.forge(segment(a.mac, own, number), { vni: number % 2 === 0 ? VNI : OTHER_VNI }),
  )
  stranger.send('u0', ...datagrams)
  const count = (frames: Uint8Array[]): number => frames.flatMap(segmentsOf).length
  await until('eight segments', () => count(listener.frames) + count(other.frames) === 8)
  for (const each of [listener, other]) each.close()
  assert.equal(listener.frames.flatMap(segmentsOf), [0, 2, 4, 6])
  assert.equal(other.frames.flatMap(segmentsOf), [1, 3, 5, 7])
})

test('a mark of congestion of the underlay is merged into TCP here too', async () => {
  const listener = await listen(c)
  const before = pathsOf(east).receivedFast
  const capable = segment(a.mac, own, 0)
  capable[15] = ECT0
  new DataView(capable.buffer).setUint16(24, 0)
  new DataView(capable.buffer).setUint16(24, ~sumOf(capable.subarray(14, 34)) & 0xffff)
  stranger.send('u0', street.forge(capable, { tos: CE }))
  await until('the segment', () => listener.frames.length === 1)
  listener.close()
  assert.is(listener.frames[0]![15]! & CE, CE)
  assert.is(pathsOf(east).receivedFast, before + 1)
})

test('a datagram that is sent to its UDP port directly is dropped and counted', async () => {
  const before = dropsOf(east, 'TUNNEL_METADATA')
  const listener = await listen(c)
  stranger.send('u0', street.forge(segment(a.mac, own, 0), { port: UDP_PORT + 1, vni: 1 }))
  await until('the drop to be counted', () => dropsOf(east, 'TUNNEL_METADATA') === before + 1)
  assert.equal(listener.frames, [])
  listener.close()
})

const iperf = async (): Promise<number> => {
  const server = laboratory.child(c.spawn('iperf3', '-s', '-1', '--forceflush'))
  await new Promise<void>((resolve) =>
    server.stdout!.on('data', (text) => String(text).includes('listening') && resolve()),
  )
  const report = JSON.parse(a.exec('iperf3', '-c', '10.8.0.3', '-t', '1', '-J'))
  return report.end.sum_received.bytes
}

test("the host's firewall sees the tunnel's UDP port, not that of the inlet", async () => {
  const rules = [
    'add table inet guard',
    'add chain inet guard in { type filter hook input priority 0; policy drop; }',
    `add rule inet guard in udp dport ${UDP_PORT} counter accept`,
  ]
  for (const node of [west, east]) node.exec('nft', rules.join('; '))
  assert.ok((await iperf()) > 10_000_000)
  assert.ok(pathsOf(east).receivedFast > 1000, JSON.stringify(pathsOf(east)))
  for (const node of [west, east]) node.exec('nft', 'delete table inet guard')
})

test('without it TCP comes in by the device for all networks', async () => {
  for (const { maps } of [west, east]) maps.inlet = false
  const before = pathsOf(east)
  assert.ok((await iperf()) > 10_000_000)
  assert.ok(pathsOf(east).receivedSlow > before.receivedSlow + 100)
  for (const { maps } of [west, east]) maps.inlet = true
})

test.run()
