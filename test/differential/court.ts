// One bridge, what comes to it, and what holds for everything that its programs send.
import * as assert from 'uvu/assert'
import { isDelivery, type Output, type SkbFields, type UnderlayOutput, verdicts } from '#daemonset/bpf/test-bridge.ts'
import { MARK, UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { Accounts } from './accounts.ts'
import { LINKS, type OneBridge } from './one-bridge.ts'
import { readOutside, type Seen } from './outside.ts'
import type { Random } from './random.ts'
import { datagram } from './random-bytes.ts'
import { Traffic } from './traffic.ts'

export const MARK_FAST = 0x8000_0000
export const CE = 3

/** Ethernet addresses of a neighbour and of the underlay device towards it. */
export const neighbourMac = (link: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 9, link, 2, 0, 0, 0, 8, link)
export const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0
export const isVerdict = (verdict: number): boolean =>
  verdict === verdicts.shot || verdict === verdicts.stolen || verdict === verdicts.redirect

export class Court {
  /** Frames that took the fast path. */
  readonly fast = { sent: 0, received: 0, relayed: 0, inlet: 0 }
  /** What was given to which program last. */
  last = ''
  readonly bridge: OneBridge
  readonly random: Random
  readonly traffic: Traffic
  readonly accounts = new Accounts()

  constructor(bridge: OneBridge, random: Random) {
    this.bridge = bridge
    this.random = random
    this.traffic = new Traffic(bridge, random)
  }

  run(program: string, data: Uint8Array, skb: SkbFields) {
    this.last = `${program} ${JSON.stringify(skb)} ${Buffer.from(data).toString('hex')}`
    const seen = this.bridge.observe(program, data, skb)
    for (const output of seen.outputs) if (output.kind === 'link') this.learn(output.link)
    return seen
  }

  /** What holds for each datagram that the fast path makes. */
  checkDatagram(bytes: Uint8Array, { mark, kind }: UnderlayOutput): Seen {
    const seen = readOutside(bytes)
    if (!seen) throw new Error(`no datagram of the tunnel: ${Buffer.from(bytes).toString('hex')}`)
    assert.is(seen.port, UDP_PORT)
    assert.is(seen.checksum, 0)
    assert.ok(seen.isWhole, 'lengths or checksum of the outer header are wrong')
    assert.is(mark, kind === 'neighbour' ? MARK : MARK + MARK_FAST)
    return seen
  }

  linkOf({ source, destination }: Seen): { link: number } {
    const link = this.bridge.linkOf(destination)
    assert.ok(link !== undefined && this.bridge.links.get(link)!.up, `sent to ${destination}, over no link that is up`)
    assert.is(source, this.bridge.links.get(link)!.local)
    return { link }
  }

  checkOutput(output: Output, { vni, ttl, packets }: { vni: number; ttl: number; packets: number }): void {
    if (output.kind === 'link') {
      assert.is(output.vni, vni, 'a frame left into another network')
      assert.ok(this.bridge.links.get(output.link)?.up, 'sent over a link that is down')
      assert.is(output.ttl, ttl)
      assert.is(output.mark, MARK)
      this.accounts.sent(output.link, packets, output.bytes)
      return
    }
    assert.ok(isDelivery(output), `unexpected output ${output.kind}`)
    const port = this.bridge.ports.get(output.ifindex)
    assert.ok(port?.open, 'a closed port received')
    assert.is(port.vni, vni, 'a frame reached a port of another network')
  }

  /** The kernel sends over a link, and the egress program sees how. */
  learn(link: number): void {
    if (this.random.oneIn(3) || !LINKS.includes(link as 1)) return
    const outside = {
      ...this.traffic.outside(),
      ...this.bridge.outsideOf(link),
      port: UDP_PORT,
      ttl: 255,
      checksum: 0,
    }
    const data = datagram(outside, new Uint8Array(64))
    data.set(neighbourMac(link))
    assert.is(this.bridge.observe('underlay_egress', data, { mark: MARK }).verdict, verdicts.unspec)
  }
}
