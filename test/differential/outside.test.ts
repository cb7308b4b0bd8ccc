// The outside of the tunnel on real devices: marks, checksums, strangers, other interfaces, new neighbours and routes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ip } from '#daemonset/bpf/test-frames.ts'
import { until } from '#daemonset/bpf/test-laboratory.ts'
import { FrameReceiver, FrameSender } from '#test/lab/frames.ts'
import { dropsOf, pathsOf, Street, udpFrame } from './street.ts'

const IPV4 = 0x0800
const CE = 3
const ECT0 = 2
const MARKER = 'the last one'

const test = suite('the outside of the tunnel')
const street = new Street()
const { laboratory, west, east, a, c, stranger } = street
test.after(() => street.close())

const text = (frame: Uint8Array): string => new TextDecoder().decode(frame.subarray(42))
const ecnOf = (frame: Uint8Array): number => frame[15]! & 3

/** Sends datagrams to the east node, then one that surely arrives; what its guest received before that. */
const receivedOf = async (...datagrams: Uint8Array[]): Promise<Uint8Array[]> => {
  const listener = await laboratory.listen(c, IPV4)
  stranger.send('u0', ...datagrams, street.forge(udpFrame(a, c, MARKER)))
  await until('the marker', () => listener.frames.some((frame) => text(frame) === MARKER))
  listener.close()
  return listener.frames.filter((frame) => text(frame) !== MARKER)
}

test('what arrives unmarked and without a checksum is fast', async () => {
  const before = pathsOf(east)
  const frames = await receivedOf(street.forge(udpFrame(a, c, 'plain')))
  assert.equal(frames.map(text), ['plain'])
  assert.is(pathsOf(east).receivedFast, before.receivedFast + 2)
})

test('a mark of congestion of the underlay reaches a guest that understands it; one that does not loses the frame (RFC 6040)', async () => {
  const before = pathsOf(east)
  const frames = await receivedOf(
    street.forge(udpFrame(a, c, 'capable', { ecn: ECT0 }), { tos: CE }),
    street.forge(udpFrame(a, c, 'marked', { ecn: CE }), { tos: ECT0 }),
    street.forge(udpFrame(a, c, 'not capable'), { tos: CE }),
  )
  assert.equal(
    frames.map((frame) => [text(frame), ecnOf(frame)]),
    [
      ['capable', CE],
      ['marked', CE],
    ],
  )
  assert.is(pathsOf(east).receivedFast, before.receivedFast + 2, 'merging is left to the kernel')
})

test('an outer checksum is checked: a good one is accepted, a bad one is not', async () => {
  const frames = await receivedOf(
    street.forge(udpFrame(a, c, 'good'), { correctChecksum: true }),
    street.forge(udpFrame(a, c, 'bad'), { checksum: 0x1234 }),
  )
  assert.equal(frames.map(text), ['good'])
})

test('nobody is heard but a neighbour, in a network of its own, by its label, when the datagram is for this host', async () => {
  const unknown = dropsOf(east, 'PEER_UNKNOWN')
  const foreign = dropsOf(east, 'NETWORK_NOT_CARRIED')
  const frames = await receivedOf(
    street.forge(udpFrame(a, c, 'a stranger'), { source: ip('10.9.0.9') }),
    street.forge(udpFrame(a, c, 'another network'), { vni: 78 }),
    street.forge(udpFrame(a, c, 'an unknown label'), { label: 16 }),
    street.forge(udpFrame(a, c, 'another port'), { port: 4789 }),
    street.forge(udpFrame(a, c, 'another host'), { to: Uint8Array.of(2, 0, 0, 0, 0, 0x55) }),
    street.forge(udpFrame(a, c, 'another address'), { destination: ip('10.9.0.77') }),
  )
  assert.equal(frames.map(text), [])
  assert.is(dropsOf(east, 'PEER_UNKNOWN'), unknown + 1)
  assert.is(dropsOf(east, 'NETWORK_NOT_CARRIED'), foreign + 1)
})

test('a datagram cut short or with a wrong header checksum is not delivered', async () => {
  const whole = street.forge(udpFrame(a, c, 'cut short'))
  const bent = street.forge(udpFrame(a, c, 'bent'))
  bent[24] = bent[24]! ^ 0xff
  assert.equal((await receivedOf(whole.subarray(0, whole.length - 3), bent)).map(text), [])
})

/** Frames each millisecond from west to east while `act` runs. */
const during = async (act: () => Promise<void>) => {
  const receiver = await FrameReceiver.start(c.name, { device: 'eth0', etherType: IPV4 })
  const sender = await FrameSender.start(a.name, { device: 'eth0', etherType: IPV4, to: c.mac })
  await act()
  const { sent } = await sender.stop()
  const marker = await FrameSender.start(a.name, { device: 'eth0', etherType: IPV4, to: c.mac, stream: 9, count: 5 })
  await marker.ended()
  return { sent, ...(await receiver.stop()) }
}
const isSentFast = async (): Promise<void> => {
  const before = pathsOf(west).sentFast
  await until('frames to be fast', () => pathsOf(west).sentFast > before + 50)
}

test('a neighbour with a new Ethernet address is followed; nothing is lost for ever', async () => {
  const seen = await during(async () => {
    await isSentFast()
    east.exec('sysctl', '-qw', 'net.ipv4.conf.u0.arp_notify=1')
    east.ip('link set u0 address 02:00:00:00:99:03')
    east.ip('link set u0 down')
    east.ip('link set u0 up')
    const { receivedFast } = pathsOf(east)
    await until('frames to arrive again', () => pathsOf(east).receivedFast > receivedFast + 100)
    await isSentFast()
  })
  assert.ok(seen.last >= seen.sent - 5, JSON.stringify(seen))
  assert.ok(seen.longestGapMicroseconds < 3_000_000, JSON.stringify(seen))
  assert.is(seen.duplicated, 0)
})

test('a route that moves to another interface takes the frames along, and none is lost', async () => {
  for (const [node, own] of [
    [west, '10.10.0.1'],
    [east, '10.10.0.3'],
  ] as const) {
    if (node === west) west.ip(`link add u1 mtu 1600 type veth peer name u1 mtu 1600 netns ${east.name}`)
    for (const direction of ['ingress', 'egress'] as const)
      laboratory.attach(node, 'u1', direction, direction === 'ingress' ? 'underlay_entry' : 'underlay_egress')
    node.ip(`addr add ${own}/24 dev u1`)
    node.ip('link set u1 up')
  }
  const { ifindex } = west.device('u1')
  const usesNew = (): boolean => west.maps.perCpu('hops', east.index).some((hop) => hop.ifindex === ifindex)
  const before = pathsOf(east)
  const seen = await during(async () => {
    await isSentFast()
    west.ip('route add 10.9.0.3/32 dev u1 src 10.9.0.1')
    east.ip('route add 10.9.0.1/32 dev u1 src 10.9.0.3')
    await until('the fast path to use the other interface', usesNew)
    await isSentFast()
  })
  assert.is(seen.lost, 0, JSON.stringify(seen))
  assert.is(seen.duplicated, 0)
  assert.ok(seen.last >= seen.sent - 5, JSON.stringify(seen))
  assert.ok(pathsOf(east).receivedFast > before.receivedFast + seen.received / 2)
})

test('frames that do not fit are dropped and counted, on both paths; the others go on', async () => {
  for (const fastPath of [true, false]) {
    west.maps.fastPath = fastPath
    const before = dropsOf(west, 'OVERSIZED')
    a.ip('link set eth0 mtu 9000')
    west.ip('link set p1 mtu 9000')
    a.send('eth0', Uint8Array.from([...udpFrame(a, c, 'fits'), ...new Uint8Array(1400)]))
    a.send('eth0', Uint8Array.from([...udpFrame(a, c, 'too long'), ...new Uint8Array(1500)]))
    await until('the drop to be counted', () => dropsOf(west, 'OVERSIZED') === before + 1)
  }
  west.maps.fastPath = true
})

test.run()
