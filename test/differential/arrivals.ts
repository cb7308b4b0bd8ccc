// What arrives: datagrams at the underlay, and frames out of the tunnel's device.
import * as assert from 'uvu/assert'
import { type Output, type SkbFields, type UnderlayOutput, verdicts } from '#daemonset/bpf/test-bridge.ts'
import { MARK, UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { GBP_FORWARDED } from '#daemonset/wire/labels.ts'
import { CE, type Court, isVerdict, neighbourMac, same } from './court.ts'
import { readOutside, type Seen } from './outside.ts'
import { damaged, datagram, lacksIpHeader } from './random-bytes.ts'

const VXLAN_BYTES = 8

type Heard = Seen & { from: number }
/** A frame before and after a program. */
type Handled = { data: Uint8Array; left: Uint8Array; skb: SkbFields; packets: number }

/** The datagram is a neighbour's, for us, in a network that it may send. */
const checkHeard = (court: Court, data: Uint8Array): Heard => {
  const came = readOutside(data)
  assert.ok(came && data[0] === 0 && data[5] === 0, 'the fast path took what is none of ours')
  const from = court.bridge.linkOf(came.source)
  assert.ok(from !== undefined, 'a stranger was heard')
  assert.is(came.destination, court.bridge.links.get(from)!.local, 'a datagram for somebody else was taken')
  assert.ok(
    court.bridge.permitted.has(`${from} ${came.vni}`),
    'a neighbour was heard in a network that it may not send',
  )
  assert.is(came.port, UDP_PORT)
  assert.is(came.checksum, 0, 'nobody checked the checksum')
  return { ...came, from }
}

const checkReceived = (court: Court, came: Heard, { left }: Handled, output: Output): void => {
  assert.is.not(came.ecn, CE, 'a mark of congestion was lost')
  court.checkOutput(output, { vni: came.vni, ttl: 0, packets: 1 })
  assert.ok(same(left, came.inner), 'the fast path changed a frame')
  court.fast.received++
}

const checkRelayed = (court: Court, came: Heard, { left, packets }: Handled, output: UnderlayOutput): void => {
  const seen = court.checkDatagram(left, output)
  const { link } = court.linkOf(seen)
  assert.is(seen.vni, came.vni, 'a frame changed its network in transit')
  assert.ok(court.bridge.permitted.has(`${link} ${came.vni}`), 'sent on to a neighbour without the network')
  assert.ok(same(seen.inner, came.inner), 'a frame was changed in transit')
  assert.is(seen.ttl, came.ttl - 1)
  assert.ok(came.ttl > 1 && came.label !== 1, 'sent on what must end here')
  assert.is(seen.ecn, came.ecn)
  court.accounts.sent(link, packets, came.inner.length)
  court.fast.relayed++
}

const checkEntered = (court: Court, handled: Handled, output: Output): void => {
  const came = checkHeard(court, handled.data)
  court.accounts.received(came.from, handled.packets, came.inner.length)
  if (output.kind === 'underlay' || output.kind === 'neighbour') checkRelayed(court, came, handled, output)
  else checkReceived(court, came, handled, output)
}

/** What the kernel is to unwrap keeps all but the VXLAN header, which names no network any more; what comes of it reaches one port. */
const checkInlet = (court: Court, { data, left, packets, skb }: Handled, cb: readonly number[]): void => {
  const came = checkHeard(court, data)
  const vxlan = data.length - came.inner.length - VXLAN_BYTES
  assert.ok(same(left.subarray(0, vxlan), data.subarray(0, vxlan)), 'more than the VXLAN header was changed')
  assert.ok(same(left.subarray(vxlan + VXLAN_BYTES), came.inner), 'more than the VXLAN header was changed')
  assert.equal([...left.subarray(vxlan, vxlan + VXLAN_BYTES)], [8, 0, 0, 0, 0, 0, 1, 0])
  if (lacksIpHeader(came.inner)) return
  const { verdict, outputs } = court.run('inlet_ingress', came.inner, { ...skb, mark: MARK, cb })
  assert.is(verdict, verdicts.redirect)
  assert.is(outputs.length, 1)
  court.checkOutput(outputs[0]!, { vni: came.vni, ttl: 0, packets })
  court.accounts.received(came.from, packets, came.inner.length)
  court.fast.inlet++
  assert.is(court.run('inlet_ingress', came.inner, { cb }).verdict, verdicts.shot, 'anybody can use the inlet')
}

export const fromUnderlay = (court: Court): void => {
  const random = court.random
  const whole = datagram(court.traffic.outside(), court.traffic.frame())
  const data = random.oneIn(5) ? damaged(random, whole) : whole
  if (random.oneIn(30)) data.set(neighbourMac(0))
  const skb = court.traffic.superFrame()
  const { verdict, outputs, data: left, mark, cb } = court.run('underlay_entry', data, skb)
  const handled = { data, left, skb, packets: skb.gsoSegments || 1 }
  const [first] = outputs
  if (first?.kind === 'socket') {
    assert.is(verdict, verdicts.unspec)
    assert.equal([outputs.length, first.port, mark], [1, UDP_PORT + 1, MARK])
    checkInlet(court, handled, cb.slice(0, 2))
    return
  }
  if (verdict === verdicts.unspec) {
    assert.is(outputs.length, 0, 'sent, and given to the kernel too')
    assert.ok(same(left, data), 'changed, and given to the kernel')
    return
  }
  assert.is(verdict, verdicts.redirect)
  assert.is(outputs.length, 1)
  checkEntered(court, handled, first!)
}

export const fromTunnel = (court: Court): void => {
  const random = court.random
  const { link, source, vni, label, forwarded, ttl } = court.traffic.outside()
  const low = link === 2 ? 2 : (192 << 24) | (2 << 8) | link
  const gbp = label | (forwarded ? GBP_FORWARDED : 0)
  const family = random.oneIn(50) ? 2 : link === 2 ? 1 : 0
  const skb = { ...court.traffic.superFrame(), cb: [vni, gbp, low >>> 0, ttl, family] }
  const data = court.traffic.frame()
  const packets = skb.gsoSegments || 1
  const { verdict, outputs } = court.run('tunnel_ingress', data, skb)
  assert.ok(isVerdict(verdict), `verdict ${verdict}`)
  const known = family === 2 ? undefined : court.bridge.linkOf(source)
  if (known !== undefined) court.accounts.received(known, packets, data.length)
  for (const output of outputs) {
    assert.ok(known !== undefined && court.bridge.permitted.has(`${known} ${vni}`), 'a stranger was heard')
    court.checkOutput(output, { vni, ttl: ttl - 1, packets })
  }
}
