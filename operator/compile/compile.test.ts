import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile } from './compile.ts'
import { createCompileCache } from './compile-cache.ts'
import type { BridgeInput, CompileInput, LinkInput, NetworkInput } from './input.ts'
import { isReachable, type Topology } from './topology.ts'

const bridge = (name: string, over: Partial<BridgeInput> = {}): BridgeInput => ({
  bridge: name,
  cluster: name.split('/')[0] ?? '',
  labels: {},
  addresses: ['192.0.2.1'],
  nodeUID: `uid-${name}`,
  isReady: true,
  ...over,
})

const network = (over: Partial<NetworkInput> = {}): NetworkInput => ({
  network: 'team-a/blue',
  created: '',
  vni: 7,
  device: 'vn0123456789abc',
  mtuBytes: 1450,
  clusters: ['east', 'west'],
  topology: { type: 'Mesh' },
  labels: {},
  ...over,
})

const overlayLink = (a: string, b: string, cost = 10, over: Partial<LinkInput> = {}): LinkInput => ({
  name: `${a}-${b}`.replaceAll('/', '-'),
  a,
  b,
  cost,
  isUp: true,
  matchLabels: undefined,
  ...over,
})

const input = (over: Partial<CompileInput>): CompileInput => ({
  bridges: ['east/n1', 'east/n2', 'west/n1', 'west/n2'].map((name) => bridge(name)),
  sites: new Map(),
  networks: [network()],
  links: [],
  holdings: new Map(),
  ...over,
})

const compileOne = (over: Partial<CompileInput>): Topology => {
  const topology = compile(input(over)).topologies.get('team-a/blue')
  if (!topology) throw new Error('no topology')
  return topology
}

const star = (hubs: { cluster: string; site?: string; replicas: number }) =>
  network({ topology: { type: 'Star', star: { hubs } } })

test('a mesh has all links, no routes and no tree', () => {
  const topology = compileOne({})
  assert.equal(
    [...topology.neighbours.values()].map(({ size }) => size),
    [3, 3, 3, 3],
  )
  assert.is(topology.routes.size, 0)
  assert.is(topology.tree, undefined)
  assert.is(topology.components.length, 1)
})

test('only bridges of the clusters of a network carry it', () => {
  const topology = compileOne({ networks: [network({ clusters: ['west'] })] })
  assert.equal([...topology.access], ['west/n1', 'west/n2'])
  assert.equal([...topology.neighbours.keys()], ['west/n1', 'west/n2'])
})

test('a star goes through its hub, which only passes frames on when its cluster is not in the network', () => {
  const topology = compileOne({
    networks: [{ ...star({ cluster: 'east', replicas: 1 }), clusters: ['west'] }],
  })
  assert.equal([...topology.access], ['west/n1', 'west/n2'])
  assert.equal(topology.routes.get('west/n1')?.get('west/n2'), ['west/n1', 'east/n1', 'west/n2'])
  assert.equal([...(topology.tree?.get('east/n1') ?? [])].sort(), ['west/n1', 'west/n2'])
})

test('the hubs of a star are taken from the site, ready ones first', () => {
  const bridges = [
    bridge('east/n1', { labels: { site: 'core' }, isReady: false }),
    bridge('east/n2', { labels: { site: 'core' } }),
    bridge('east/n3'),
    bridge('west/n1'),
  ]
  const sites = new Map([
    [
      'east',
      [
        { name: 'core', matchLabels: { site: 'core' } },
        { name: 'rest', matchLabels: {} },
      ],
    ],
  ])
  const topology = compileOne({ bridges, sites, networks: [star({ cluster: 'east', site: 'core', replicas: 1 })] })
  assert.equal(topology.routes.get('east/n1')?.get('west/n1'), ['east/n1', 'east/n2', 'west/n1'])
  const other = compileOne({ bridges, sites, networks: [star({ cluster: 'east', site: 'rest', replicas: 2 })] })
  assert.equal(other.routes.get('east/n1')?.get('west/n1'), ['east/n1', 'east/n3', 'west/n1'])
  assert.is(other.problems[0]?.reason, 'TooFewHubs')
})

test('a star without any hub is split, and says why', () => {
  const topology = compileOne({ networks: [star({ cluster: 'north', replicas: 1 })] })
  assert.is(topology.problems[0]?.reason, 'NoHub')
  assert.is(topology.components.length, 4)
})

test('in a mesh the direct link wins, unless a path of OverlayLinks is cheaper', () => {
  const even = [overlayLink('east/n1', 'east/n2', 5), overlayLink('east/n2', 'west/n1', 5)]
  assert.is(compileOne({ links: even }).routes.size, 0)
  const cheaper = [overlayLink('east/n1', 'east/n2', 4), overlayLink('east/n2', 'west/n1', 5)]
  const topology = compileOne({ links: cheaper })
  assert.equal(topology.routes.get('east/n1')?.get('west/n1'), ['east/n1', 'east/n2', 'west/n1'])
  assert.ok(topology.tree)
})

test('a link counts only where it is up, selects the network, and both ends carry it', () => {
  const manual = network({ topology: { type: 'Manual' }, clusters: ['east'] })
  const links = [
    overlayLink('east/n1', 'east/n2', 10, { isUp: false }),
    overlayLink('east/n1', 'west/n1'),
    overlayLink('east/n2', 'east/n1', 10, { matchLabels: { tier: 'gold' } }),
  ]
  const overlay = compile(input({ networks: [manual], links }))
  assert.is(overlay.topologies.get('team-a/blue')?.components.length, 2)
  assert.equal(overlay.links.get('east-n1-east-n2')?.notIn[0]?.reason, 'AdminDown')
  assert.match(overlay.links.get('east-n1-west-n1')?.notIn[0]?.reason ?? '', /west\/n1 does not carry/)
  assert.equal(overlay.links.get('east-n2-east-n1'), { networks: [], notIn: [] })
})

test('a bridge that is not ready is passed only where there is no other way', () => {
  const links = [
    overlayLink('east/n1', 'east/n2', 1),
    overlayLink('east/n2', 'west/n1', 1),
    overlayLink('east/n1', 'west/n2', 50),
    overlayLink('west/n2', 'west/n1', 50),
  ]
  const bridges = (isReady: boolean) => [
    bridge('east/n1'),
    bridge('east/n2', { isReady }),
    bridge('west/n1'),
    bridge('west/n2'),
  ]
  const networks = [network({ topology: { type: 'Manual' } })]
  const path = (topology: Topology) => topology.routes.get('east/n1')?.get('west/n1')?.[1]
  assert.is(path(compileOne({ networks, links, bridges: bridges(true) })), 'east/n2')
  assert.is(path(compileOne({ networks, links, bridges: bridges(false) })), 'west/n2')
  const only = links.slice(0, 2)
  assert.is(path(compileOne({ networks, links: only, bridges: bridges(false) })), 'east/n2')
})

test('bridges without a common address family are named, and the cache sees when they get one', () => {
  const cache = createCompileCache()
  const compiled = (west: readonly string[]) => {
    const bridges = [bridge('east/n1'), bridge('west/n1', { addresses: west }), bridge('west/n2', { addresses: west })]
    return compile(input({ bridges }), cache).topologies.get('team-a/blue')?.problems ?? []
  }
  const [problem, ...others] = compiled(['2001:db8::1'])
  assert.equal([problem?.reason, others], ['NoCommonFamily', []])
  assert.match(problem?.message ?? '', /^east\/n1 and west\/n1 and 1 more pairs: one has IPv4 alone/)
  assert.equal(compiled(['2001:db8::1', '192.0.2.9']), [])
  const hub = bridge('east/n1', { addresses: ['192.0.2.1', '2001:db8::9'] })
  const leaves = [bridge('west/n1', { addresses: ['2001:db8::1'] }), bridge('west/n2')]
  const topology = { type: 'Star' as const, star: { hubs: { cluster: 'east', replicas: 1 } } }
  const star = compile(input({ bridges: [hub, ...leaves], networks: [network({ topology })] }))
  assert.equal(star.topologies.get('team-a/blue')?.problems, [])
})

test('what exceeds the limit of a flood tree is left out and named', () => {
  const bridges = [
    bridge('east/hub'),
    ...Array.from({ length: 1100 }, (_, index) => bridge(`west/n${String(index).padStart(4, '0')}`)),
  ]
  const topology = compileOne({
    bridges,
    networks: [network({ topology: { type: 'Manual' }, clusters: ['east', 'west'] })],
    links: bridges.slice(1).map(({ bridge: leaf }) => overlayLink('east/hub', leaf)),
  })
  assert.is(topology.tree?.get('east/hub')?.size, 1024)
  assert.ok(topology.problems.some(({ reason }) => reason === 'LimitExceeded'))
})

const names = ['east/a', 'east/b', 'east/c', 'west/a', 'west/b', 'west/c']
const anyLink = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom(...names), fc.integer({ min: 1, max: 12 }))
  .filter(([a, b]) => a !== b)
  .map(([a, b, cost]) => overlayLink(a, b, cost))

test('every tree spans each component once, and every path follows links', () => {
  fc.assert(
    fc.property(
      fc.array(anyLink, { maxLength: 12 }),
      fc.constantFrom('Mesh' as const, 'Manual' as const),
      fc.subarray(names),
      (links, type, unready) => {
        const bridges = names.map((name) => bridge(name, { isReady: !unready.includes(name) }))
        const topology = compileOne({ bridges, links, networks: [network({ topology: { type } })] })
        for (const group of topology.components)
          for (const from of group)
            for (const to of group) assert.ok(from === to || isReachable(topology, from, to), `${from} to ${to}`)
        for (const paths of topology.routes.values())
          for (const path of paths.values())
            for (const [index, next] of path.slice(1).entries())
              assert.ok(topology.neighbours.get(path[index] ?? '')?.has(next))
        if (topology.tree) {
          const branches = [...topology.tree.values()].reduce((sum, { size }) => sum + size, 0)
          const expected = topology.components.reduce((sum, group) => sum + 2 * (group.length - 1), 0)
          assert.is(branches, expected)
        }
      },
    ),
  )
})

test('the result does not depend on the order of the input', () => {
  fc.assert(
    fc.property(fc.array(anyLink, { maxLength: 8 }), fc.shuffledSubarray(names, { minLength: 6 }), (links, order) => {
      const topologyOf = (shuffled: string[], list: LinkInput[]) => {
        const { neighbours, tree, ...rest } = compileOne({
          bridges: shuffled.map((name) => bridge(name)),
          links: list,
          networks: [network({ topology: { type: 'Manual' } })],
        })
        const sets = (map: typeof neighbours | undefined) =>
          [...(map ?? [])].map(([name, set]) => `${name}: ${[...set].sort()}`).sort()
        const routes = [...rest.routes].flatMap(([, paths]) => [...paths.values()].map((path) => path.join('>'))).sort()
        return { neighbours: sets(neighbours), tree: sets(tree), routes, components: rest.components }
      }
      assert.equal(topologyOf(order, links), topologyOf(names, [...links].reverse()))
    }),
  )
})

test('a mesh of a thousand bridges compiles within ten seconds', () => {
  const bridges = Array.from({ length: 1000 }, (_, index) => bridge(`east/n${index}`))
  const startedAt = performance.now()
  const topology = compileOne({ bridges, networks: [network({ clusters: ['east'] })] })
  assert.is(topology.neighbours.get('east/n0')?.size, 999)
  assert.ok(performance.now() - startedAt < 10_000)
})

test.run()
