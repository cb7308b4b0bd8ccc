// For tests: agents that acknowledge late or never, a hub that forgets everything but what it published, and frames over any mix of specs.

import * as assert from 'uvu/assert'
import { expandLinkSets } from '#crds/link-sets.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { drain } from '#operator/compile/drain.ts'
import { sha256 } from '#runtime/digest.ts'
import { type AdvanceOutput, advance, advanceInSteps } from './advance.ts'
import { createMemory } from './memory.ts'
import { floodFrame, type Holdings, sendFrame } from './simulated-frames.ts'
import type { BridgeIdentity, DesiredNetwork, ProgrammedSpec } from './situation.ts'

type Agent = { uid: string; specs: NodeBridgeSpec[]; held: number; reported: number }

const newAgent = (uid: string): Agent => ({ uid, specs: [], held: -1, reported: -1 })

/** Whole numbers below `bound`, from a seed. */
export type Draw = (bound: number) => number

export class SimulatedOverlay {
  networks: ReadonlyMap<string, DesiredNetwork> = new Map()
  readonly absent = new Set<string>()
  readonly #agents = new Map<string, Agent>()
  readonly #zombies = new Map<string, Agent>()
  #epoch = 1
  #memory = createMemory()
  #incarnation = 0

  addBridge(bridge: string): void {
    this.#agents.set(bridge, newAgent(`${bridge}#${this.#incarnation++}`))
    this.#zombies.delete(bridge)
  }

  /** The Node is deleted; the machine goes on with what it holds. */
  deleteBridge(bridge: string): void {
    const agent = this.#agents.get(bridge)
    if (!agent) return
    this.#agents.delete(bridge)
    this.#zombies.set(bridge, agent)
  }

  bridges(): string[] {
    return [...this.#agents.keys()]
  }

  restartHub(): void {
    this.#epoch++
    this.#memory = createMemory()
  }

  published(): Map<string, NodeBridgeSpec> {
    return new Map([...this.#agents].map(([bridge, { specs }]) => [bridge, specs.at(-1) ?? {}]))
  }

  /** One step of the hub, of which only the writes that `isWritten` lets through happen. */
  publish(isWritten: (bridge: string) => boolean = () => true): AdvanceOutput {
    const programmed = new Map<string, ProgrammedSpec>()
    const identities = new Map<string, BridgeIdentity>()
    for (const [bridge, { uid, specs, reported }] of this.#agents) {
      identities.set(bridge, { addresses: ['192.0.2.1'], nodeUID: uid })
      const held = specs[reported]
      if (held) programmed.set(bridge, { epoch: held.epoch ?? 0, serial: held.serial ?? 0 })
    }
    const input = {
      overlayUID: 'overlay',
      epoch: this.#epoch,
      udpPort: 14789,
      published: this.published(),
      programmed,
      absent: this.absent,
      networks: this.networks,
      bridges: identities,
      digest: sha256,
    }
    const output = drain(advanceInSteps(input, this.#memory))
    assert.equal(output.next, advance(input).next, 'memory changes nothing')
    for (const [bridge, spec] of output.next) if (isWritten(bridge)) this.#agents.get(bridge)?.specs.push(spec)
    return output
  }

  /** The agent programs one of the specs that are newer than what it holds, and may skip some. */
  apply(bridge: string, draw: Draw = () => 0): void {
    const agent = this.#agents.get(bridge)
    const newer = (agent?.specs.length ?? 0) - 1 - (agent?.held ?? 0)
    if (agent && newer > 0) agent.held = agent.specs.length - 1 - draw(newer)
  }

  report(bridge: string): void {
    const agent = this.#agents.get(bridge)
    if (agent) agent.reported = agent.held
  }

  /** Everyone programs and reports until nothing changes any more; bridges of `stuck` do nothing. */
  settle(stuck: ReadonlySet<string> = new Set()): AdvanceOutput {
    for (let round = 0; round < 100; round++) {
      const output = this.publish()
      const isQuiet = output.next.size === 0
      for (const bridge of this.#agents.keys())
        if (!stuck.has(bridge)) {
          this.apply(bridge)
          this.report(bridge)
        }
      if (isQuiet && this.publish().next.size === 0) return output
    }
    throw new Error('publication did not come to rest within 100 rounds')
  }

  /** What the bridges hold now, or, with `draw`, what they might hold. */
  holdings(draw?: Draw): Holdings {
    const held = new Map<string, NodeBridgeSpec>()
    for (const [bridge, { specs, held: least }] of [...this.#zombies, ...this.#agents]) {
      const index = draw ? least + draw(specs.length - least) : least
      const spec = specs[index]
      if (spec) held.set(bridge, expandLinkSets(spec))
    }
    return held
  }

  /** Numbers of specs so far: `isPast` tells when every bridge holds a later one. */
  mark(): Map<string, number> {
    return new Map([...this.#agents].map(([bridge, { specs }]) => [bridge, specs.length]))
  }

  isPast(mark: ReadonlyMap<string, number>): boolean {
    return [...this.#agents].every(([bridge, { held }]) => held >= (mark.get(bridge) ?? 0))
  }

  unicast(network: string, from: string, to: string, holdings: Holdings): number {
    return sendFrame(holdings, network, from, to)
  }

  flood(network: string, from: string, holdings: Holdings): Map<string, number> {
    return floodFrame(holdings, network, from)
  }
}
