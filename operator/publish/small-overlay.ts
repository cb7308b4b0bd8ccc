// For tests: one network over a few bridges, published and acknowledged by hand.
import { expandLinkSets } from '#crds/link-sets.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { compile } from '#operator/compile/compile.ts'
import type { NetworkInput } from '#operator/compile/input.ts'
import { sha256 } from '#runtime/digest.ts'
import { type AdvanceOutput, advance } from './advance.ts'
import type { AdvanceInput, ProgrammedSpec } from './situation.ts'

export const STAR: NetworkInput['topology'] = { type: 'Star', star: { hubs: { cluster: 'east', replicas: 1 } } }
export const MESH: NetworkInput['topology'] = { type: 'Mesh' }

/** What is published and programmed, and the wish: one network over `names`. */
export class SmallOverlay {
  published = new Map<string, NodeBridgeSpec>()
  programmed = new Map<string, ProgrammedSpec>()
  names: string[]
  topology: NetworkInput['topology'] | undefined
  epoch = 1
  revision = 1
  addresses = new Map<string, string[]>()
  absent = new Set<string>()

  constructor(names: string[], topology: NetworkInput['topology']) {
    this.names = names
    this.topology = topology
  }

  input(): AdvanceInput {
    const bridges = this.names.map((bridge, index) => ({
      bridge,
      cluster: 'east',
      labels: {},
      addresses: this.addresses.get(bridge) ?? [`192.0.2.${index + 1}`],
      nodeUID: `uid-${bridge}`,
      isReady: true,
    }))
    const networks = this.topology
      ? [
          {
            network: 'team/blue',
            created: '',
            vni: 7,
            device: 'vn',
            mtuBytes: 1450,
            clusters: ['east'],
            topology: this.topology,
            labels: {},
          },
        ]
      : []
    const { topologies } = compile({ bridges, networks, sites: new Map(), links: [], holdings: new Map() })
    return {
      overlayUID: 'overlay',
      epoch: this.epoch,
      udpPort: 14789,
      published: new Map(this.names.map((name) => [name, this.published.get(name) ?? {}])),
      programmed: this.programmed,
      absent: this.absent,
      networks: new Map([...topologies].map(([name, each]) => [name, { ...each, revision: this.revision }])),
      bridges: new Map(bridges.map((each) => [each.bridge, each])),
      digest: sha256,
    }
  }

  step(): AdvanceOutput {
    const output = advance(this.input())
    for (const [bridge, spec] of output.next) this.published.set(bridge, spec)
    return output
  }

  acknowledge(...names: string[]): void {
    for (const name of names.length > 0 ? names : this.names)
      this.programmed.set(name, { epoch: this.spec(name).epoch ?? 0, serial: this.spec(name).serial ?? 0 })
  }

  settle(): void {
    this.acknowledge()
    for (let output = this.step(); output.next.size > 0; output = this.step()) this.acknowledge()
  }

  spec(name: string): NodeBridgeSpec {
    return expandLinkSets(this.published.get(name) ?? {})
  }

  entry(name: string) {
    return this.spec(name).networks?.[0]
  }
}

export const settled = (names: string[], topology: NetworkInput['topology']): SmallOverlay => {
  const overlay = new SmallOverlay(names, topology)
  overlay.settle()
  return overlay
}
