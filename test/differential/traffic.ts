// What comes to one bridge: mostly what its tables know, at times what they do not.
import type { SkbFields } from '#daemonset/bpf/test-bridge.ts'
import { UDP_PORT } from '#daemonset/bpf/test-maps.ts'
import { GROUPS, LABELS, MACS, type OneBridge, UNKNOWN_VNI, VNIS } from './one-bridge.ts'
import type { Random } from './random.ts'
import { type Outside, randomFrame } from './random-bytes.ts'

export class Traffic {
  readonly #bridge: OneBridge
  readonly #random: Random

  constructor(bridge: OneBridge, random: Random) {
    this.#bridge = bridge
    this.#random = random
  }

  frame(): Uint8Array {
    const random = this.#random
    const source = random.oneIn(8) ? random.of([...MACS, ...GROUPS]) : random.of(MACS.slice(0, 3))
    return randomFrame(random, { source, destination: random.oneIn(10) ? random.of(GROUPS) : random.of(MACS) })
  }

  superFrame(): SkbFields & { gsoSegments: number } {
    return this.#random.oneIn(3) ? { gsoSize: 1000 + this.#random.below(600), gsoSegments: 3 } : { gsoSegments: 0 }
  }

  /** What a neighbour, or a stranger, writes on the outside. */
  outside(): Outside & { link: number } {
    const random = this.#random
    const link = random.of([1, 1, 1, 2, 2, 2, 3, 4])
    const { source, destination } = this.#bridge.outsideOf(link)
    return {
      link,
      source: destination,
      destination: random.oneIn(30) ? this.#bridge.outsideOf(link === 2 ? 2 : 3).destination : source,
      port: random.oneIn(30) ? 4789 : UDP_PORT,
      vni: random.oneIn(20) ? UNKNOWN_VNI : random.of(VNIS),
      label: random.oneIn(3) ? random.of(LABELS) : random.of([0, 0, 16]),
      forwarded: random.oneIn(4),
      ttl: random.of([255, 254, 64, 2, 1, 0]),
      tos: random.oneIn(3) ? random.below(256) : 0,
      checksum: random.oneIn(20) ? random.below(65536) : 0,
    }
  }
}
