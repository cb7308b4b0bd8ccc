// Publication step by step, on small examples. What holds in all of them is in advance.property.test.ts.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { compile } from '#operator/compile/compile.ts'
import type { NetworkInput } from '#operator/compile/input.ts'
import { sha256 } from '#runtime/digest.ts'
import { type AdvanceOutput, advance } from './advance.ts'
import type { AdvanceInput } from './situation.ts'

const STAR: NetworkInput['topology'] = { type: 'Star', star: { hubs: { cluster: 'east', replicas: 1 } } }
const MESH: NetworkInput['topology'] = { type: 'Mesh' }

/** What is published and programmed, and the wish: one network over `names`. */
class Overlay {
  published = new Map<string, NodeBridgeSpec>()
  programmed = new Map<string, number>()
  names: string[]
  topology: NetworkInput['topology'] | undefined
  epoch = 1
  revision = 1
  addresses = new Map<string, string>()
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
      address: this.addresses.get(bridge) ?? `192.0.2.${index + 1}`,
      nodeUID: `uid-${bridge}`,
      isReady: true,
    }))
    const networks = this.topology
      ? [
          {
            network: 'team/blue',
            vni: 7,
            device: 'vn',
            mtuBytes: 1450,
            clusters: ['east'],
            topology: this.topology,
            labels: {},
          },
        ]
      : []
    const { topologies } = compile({ bridges, networks, sites: new Map(), links: [] })
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
      this.programmed.set(name, this.published.get(name)?.serial ?? 0)
  }

  settle(): void {
    this.acknowledge()
    for (let output = this.step(); output.next.size > 0; output = this.step()) this.acknowledge()
  }

  spec(name: string): NodeBridgeSpec {
    return this.published.get(name) ?? {}
  }

  entry(name: string) {
    return this.spec(name).networks?.[0]
  }
}

const settled = (names: string[], topology: NetworkInput['topology']): Overlay => {
  const overlay = new Overlay(names, topology)
  overlay.settle()
  return overlay
}

test('a route flips when every bridge on its path has acknowledged, not before', () => {
  const overlay = new Overlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.step()
  assert.is(overlay.spec('east/hub').labels?.length, 2)
  overlay.acknowledge('east/hub', 'east/n1')
  const { waiting } = overlay.step()
  assert.equal(overlay.entry('east/n1')?.routes, [])
  assert.ok(
    waiting.some(
      ({ bridge, reason, waitsFor }) =>
        bridge === 'east/n1' && reason === 'AwaitingSupports' && waitsFor[0] === 'east/n2',
    ),
  )
  overlay.acknowledge()
  overlay.step()
  assert.equal(
    overlay.entry('east/n1')?.routes.map(({ to }) => to),
    ['east/n2'],
  )
})

test('from star to mesh: direct links first, then the flip, and the labels of the hub at last', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const tree = overlay.entry('east/n1')?.floodTree ?? 0
  assert.ok(tree >= 32768)
  overlay.topology = MESH
  overlay.revision = 2
  overlay.step()
  assert.is(overlay.entry('east/n1')?.links.length, 2)
  assert.is(overlay.entry('east/n1')?.routes.length, 1)
  assert.is(overlay.entry('east/n1')?.floodTree, tree)
  overlay.acknowledge()
  overlay.step()
  assert.is(overlay.entry('east/n1')?.routes.length, 0)
  assert.is(overlay.entry('east/n1')?.floodTree, 0)
  assert.is(overlay.spec('east/hub').labels?.length, 2)
  overlay.acknowledge('east/n1', 'east/hub')
  const { waiting } = overlay.step()
  assert.is(overlay.spec('east/hub').labels?.length, 2)
  assert.ok(waiting.some(({ reason, waitsFor }) => reason === 'Draining' && waitsFor.includes('east/n2')))
  overlay.settle()
  assert.is(overlay.spec('east/hub').labels?.length, 0)
})

test('a bridge that joins a star extends its tree, and the other leaves are not written', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const tree = overlay.entry('east/n1')?.floodTree
  overlay.names = [...overlay.names, 'east/n3']
  overlay.revision = 2
  const trees = overlay.step()
  assert.is(overlay.spec('east/hub').trees?.[0]?.tree, tree)
  assert.is(overlay.spec('east/hub').trees?.[0]?.links.length, 3)
  assert.equal([...trees.next.keys()].sort(), ['east/hub', 'east/n3'])
})

test('a leaf that will not answer holds up no flood tree, one that others hang on does', () => {
  const overlay = new Overlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.absent = new Set(['east/n2'])
  overlay.step()
  overlay.acknowledge('east/hub', 'east/n1')
  overlay.step()
  assert.ok((overlay.entry('east/n1')?.floodTree ?? 0) > 0)
  const other = new Overlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  other.absent = new Set(['east/hub'])
  other.step()
  other.acknowledge('east/n1', 'east/n2')
  other.step()
  assert.is(other.entry('east/n1')?.floodTree, 0)
})

test('a new leader changes nothing but the epoch, and removes nothing before it is acknowledged', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const before = overlay.spec('east/n1')
  overlay.epoch = 2
  overlay.topology = MESH
  overlay.step()
  assert.is(overlay.spec('east/n1').epoch, 2)
  assert.equal(overlay.entry('east/n1')?.routes, before.networks?.[0]?.routes)
  assert.is(overlay.spec('east/hub').labels?.length, 2)
})

test('a deleted network goes at once, and its numbers are remembered until the bridge has acknowledged', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.topology = undefined
  overlay.step()
  assert.equal(overlay.spec('east/n1').networks, [])
  assert.equal(
    overlay.spec('east/n1').retired?.map(({ name, vni }) => ({ name, vni })),
    [{ name: 'team/blue', vni: 7 }],
  )
  assert.is(overlay.spec('east/n1').links?.length, 1)
  overlay.settle()
  assert.is(overlay.spec('east/n1').links?.length, 0)
  assert.is(overlay.spec('east/n1').retired, undefined)
})

test('a deleted node leaves the links of all others at once', () => {
  const overlay = settled(['east/n1', 'east/n2', 'east/n3'], MESH)
  overlay.names = ['east/n1', 'east/n2']
  overlay.published.delete('east/n3')
  overlay.step()
  assert.equal(
    overlay.spec('east/n1').links?.map(({ bridge }) => bridge),
    ['east/n2'],
  )
})

test('numbers that were given back are not given out next', () => {
  const overlay = settled(['east/n1', 'east/n2', 'east/n3'], MESH)
  const id = (name: string) => overlay.spec('east/n1').links?.find(({ bridge }) => bridge === name)?.id
  const before = id('east/n3')
  overlay.names = ['east/n1', 'east/n2']
  overlay.published.delete('east/n3')
  overlay.settle()
  overlay.names = ['east/n1', 'east/n2', 'east/n3']
  overlay.programmed.delete('east/n3')
  overlay.settle()
  assert.is.not(id('east/n3'), before)
})

test('a changed address is written in place', () => {
  const overlay = settled(['east/n1', 'east/n2'], MESH)
  const before = overlay.spec('east/n1').links?.[0]
  overlay.addresses.set('east/n2', '192.0.2.99')
  overlay.step()
  assert.equal(overlay.spec('east/n1').links, [{ ...before, address: '192.0.2.99' }])
})

test('after a restore that lost the newest specs, serials and labels go on above what nodes have seen', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const { labelCursor = 0, serial = 0 } = overlay.spec('east/hub')
  overlay.programmed.set('east/hub', serial + 10)
  overlay.step()
  assert.is(overlay.spec('east/hub').serial, serial + 11)
  assert.ok(Math.abs((overlay.spec('east/hub').labelCursor ?? 0) - labelCursor) > 8000)
})

test('at rest nothing is written, whatever the order of fields', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  for (const [name, spec] of overlay.published)
    overlay.published.set(name, Object.fromEntries(Object.entries(spec).reverse()) as NodeBridgeSpec)
  const { next, waiting, settled: done } = overlay.step()
  assert.is(next.size, 0)
  assert.equal(waiting, [])
  assert.is(done.get('team/blue')?.size, 3)
})

test.run()
