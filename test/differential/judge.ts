// Gives one bridge a random frame at a time, and judges what its programs made of it by what the tables say.
import * as assert from 'uvu/assert'
import type { Output, SkbFields, UnderlayOutput } from '#daemonset/bpf/test-bridge.ts'
import { verdicts } from '#daemonset/bpf/test-bridge.ts'
import { MARK, UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { GBP_FORWARDED, TTL_AT_INGRESS } from '#daemonset/wire/labels.ts'
import { macBytes } from '#daemonset/wire/mac.ts'
import { Accounts } from './accounts.ts'
import { LINKS, type OneBridge, PORTS } from './one-bridge.ts'
import { readOutside, type Seen } from './outside.ts'
import type { Random } from './random.ts'
import { damaged, datagram } from './random-bytes.ts'
import { Traffic } from './traffic.ts'

const MARK_FAST = 0x8000_0000
const ECT0 = 2
const CE = 3
const UNKNOWN_PORT = 99
const neighbourMac = (link: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 9, link, 2, 0, 0, 0, 8, link)

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0

/** The mark that a frame's own header carries, when it is sent through a tunnel. */
const outerEcn = (frame: Uint8Array): number => {
  const own = frame[12] === 0x08 ? frame[15]! & 3 : (frame[15]! >> 4) & 3
  return own === CE ? ECT0 : own
}

export class Judge {
  readonly fast = { sent: 0, received: 0, relayed: 0 }
  /** What was given to which program last. */
  last = ''
  readonly #bridge: OneBridge
  readonly #random: Random
  readonly #traffic: Traffic
  readonly #accounts = new Accounts()

  constructor(bridge: OneBridge, random: Random) {
    this.#bridge = bridge
    this.#random = random
    this.#traffic = new Traffic(bridge, random)
  }

  next(): void {
    const kind = this.#random.below(20)
    if (kind < 9) this.#fromPort()
    else if (kind < 16) this.#fromUnderlay()
    else if (kind < 18) this.#fromTunnel()
    else this.#toUnderlay()
  }

  checkCounts(): void {
    this.#accounts.check(this.#bridge)
  }

  #run(program: string, data: Uint8Array, skb: SkbFields) {
    this.last = `${program} ${JSON.stringify(skb)} ${Buffer.from(data).toString('hex')}`
    const seen = this.#bridge.observe(program, data, skb)
    for (const output of seen.outputs) if (output.kind === 'link') this.#learn(output.link)
    return seen
  }

  #fromPort(): void {
    const random = this.#random
    const ifindex = random.oneIn(50) ? UNKNOWN_PORT : random.of(PORTS)
    const port = this.#bridge.ports.get(ifindex)
    const data = this.#traffic.frame()
    // Most frames carry their own address: the others go no further.
    if (port && !random.oneIn(10)) data.set(macBytes(port.mac), 6)
    const skb = { ...this.#traffic.superFrame(), cb: [ifindex] }
    const packets = skb.gsoSegments || 1
    const { verdict, outputs, data: left } = this.#run('port_ingress', data, skb)
    assert.ok([verdicts.shot, verdicts.stolen, verdicts.redirect].includes(verdict as 2), `verdict ${verdict}`)
    const vni = port?.open ? port.vni : undefined
    for (const output of outputs) {
      assert.is.not(vni, undefined, 'a closed port sent')
      if (output.kind === 'underlay') this.#checkSent(data, left, output, vni!, packets)
      else this.#checkOutput(output, { vni: vni!, ttl: TTL_AT_INGRESS, packets })
      if (output.kind === 'port' || output.kind === 'peer') assert.is.not(output.ifindex, ifindex, 'a frame came back')
    }
    if (port?.open) this.#accounts.port({ vni: port.vni, ifindex, mac: port.mac }, data, packets)
  }

  /** A frame that the fast path sent: unchanged, with the header that the slow path would have given it. */
  #checkSent(data: Uint8Array, left: Uint8Array, output: UnderlayOutput, vni: number, packets: number): void {
    const seen = this.#checkDatagram(left, output)
    const { link } = this.#linkOf(seen)
    assert.is(seen.vni, vni, 'a frame left into another network')
    assert.ok(same(seen.inner, data), 'the fast path changed a frame')
    assert.is(seen.ttl, TTL_AT_INGRESS)
    assert.is(seen.ecn, outerEcn(data))
    assert.is(output.kind, 'underlay')
    this.#accounts.sent(link, packets, data.length)
    this.fast.sent++
  }

  /** What holds for each datagram that the fast path makes. */
  #checkDatagram(bytes: Uint8Array, { mark, kind }: UnderlayOutput): Seen {
    const seen = readOutside(bytes)
    if (!seen) throw new Error(`no datagram of the tunnel: ${Buffer.from(bytes).toString('hex')}`)
    assert.is(seen.port, UDP_PORT)
    assert.is(seen.checksum, 0)
    assert.ok(seen.isWhole, 'lengths or checksum of the outer header are wrong')
    assert.is(mark, kind === 'neighbour' ? MARK : MARK + MARK_FAST)
    return seen
  }

  #linkOf({ source, destination }: Seen): { link: number } {
    const link = this.#bridge.linkOf(destination)
    assert.ok(link !== undefined && this.#bridge.links.get(link)!.up, `sent to ${destination}, over no link that is up`)
    assert.is(source, this.#bridge.links.get(link)!.local)
    return { link }
  }

  #checkOutput(output: Output, { vni, ttl, packets }: { vni: number; ttl: number; packets: number }): void {
    if (output.kind === 'link') {
      assert.is(output.vni, vni, 'a frame left into another network')
      assert.ok(this.#bridge.links.get(output.link)?.up, 'sent over a link that is down')
      assert.is(output.ttl, ttl)
      assert.is(output.mark, MARK)
      this.#accounts.sent(output.link, packets, output.bytes)
      return
    }
    assert.ok(output.kind === 'port' || output.kind === 'peer', `unexpected output ${output.kind}`)
    const port = this.#bridge.ports.get(output.ifindex)
    assert.ok(port?.open, 'a closed port received')
    assert.is(port.vni, vni, 'a frame reached a port of another network')
  }

  #fromUnderlay(): void {
    const random = this.#random
    const whole = datagram(this.#traffic.outside(), this.#traffic.frame())
    const data = random.oneIn(5) ? damaged(random, whole) : whole
    if (random.oneIn(30)) data.set(neighbourMac(0))
    const skb = this.#traffic.superFrame()
    const { verdict, outputs, data: left } = this.#run('underlay_entry', data, skb)
    if (verdict === verdicts.unspec) {
      assert.is(outputs.length, 0, 'sent, and given to the kernel too')
      assert.ok(same(left, data), 'changed, and given to the kernel')
      return
    }
    assert.is(verdict, verdicts.redirect)
    assert.is(outputs.length, 1)
    this.#checkEntered(data, left, outputs[0]!, skb.gsoSegments || 1)
  }

  #checkEntered(data: Uint8Array, left: Uint8Array, output: Output, packets: number): void {
    const came = readOutside(data)
    assert.ok(came && data[0] === 0 && data[5] === 0, 'the fast path took what is none of ours')
    const from = this.#bridge.linkOf(came.source)
    assert.ok(from !== undefined, 'a stranger was heard')
    assert.is(came.destination, this.#bridge.links.get(from)!.local, 'a datagram for somebody else was taken')
    assert.ok(
      this.#bridge.permitted.has(`${from} ${came.vni}`),
      'a neighbour was heard in a network that it may not send',
    )
    assert.is(came.port, UDP_PORT)
    assert.is(came.checksum, 0, 'nobody checked the checksum')
    this.#accounts.received(from, packets, came.inner.length)
    if (output.kind === 'underlay' || output.kind === 'neighbour') this.#checkRelayed(came, left, output, packets)
    else this.#checkReceived(came, left, output)
  }

  #checkReceived(came: Seen, left: Uint8Array, output: Output): void {
    assert.is.not(came.ecn, CE, 'a mark of congestion was lost')
    this.#checkOutput(output, { vni: came.vni, ttl: 0, packets: 1 })
    assert.ok(same(left, came.inner), 'the fast path changed a frame')
    this.fast.received++
  }

  #checkRelayed(came: Seen, left: Uint8Array, output: UnderlayOutput, packets: number): void {
    const seen = this.#checkDatagram(left, output)
    const { link } = this.#linkOf(seen)
    assert.is(seen.vni, came.vni, 'a frame changed its network in transit')
    assert.ok(this.#bridge.permitted.has(`${link} ${came.vni}`), 'sent on to a neighbour without the network')
    assert.ok(same(seen.inner, came.inner), 'a frame was changed in transit')
    assert.is(seen.ttl, came.ttl - 1)
    assert.ok(came.ttl > 1 && came.label !== 1, 'sent on what must end here')
    assert.is(seen.ecn, came.ecn)
    this.#accounts.sent(link, packets, came.inner.length)
    this.fast.relayed++
  }

  #fromTunnel(): void {
    const random = this.#random
    const { link, source, vni, label, forwarded, ttl } = this.#traffic.outside()
    const low = link === 2 ? 2 : (192 << 24) | (2 << 8) | link
    const gbp = label | (forwarded ? GBP_FORWARDED : 0)
    const family = random.oneIn(50) ? 2 : link === 2 ? 1 : 0
    const skb = { ...this.#traffic.superFrame(), cb: [vni, gbp, low >>> 0, ttl, family] }
    const data = this.#traffic.frame()
    const packets = skb.gsoSegments || 1
    const { verdict, outputs } = this.#run('tunnel_ingress', data, skb)
    assert.ok([verdicts.shot, verdicts.stolen, verdicts.redirect].includes(verdict as 2), `verdict ${verdict}`)
    const known = family === 2 ? undefined : this.#bridge.linkOf(source)
    if (known !== undefined) this.#accounts.received(known, packets, data.length)
    for (const output of outputs) {
      assert.ok(known !== undefined && this.#bridge.permitted.has(`${known} ${vni}`), 'a stranger was heard')
      this.#checkOutput(output, { vni, ttl: ttl - 1, packets })
    }
  }

  #toUnderlay(): void {
    const random = this.#random
    const outside = this.#traffic.outside()
    const whole = datagram(outside, this.#traffic.frame())
    const isDamaged = random.oneIn(3)
    const data = isDamaged ? damaged(random, whole) : whole
    const mark = random.of([0, 0, 1, MARK + 1, MARK + MARK_FAST])
    const { verdict, outputs, data: left } = this.#run('underlay_egress', data, { mark })
    assert.is(outputs.length, 0)
    assert.ok(same(left, data), 'the guard changed a datagram')
    if (mark === MARK + MARK_FAST) assert.is(verdict, verdicts.unspec)
    else if (!isDamaged) assert.is(verdict, outside.port === UDP_PORT ? verdicts.shot : verdicts.unspec)
    else assert.ok(verdict === verdicts.shot || verdict === verdicts.unspec)
  }

  /** The kernel sends over a link, and the egress program sees how. */
  #learn(link: number): void {
    if (this.#random.oneIn(3) || !LINKS.includes(link as 1)) return
    const outside = {
      ...this.#traffic.outside(),
      ...this.#bridge.outsideOf(link),
      port: UDP_PORT,
      ttl: 255,
      checksum: 0,
    }
    const data = datagram(outside, new Uint8Array(64))
    data.set(neighbourMac(link))
    assert.is(this.#bridge.observe('underlay_egress', data, { mark: MARK }).verdict, verdicts.unspec)
  }
}
