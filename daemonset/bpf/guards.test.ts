import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { TestBridge, verdicts } from './test-bridge.ts'
import { broadcast, frame, mac } from './test-frames.ts'
import { MARK, UDP_PORT } from './test-maps.ts'

const test = suite('guards')
const bpffs = mountBpffs()
const bridge = new TestBridge(bpffs, 'guards')

test.before.each(() => bridge.clear())
test.after(() => {
  bridge.close()
  bpffs.close()
})

const [host, router] = [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')]
const UDP = 17
const words = (...values: number[]): number[] => values.flatMap((value) => [value >> 8, value & 0xff])
const udp = (port: number): number[] => words(40000, port, 16, 0, 0, 0, 0, 0)
const packet = (etherType: number, bytes: readonly number[]) =>
  frame(host, router, { etherType, payload: Uint8Array.from(bytes) })

const ipv4 = (payload: number[], { protocol = UDP, fragment = 0, options = [] as number[] } = {}) => {
  const words32 = 5 + options.length / 4
  const header = [0x40 | words32, 0, ...words(words32 * 4 + payload.length, 1, fragment), 64, protocol, 0, 0]
  return packet(0x0800, [...header, 192, 0, 2, 1, 192, 0, 2, 2, ...options, ...payload])
}
const ipv6 = (nextHeader: number, payload: number[]) =>
  packet(0x86dd, [
    0x60,
    0,
    0,
    0,
    ...words(payload.length),
    nextHeader,
    64,
    ...new Array<number>(32).fill(1),
    ...payload,
  ])

/** An extension header of 8 (or `8 * (units + 1)`) bytes. */
const extension = (next: number, units = 0): number[] => [next, units, ...new Array<number>(6 + 8 * units).fill(0)]
const fragmentHeader = (next: number, offset: number): number[] => [next, 0, ...words((offset << 3) | 1), 0, 0, 0, 7]

const passed = { verdict: verdicts.unspec, outputs: [], drops: {} }
const dropped = { verdict: verdicts.shot, outputs: [], drops: { UNDERLAY_GUARD: 1 } }
const egress = (data: Uint8Array, mark = 0) => bridge.run('underlay_egress', data, { mark })

test("drops everything on a network's Linux bridge", () => {
  const guarded = { verdict: verdicts.shot, outputs: [], drops: { BRIDGE_GUARD: 1 } }
  for (const data of [frame(host, broadcast), frame(host, router), ipv4(udp(53))])
    assert.equal(bridge.run('bridge_guard', data, {}), guarded)
})

test('drops datagrams to the port of the tunnel that are not our own', () => {
  assert.equal(egress(ipv4(udp(UDP_PORT))), dropped)
  assert.equal(egress(ipv4(udp(UDP_PORT)), MARK + 1), dropped)
  assert.equal(egress(ipv6(UDP, udp(UDP_PORT))), dropped)
  assert.equal(egress(ipv4(udp(UDP_PORT)), MARK), passed)
  assert.equal(egress(ipv6(UDP, udp(UDP_PORT)), MARK), passed)
})

test('lets everything else pass to the next program', () => {
  assert.equal(egress(ipv4(udp(53))), passed)
  assert.equal(egress(ipv4(udp(UDP_PORT), { protocol: 6 })), passed)
  assert.equal(egress(ipv6(6, udp(UDP_PORT))), passed)
  assert.equal(egress(ipv6(UDP, udp(53))), passed)
  assert.equal(egress(frame(host, router, { etherType: 0x0806 })), passed)
  assert.equal(egress(ipv4([])), passed)
  assert.equal(egress(ipv4(udp(UDP_PORT)).subarray(0, 38)), passed)
  assert.equal(egress(ipv6(UDP, [])), passed)
})

test('sees through IPv4 options and IPv6 extension headers', () => {
  assert.equal(egress(ipv4(udp(UDP_PORT), { options: [7, 3, 4, 0] })), dropped)
  assert.equal(egress(ipv6(0, [...extension(60), ...extension(43), ...extension(UDP, 2), ...udp(UDP_PORT)])), dropped)
  const many = [...Array.from({ length: 6 }, () => extension(60)).flat(), ...extension(UDP)]
  assert.equal(egress(ipv6(60, [...many, ...udp(UDP_PORT)])), dropped)
  assert.equal(egress(ipv6(0, [...extension(6), ...udp(UDP_PORT)])), passed)
  assert.equal(egress(ipv6(0, [...extension(60)])), passed)
})

test('does not let pass what hides behind more extension headers than it looks through', () => {
  for (const count of [8, 9, 12]) {
    const headers = [...Array.from({ length: count - 1 }, () => extension(60)).flat(), ...extension(UDP)]
    assert.equal(egress(ipv6(60, [...headers, ...udp(UDP_PORT)])), dropped, `${count} headers`)
  }
})

test('drops the first fragment, without which the rest is nothing', () => {
  assert.equal(egress(ipv4(udp(UDP_PORT), { fragment: 0x2000 })), dropped)
  assert.equal(egress(ipv4(udp(UDP_PORT), { fragment: 0x2005 })), passed)
  assert.equal(egress(ipv6(44, [...fragmentHeader(UDP, 0), ...udp(UDP_PORT)])), dropped)
  assert.equal(egress(ipv6(44, [...fragmentHeader(UDP, 9), ...udp(UDP_PORT)])), passed)
})

test('guards nothing while the port and the mark are not known', () => {
  bridge.configure(0)
  assert.equal(egress(ipv4(udp(UDP_PORT))), passed)
})

test.run()
