import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { tracePath } from './trace-path.ts'

const network = (links: number[], routes: { to: string; link: number; label: number }[] = []) => ({
  name: 'team-a/blue',
  vni: 7,
  device: 'vn0',
  mtuBytes: 1430,
  access: true,
  revision: 1,
  links,
  routes,
  floodTree: 0,
})
const link = (id: number, bridge: string) => ({ id, bridge, address: `10.0.0.${id}` })
// A star: the leaves reach each other through the hub.
const star = (): Map<string, NodeBridgeSpec> =>
  new Map([
    [
      'east/a',
      {
        bridge: 'east/a',
        links: [link(1, 'east/hub')],
        networks: [network([1], [{ to: 'west/b', link: 1, label: 16 }])],
      },
    ],
    [
      'east/hub',
      {
        bridge: 'east/hub',
        links: [link(1, 'east/a'), link(2, 'west/b')],
        networks: [network([1, 2])],
        labels: [{ label: 16, link: 2, nextLabel: 0, path: 'east/hub>west/b' }],
      },
    ],
    ['west/b', { bridge: 'west/b', links: [link(1, 'east/hub')], networks: [network([1])] }],
  ])

test('a direct link is one hop without a label', () => {
  assert.equal(tracePath(star(), 'team-a/blue', 'east/hub', 'west/b').hops, [
    { bridge: 'east/hub', link: 2, to: 'west/b', address: '10.0.0.2', label: 0 },
  ])
})

test('a label is followed to the last bridge', () => {
  const { hops, failure } = tracePath(star(), 'team-a/blue', 'east/a', 'west/b')
  assert.is(failure, undefined)
  assert.equal(
    hops.map(({ bridge, label }) => [bridge, label]),
    [
      ['east/a', 16],
      ['east/hub', 0],
    ],
  )
})

test('on one node there is no hop', () => {
  assert.equal(tracePath(star(), 'team-a/blue', 'east/a', 'east/a'), { hops: [] })
})

test('what is missing is named', () => {
  const specs = star()
  assert.match(tracePath(specs, 'team-a/blue', 'west/b', 'east/a').failure ?? '', 'west/b has no path to east/a')
  assert.match(tracePath(specs, 'team-a/red', 'east/a', 'west/b').failure ?? '', 'does not carry network team-a/red')
  delete specs.get('east/hub')?.labels
  assert.match(tracePath(specs, 'team-a/blue', 'east/a', 'west/b').failure ?? '', 'east/hub does not know label 16')
})

test('a loop ends', () => {
  const specs = star()
  specs.get('east/hub')!.labels = [{ label: 16, link: 1, nextLabel: 16, path: '' }]
  specs.get('east/a')!.labels = [{ label: 16, link: 1, nextLabel: 16, path: '' }]
  assert.match(tracePath(specs, 'team-a/blue', 'east/a', 'west/b').failure ?? '', 'loop')
})

test.run()
