// Several bridges that run the real programs, joined by links that deliver in any order.
import * as assert from 'uvu/assert'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import { GBP_FORWARDED, LABEL_LAST, LABEL_PATH_FIRST, TTL_AT_INGRESS } from '#daemonset/wire/labels.ts'
import type { Mac } from '#daemonset/wire/mac.ts'
import { isDelivery, type LinkOutput, type Outcome, TestBridge } from './test-bridge.ts'
import { frame, ip, mac } from './test-frames.ts'
import { MARK } from './test-maps.ts'

export const VNI = 5000
/** Each bridge has one guest, behind this port. */
export const PORT = 100
export const guestMac = (bridge: number): Mac => mac(`02:00:00:00:00:0${bridge}`)
/** The guest that moves; its port here, wherever it is. */
export const MOVING_PORT = 101
export const movingMac = mac('02:00:00:00:0f:0f')

const address = (bridge: number) => ip(`192.0.2.${bridge + 1}`)
/** Link ids are the neighbour's number plus one, at every bridge. */
export const linkTo = (bridge: number): number => bridge + 1
export const bridgeId = (bridge: number): bigint => BigInt(bridge + 1)

/** One copy on its way: where from, where to, what its tunnel header says, and where it has been. */
type Copy = {
  id: number
  from: number
  to: number
  gbp: number
  ttl: number
  data: Uint8Array
  trail: readonly string[]
}

/** A frame that a guest sent. */
export type Sent = { id: number; from: number; destination: Mac }

export class TestOverlay {
  readonly bridges: readonly TestBridge[]
  /** Every delivery of every frame: `bridge/port`, by the frame's id. */
  readonly deliveries = new Map<number, string[]>()
  #flying: Copy[] = []
  #nextId = 0

  constructor(bpffs: Bpffs, count: number) {
    this.bridges = Array.from(
      { length: count },
      (_, index) => new TestBridge(bpffs, `bridge${index}`, { countsDrops: false }),
    )
  }

  get flying(): number {
    return this.#flying.length
  }

  /** Empties all bridges and joins each with each by a link; every bridge has its guest, and room for the moving one. */
  reset(): void {
    this.#flying = []
    this.deliveries.clear()
    const numbers = [...this.bridges.keys()]
    for (const [own, bridge] of this.bridges.entries()) {
      bridge.clear()
      bridge.put('ports', PORT, { vni: VNI, mac: guestMac(own), open: true, peerNamespace: true })
      bridge.put('ports', MOVING_PORT, { vni: VNI, mac: movingMac, open: true, peerNamespace: true })
      bridge.put('network_ports', VNI, { stamp: 1, ifindexes: [PORT] })
      for (const other of numbers) {
        bridge.put(
          'macs',
          { vni: VNI, mac: guestMac(other) },
          { bridge: bridgeId(other), ifindex: other === own ? PORT : 0 },
        )
        if (other === own) continue
        const link = { remote: address(other), local: null, tunnelIfindex: 9, up: true, frameBytes: 0 }
        bridge.put('links', linkTo(other), link)
        bridge.put('peers', { address: address(other) }, linkTo(other))
        bridge.put('peer_networks', { link: linkTo(other), vni: VNI }, 1)
      }
    }
  }

  /** The guest of `from` sends a frame; its copies are then on their way. */
  send(from: number, destination: Mac): Sent {
    const id = this.#nextId++
    const data = frame(guestMac(from), destination)
    this.deliveries.set(id, [])
    const outcome = this.bridges[from]!.fromPort(PORT, data)
    this.#follow(outcome, { id, from, to: from, gbp: 0, ttl: TTL_AT_INGRESS + 1, data, trail: [] })
    return { id, from, destination }
  }

  /** One copy on its way arrives, chosen by `choice` (any number). */
  arrive(choice: number): void {
    const [copy] = this.#flying.splice(choice % this.#flying.length, 1)
    if (!copy) throw new Error('no copy is on its way')
    const arrival = { remote: address(copy.from), vni: VNI, gbp: copy.gbp, ttl: copy.ttl }
    this.#follow(this.bridges[copy.to]!.fromTunnel(arrival, copy.data), copy)
  }

  /** All copies arrive, in the order that `choose` gives. */
  drain(choose: () => number): void {
    while (this.#flying.length > 0) this.arrive(choose())
  }

  close(): void {
    for (const bridge of this.bridges) bridge.close()
  }

  #follow({ outputs }: Outcome, copy: Copy): void {
    for (const output of outputs) {
      if (output.kind === 'link') this.#launch(output, copy)
      else if (isDelivery(output)) this.#deliver(copy, `${copy.to}/${output.ifindex}`)
    }
  }

  #deliver({ id }: Copy, port: string): void {
    const ports = this.deliveries.get(id)!
    assert.not(ports.includes(port), `frame ${id} reached ${port} twice`)
    ports.push(port)
  }

  /** Invariants of one hop: the TTL falls by one, no state is entered twice, and a frame is rerouted at most once. */
  #launch(output: LinkOutput, copy: Copy): void {
    assert.is(output.vni, VNI)
    assert.is(output.mark, MARK)
    assert.is(output.ttl, copy.ttl - 1)
    const label = output.gbp & LABEL_LAST
    const state = `${copy.to} sends ${label}${output.gbp & GBP_FORWARDED ? ' forwarded' : ''}`
    assert.not(copy.trail.includes(state), `frame ${copy.id} loops: ${[...copy.trail, state].join(', ')}`)
    const received = copy.gbp & LABEL_LAST
    const arrived = copy.trail.length > 0
    assert.not(arrived && received === 1, 'label 1 is never sent on')
    if (arrived && received < LABEL_PATH_FIRST) {
      assert.not(copy.gbp & GBP_FORWARDED, 'an old home sends on at most once')
      assert.ok(label === 1 || output.gbp & GBP_FORWARDED, 'what an old home sends on is marked so')
    }
    this.#flying.push({
      ...copy,
      from: copy.to,
      to: output.link - 1,
      gbp: output.gbp,
      ttl: output.ttl,
      trail: [...copy.trail, state],
    })
  }
}
