import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile } from './compile.ts'
import type { BridgeInput, CompileInput, Holding, NetworkInput } from './input.ts'

const bridge = (name: string): BridgeInput => ({
  bridge: name,
  cluster: name.split('/')[0] ?? '',
  labels: {},
  addresses: ['192.0.2.1'],
  nodeUID: `uid-${name}`,
  isReady: true,
})

const network = (index: number, over: Partial<NetworkInput> = {}): NetworkInput => ({
  network: `team-a/net-${String(index).padStart(4, '0')}`,
  created: `2026-01-01T00:00:00Z`,
  vni: index + 1,
  device: `vn${index}`,
  mtuBytes: 1450,
  clusters: ['east'],
  topology: { type: 'Mesh' },
  labels: {},
  ...over,
})

const networks = (count: number): NetworkInput[] => Array.from({ length: count }, (_, index) => network(index))
const bridges = (cluster: string, count: number): BridgeInput[] =>
  Array.from({ length: count }, (_, index) => bridge(`${cluster}/n${index}`))

const input = (over: Partial<CompileInput>): CompileInput => ({
  bridges: bridges('east', 2),
  sites: new Map(),
  networks: [],
  links: [],
  holdings: new Map(),
  ...over,
})

/** What a bridge has of `list`, each with `paths`. */
const holding = (list: readonly NetworkInput[], paths: number): Holding => ({
  carried: new Map(list.map(({ network: name, vni }) => [name, { vni, paths }])),
  links: new Map(),
  labelOfPath: new Map(),
})

const carriedBy = ({ topologies }: ReturnType<typeof compile>, name: string): string[] =>
  [...topologies.values()].filter(({ members }) => members.includes(name)).map((each) => each.network)

const problemOf = ({ topologies }: ReturnType<typeof compile>, { network: name }: NetworkInput) =>
  topologies.get(name)?.problems[0]

test('of more networks than a bridge holds the last is left out and named, the others are whole', () => {
  const all = networks(1025)
  const overlay = compile(input({ networks: all }))
  assert.is(carriedBy(overlay, 'east/n1').length, 1024)
  const last = all[1024] as NetworkInput
  assert.equal(problemOf(overlay, last)?.reason, 'LimitExceeded')
  assert.match(
    problemOf(overlay, last)?.message ?? '',
    /^the network is left out: bridge east\/n0 \(and 1 more bridges\) carries 1024 networks, the limit is 1024: delete .* or take it out of spec.clusters$/,
  )
  assert.equal([...(overlay.topologies.get('team-a/net-0000')?.neighbours.get('east/n0') ?? [])], ['east/n1'])
})

test('who came first is served first: the older network, and before it the one that is carried', () => {
  const [first, ...others] = networks(1025) as [NetworkInput, ...NetworkInput[]]
  const younger = { ...first, created: '2026-02-01T00:00:00Z' }
  assert.is(problemOf(compile(input({ networks: [younger, ...others] })), first)?.reason, 'LimitExceeded')
  const holdings = new Map(['east/n0', 'east/n1'].map((name) => [name, holding([younger], 1)]))
  const overlay = compile(input({ networks: [younger, ...others], holdings }))
  assert.is(problemOf(overlay, first), undefined)
  assert.is(problemOf(overlay, others.at(-1) as NetworkInput)?.reason, 'LimitExceeded')
  // One of the same name with another number is another network.
  const namesake = new Map([['east/n0', holding([{ ...younger, vni: 9999 }], 1)]])
  const anew = compile(input({ networks: [younger, ...others], holdings: namesake }))
  assert.is(problemOf(anew, first)?.reason, 'LimitExceeded')
})

test('a network that leaves a bridge has its place there until it is gone', () => {
  const [leaving, ...others] = networks(1025) as [NetworkInput, ...NetworkInput[]]
  const all = [{ ...leaving, clusters: ['west'] }, ...others]
  const holdings = new Map([['east/n0', holding([leaving], 1)]])
  const overlay = compile(input({ networks: all, holdings, bridges: [...bridges('east', 2), bridge('west/n0')] }))
  assert.is(carriedBy(overlay, 'east/n0').length, 1023)
  assert.is(carriedBy(overlay, 'west/n0').length, 1)
  assert.is(compile(input({ networks: all })).topologies.get(others.at(-1)?.network ?? '')?.members.length, 2)
})

test('networks whose paths would fill the map of a node are left out before any node is stopped', () => {
  const many = bridges('east', 1000)
  const overlay = compile(input({ bridges: many, networks: networks(264) }))
  // 999 paths each, 229,376 at most.
  assert.is(carriedBy(overlay, 'east/n7').length, 229)
  assert.match(
    problemOf(overlay, network(263))?.message ?? '',
    /bridge east\/n0 \(and 999 more bridges\) holds 228771 paths, .*needs 999 more, the limit is 229376/,
  )
})

test('a bridge that comes is left out of a network that has no room to grow, and those that have it keep it', () => {
  const all = networks(255)
  const present = bridges('east', 900)
  const held = new Map(present.map(({ bridge: name }) => [name, holding(all, 899)]))
  const grown = compile(input({ bridges: bridges('east', 901), networks: all, holdings: held }))
  const counts = [...grown.topologies.values()].map(({ members }) => members.length)
  // 255 × 899 paths are held, and one more for each network that grows.
  assert.is(counts.filter((count) => count === 901).length, 229_376 - 255 * 899)
  assert.ok(counts.every((count) => count >= 900))
  assert.match(problemOf(grown, network(254))?.message ?? '', /^left out: east\/n900: bridge east\/n0 .* paths/)
  // Where no bridge comes, but paths do, there is a reserve.
  const linked = bridges('east', 905)
  const few = new Map(linked.map(({ bridge: name }) => [name, holding(all, 890)]))
  const regrown = compile(input({ bridges: linked, networks: networks(256), holdings: few }))
  assert.is(carriedBy(regrown, 'east/n904').length, 255)
  assert.ok([...regrown.topologies.values()].slice(0, 255).every(({ problems }) => problems.length === 0))
  assert.is(problemOf(regrown, network(255))?.reason, 'LimitExceeded')
  // The other cluster of an edit is full: the network goes on where it is.
  const west = networks(1024).map((each) => ({ ...each, network: each.network.replace('a', 'b'), clusters: ['west'] }))
  const edited = network(5000, { clusters: ['east', 'west'] })
  const holdings = new Map([
    ['west/n0', holding(west, 0)],
    ['east/n0', holding([edited], 1)],
    ['east/n1', holding([edited], 1)],
  ])
  const both = [...bridges('east', 2), bridge('west/n0')]
  const overlay = compile(input({ bridges: both, networks: [edited, ...west], holdings }))
  assert.equal(overlay.topologies.get(edited.network)?.members, ['east/n0', 'east/n1'])
  assert.is(carriedBy(overlay, 'west/n0').length, 1024)
})

test.run()
