// Publication step by step, on small examples. What holds in all of them is in advance.property.test.ts.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { MESH, SmallOverlay, STAR, settled } from './small-overlay.ts'

test('a route flips when every bridge on its path has acknowledged, not before', () => {
  const overlay = new SmallOverlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.step()
  assert.is(overlay.spec('east/hub').labels?.length, 2)
  overlay.acknowledge('east/hub', 'east/n1')
  const { waiting } = overlay.step()
  assert.equal(overlay.entry('east/n1')?.routes, [])
  assert.ok(
    waiting.some(
      ({ bridge, reason, waitsFor }) =>
        bridge === 'east/n1' && reason === 'AwaitingSupports' && waitsFor.has('east/n2'),
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
  assert.ok(waiting.some(({ reason, waitsFor }) => reason === 'Draining' && waitsFor.has('east/n2')))
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
  const overlay = new SmallOverlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.absent = new Set(['east/n2'])
  overlay.step()
  overlay.acknowledge('east/hub', 'east/n1')
  overlay.step()
  assert.ok((overlay.entry('east/n1')?.floodTree ?? 0) > 0)
  const other = new SmallOverlay(['east/hub', 'east/n1', 'east/n2'], STAR)
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
  overlay.addresses.set('east/n2', ['192.0.2.99'])
  overlay.step()
  assert.equal(overlay.spec('east/n1').links, [{ ...before, address: '192.0.2.99' }])
})

test('both ends of a link speak the same family; where they have none in common, the link stays for the agent to name', () => {
  const overlay = new SmallOverlay(['east/v4', 'east/dual', 'east/v6'], MESH)
  overlay.addresses = new Map([
    ['east/v4', ['192.0.2.1']],
    ['east/dual', ['2001:db8::2', '192.0.2.2']],
    ['east/v6', ['2001:db8::3']],
  ])
  overlay.settle()
  const addresses = (name: string) => overlay.spec(name).links?.map(({ bridge, address }) => `${bridge} ${address}`)
  assert.equal(addresses('east/v4')?.sort(), ['east/dual 192.0.2.2', 'east/v6 2001:db8::3'])
  assert.equal(addresses('east/dual')?.sort(), ['east/v4 192.0.2.1', 'east/v6 2001:db8::3'])
  assert.equal(addresses('east/v6')?.sort(), ['east/dual 2001:db8::2', 'east/v4 192.0.2.1'])
})

test('after a restore that lost the newest specs, serials and labels go on above what nodes have seen', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const { labelCursor = 0, serial = 0 } = overlay.spec('east/hub')
  overlay.programmed.set('east/hub', { epoch: 1, serial: serial + 10 })
  overlay.step()
  assert.is(overlay.spec('east/hub').serial, serial + 11)
  assert.ok(Math.abs((overlay.spec('east/hub').labelCursor ?? 0) - labelCursor) > 8000)
})

test('a node that never answers makes no spec grow beyond what the API server takes', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  const present = overlay.entry('east/n1')?.floodTree ?? 0
  const hub = overlay.spec('east/hub')
  const link = hub.links?.[0]?.id ?? 0
  const old = Array.from({ length: 2100 }, (_, index) => ({ vni: 7, tree: 40_000 + index, links: [link] }))
  overlay.published.set('east/hub', { ...hub, trees: [...(hub.trees ?? []), ...old] })
  const leaf = overlay.spec('east/n1')
  const flooding = { ...leaf, networks: leaf.networks?.map((entry) => ({ ...entry, floodTree: 42_099 })) ?? [] }
  overlay.published.set('east/n1', flooding)
  overlay.programmed.delete('east/n2')
  overlay.step()
  const { trees = [], retired = [] } = overlay.spec('east/hub')
  assert.is(trees.length, 2048)
  assert.ok(trees.some(({ tree }) => tree === present))
  assert.ok(trees.some(({ tree }) => tree === 42_099))
  assert.ok(retired.every((each) => each.trees.length <= 64))
  const reserved = retired.flatMap((each) => each.trees)
  assert.equal([...trees.map(({ tree }) => tree), ...reserved].length, 2101)
  // All of them go when the network does.
  overlay.topology = undefined
  overlay.step()
  assert.ok((overlay.spec('east/hub').retired ?? []).every((each) => each.trees.length <= 64))
})

test('the serial of another leader is no acknowledgement, whatever its number', () => {
  const overlay = new SmallOverlay(['east/hub', 'east/n1', 'east/n2'], STAR)
  overlay.epoch = 2
  overlay.step()
  for (const name of overlay.names) overlay.programmed.set(name, { epoch: 1, serial: overlay.spec(name).serial ?? 0 })
  const { waiting } = overlay.step()
  assert.equal(overlay.entry('east/n1')?.routes, [])
  assert.ok(waiting.some(({ reason }) => reason === 'AwaitingSupports'))
  overlay.acknowledge()
  overlay.step()
  assert.is(overlay.entry('east/n1')?.routes.length, 1)
})

test('at rest nothing is written, whatever the order of fields', () => {
  const overlay = settled(['east/hub', 'east/n1', 'east/n2'], STAR)
  for (const [name, spec] of overlay.published)
    overlay.published.set(name, Object.fromEntries(Object.entries(spec).reverse()) as NodeBridgeSpec)
  const { next, waiting, isSettled } = overlay.step()
  assert.is(next.size, 0)
  assert.equal(waiting, [])
  assert.ok(overlay.names.every((name) => isSettled('team/blue', name)))
})

test.run()
