// What the programs must have counted, to the byte.
import * as assert from 'uvu/assert'
import { type Mac, macAt } from '#daemonset/wire/mac.ts'
import { LINKS, type OneBridge, PORTS, VNIS } from './one-bridge.ts'

type Count = { packets: number; bytes: number }
const TAGS = [0x8100, 0x88a8, 0x9100]
/** QinQ's old number is a tag to us, but not to the kernel, which does not take it off. */
const REMOVABLE = [0x8100, 0x88a8]
const ETHERNET = 14
const TAG = 4

const etherType = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Bytes of a guest's frame that are counted: without a priority tag; 0 where the guards of the port refuse it. */
export const acceptedBytes = (frame: Uint8Array, own: Mac): number => {
  if (frame.length <= ETHERNET || macAt(frame, 6) !== own) return 0
  if (/^01:80:c2:00:00:0/.test(macAt(frame))) return 0
  const type = etherType(frame, 12)
  if (!TAGS.includes(type)) return frame.length
  const isRemoved = REMOVABLE.includes(type) && (etherType(frame, 14) & 0xfff) === 0 && frame.length > ETHERNET + TAG
  return isRemoved && !TAGS.includes(etherType(frame, 16)) ? frame.length - TAG : 0
}

const add = (counts: Map<string, Count>, key: string, packets: number, bytes: number): void => {
  const count = counts.get(key) ?? { packets: 0, bytes: 0 }
  counts.set(key, { packets: count.packets + packets, bytes: count.bytes + bytes })
}

export class Accounts {
  readonly #ports = new Map<string, Count>()
  readonly #sent = new Map<string, Count>()
  readonly #received = new Map<string, Count>()

  /** A frame that an open port sent. */
  port({ vni, ifindex, mac }: { vni: number; ifindex: number; mac: Mac }, frame: Uint8Array, packets: number): void {
    const bytes = acceptedBytes(frame, mac)
    if (bytes > 0) add(this.#ports, `${vni} ${ifindex}`, packets, bytes)
  }

  sent(link: number, packets: number, bytes: number): void {
    add(this.#sent, String(link), packets, bytes)
  }

  received(link: number, packets: number, bytes: number): void {
    add(this.#received, String(link), packets, bytes)
  }

  /** Compares with what the bridge's maps hold. */
  check(bridge: OneBridge): void {
    const none = { packets: 0, bytes: 0 }
    for (const vni of VNIS)
      for (const ifindex of PORTS) {
        const counted = { ...none }
        for (const { packets, bytes } of bridge.perCpu('port_stats', { vni, ifindex })) {
          counted.packets += Number(packets)
          counted.bytes += Number(bytes)
        }
        assert.equal(counted, this.#ports.get(`${vni} ${ifindex}`) ?? none, `port ${ifindex} in network ${vni}`)
      }
    for (const link of LINKS) {
      const [sent, received] = [{ ...none }, { ...none }]
      for (const { txPackets, txBytes, rxPackets, rxBytes } of bridge.perCpu('link_stats', link)) {
        sent.packets += Number(txPackets)
        sent.bytes += Number(txBytes)
        received.packets += Number(rxPackets)
        received.bytes += Number(rxBytes)
      }
      assert.equal(sent, this.#sent.get(String(link)) ?? none, `sent over link ${link}`)
      assert.equal(received, this.#received.get(String(link)) ?? none, `received over link ${link}`)
    }
  }
}
