// What leaves: frames of guests, and datagrams of the host.
import * as assert from 'uvu/assert'
import { isDelivery, type UnderlayOutput, verdicts } from '#daemonset/bpf/test-bridge.ts'
import { MARK, UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { TTL_AT_INGRESS } from '#daemonset/wire/labels.ts'
import { macBytes } from '#daemonset/wire/mac.ts'
import { CE, type Court, isVerdict, MARK_FAST, same } from './court.ts'
import { PORTS } from './one-bridge.ts'
import { damaged, datagram } from './random-bytes.ts'

const ECT0 = 2
const UNKNOWN_PORT = 99

/** The mark that a frame's own header carries, when it is sent through a tunnel. */
const outerEcn = (frame: Uint8Array): number => {
  const own = frame[12] === 0x08 ? frame[15]! & 3 : (frame[15]! >> 4) & 3
  return own === CE ? ECT0 : own
}

type Departed = { data: Uint8Array; left: Uint8Array; vni: number; packets: number }

/** A frame that the fast path sent: unchanged, with the header that the slow path would have given it. */
const checkSent = (court: Court, { data, left, vni, packets }: Departed, output: UnderlayOutput): void => {
  const seen = court.checkDatagram(left, output)
  const { link } = court.linkOf(seen)
  assert.is(seen.vni, vni, 'a frame left into another network')
  assert.ok(same(seen.inner, data), 'the fast path changed a frame')
  assert.is(seen.ttl, TTL_AT_INGRESS)
  assert.is(seen.ecn, outerEcn(data))
  assert.is(output.kind, 'underlay')
  court.accounts.sent(link, packets, data.length)
  court.fast.sent++
}

export const fromPort = (court: Court): void => {
  const random = court.random
  const ifindex = random.oneIn(50) ? UNKNOWN_PORT : random.of(PORTS)
  const port = court.bridge.ports.get(ifindex)
  const data = court.traffic.frame()
  // Most frames carry their own address: the others go no further.
  if (port && !random.oneIn(10)) data.set(macBytes(port.mac), 6)
  const skb = { ...court.traffic.superFrame(), cb: [ifindex] }
  const packets = skb.gsoSegments || 1
  const { verdict, outputs, data: left } = court.run('port_ingress', data, skb)
  assert.ok(isVerdict(verdict), `verdict ${verdict}`)
  const vni = port?.open ? port.vni : undefined
  for (const output of outputs) {
    assert.is.not(vni, undefined, 'a closed port sent')
    if (output.kind === 'underlay') checkSent(court, { data, left, vni: vni!, packets }, output)
    else court.checkOutput(output, { vni: vni!, ttl: TTL_AT_INGRESS, packets })
    if (isDelivery(output)) assert.is.not(output.ifindex, ifindex, 'a frame came back')
  }
  if (port?.open) court.accounts.port({ vni: port.vni, ifindex, mac: port.mac }, data, packets)
}

export const toUnderlay = (court: Court): void => {
  const random = court.random
  const outside = court.traffic.outside()
  const whole = datagram(outside, court.traffic.frame())
  const isDamaged = random.oneIn(3)
  const data = isDamaged ? damaged(random, whole) : whole
  const mark = random.of([0, 0, 1, MARK + 1, MARK + MARK_FAST])
  const { verdict, outputs, data: left } = court.run('underlay_egress', data, { mark })
  assert.is(outputs.length, 0)
  assert.ok(same(left, data), 'the guard changed a datagram')
  if (mark === MARK + MARK_FAST) assert.is(verdict, verdicts.unspec)
  else if (!isDamaged) assert.is(verdict, outside.port === UDP_PORT ? verdicts.shot : verdicts.unspec)
  else assert.ok(verdict === verdicts.shot || verdict === verdicts.unspec)
}
