// Overlays so large, or members that claim so much, that bridges run out of links and labels.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile, compileInSteps } from './compile.ts'
import type { BridgeInput, CompileInput, Holding, NetworkInput } from './input.ts'

const bridges = (cluster: string, count: number): BridgeInput[] =>
  Array.from({ length: count }, (_, index) => ({
    bridge: `${cluster}/n${String(index).padStart(4, '0')}`,
    cluster,
    labels: {},
    addresses: ['192.0.2.1'],
    nodeUID: `uid-${cluster}-${index}`,
    isReady: true,
  }))

const network = (name: string, clusters: string[], over: Partial<NetworkInput> = {}): NetworkInput => ({
  network: `team/${name}`,
  created: '',
  vni: name.length,
  device: `vn${name}`,
  mtuBytes: 1450,
  clusters,
  topology: { type: 'Mesh' },
  labels: {},
  ...over,
})

const input = (over: Partial<CompileInput>): CompileInput => ({
  bridges: [],
  sites: new Map(),
  networks: [],
  links: [],
  holdings: new Map(),
  ...over,
})

const holding = (over: Partial<Holding> = {}): Holding => ({
  carried: new Map(),
  links: new Map(),
  labelOfPath: new Map(),
  ...over,
})

type Overlay = ReturnType<typeof compile>
const problemsOf = ({ topologies }: Overlay, name: string): string[] =>
  (topologies.get(`team/${name}`)?.problems ?? []).map(({ reason, message }) => `${reason}: ${message}`)
const neighboursOf = ({ topologies }: Overlay, name: string, bridge: string): number =>
  topologies.get(`team/${name}`)?.neighbours.get(bridge)?.size ?? 0

test('a member with thousands of bridges costs networks that it is not in nothing, and never stops the hub', () => {
  const all = [...bridges('zeta', 4200), ...bridges('beta', 2), ...bridges('gamma', 1)]
  const networks = [network('a-shared', ['beta', 'zeta']), network('private', ['beta', 'gamma'])]
  const steps = compileInSteps(input({ bridges: all, networks }))
  let longestMs = 0
  let overlay: Overlay | undefined
  while (!overlay) {
    const startedMs = performance.now()
    const { done, value } = steps.next()
    longestMs = Math.max(longestMs, performance.now() - startedMs)
    if (done) overlay = value
  }
  assert.equal([...(overlay.topologies.get('team/private')?.neighbours.get('beta/n0000') ?? [])].sort(), [
    'beta/n0001',
    'gamma/n0000',
  ])
  assert.match(
    problemsOf(overlay, 'a-shared')[0] ?? '',
    /^LimitExceeded: the network is left out: bridge beta\/n0000 .* 4201 copies of a flooded frame, the limit is 1024/,
  )
  assert.ok(longestMs < 1000, `one step took ${longestMs} ms`)
})

test('a carried mesh that outgrows what a bridge can copy keeps those that it has', () => {
  const all = [...bridges('zeta', 1024), ...bridges('beta', 3)]
  const shared = network('shared', ['beta', 'zeta'])
  const carried = new Map([[shared.network, { vni: shared.vni, paths: 2 }]])
  const holdings = new Map(all.slice(-3).map(({ bridge }) => [bridge, holding({ carried })]))
  const overlay = compile(input({ bridges: all, networks: [shared], holdings }))
  assert.is(neighboursOf(overlay, 'shared', 'beta/n0000'), 2)
  assert.match(problemsOf(overlay, 'shared')[0] ?? '', /left out: zeta\/n0000 and 1023 more bridges: bridge beta/)
})

const clusters = ['c1', 'c2', 'c3', 'c4', 'c5']
const meshes = clusters.map((cluster) => network(`${cluster}-shared`, ['beta', cluster]))
const crowd = [...clusters.flatMap((cluster) => bridges(cluster, 1000)), ...bridges('beta', 2), ...bridges('gamma', 1)]

test('links are shared by all networks: the one that needs too many is left out whole, the others have all of theirs', () => {
  const networks = [...meshes, network('private', ['beta', 'gamma']), network('again', ['beta', 'c1'])]
  const overlay = compile(input({ bridges: crowd, networks }))
  const counts = (name: string) => neighboursOf(overlay, name, 'beta/n0000')
  assert.equal(
    meshes.map(({ network: name }) => counts(name.slice(5))),
    [1001, 1001, 1001, 1001, 0],
  )
  assert.is(counts('private'), 2)
  assert.is(counts('again'), 1001)
  assert.match(
    problemsOf(overlay, 'c5-shared')[0] ?? '',
    /bridge beta\/n0000 \(and 1 more bridges\) has 4001 links and needs 1000 more, the limit is 4096: set spec.topology.type to Star/,
  )
  const star = network('c5-shared', ['beta', 'c5'], {
    topology: { type: 'Star', star: { hubs: { cluster: 'c5', replicas: 1 } } },
  })
  const mended = compile(input({ bridges: crowd, networks: [...meshes.slice(0, 4), star] }))
  assert.equal(problemsOf(mended, 'c5-shared'), [])
})

test('links that are published stay, whatever came before them in name', () => {
  const links = new Map(bridges('c5', 1000).map(({ bridge }) => [bridge, {}]))
  const { network: name, vni } = meshes[4] as NetworkInput
  const carried = new Map([[name, { vni, paths: 1001 }]])
  const all = [...bridges('c5', 1000), ...bridges('beta', 2)]
  const holdings = new Map(
    all.map(({ bridge, cluster }) => [bridge, holding({ carried, links: cluster === 'beta' ? links : new Map() })]),
  )
  const overlay = compile(input({ bridges: crowd, networks: meshes, holdings }))
  assert.equal(
    meshes.map((each) => neighboursOf(overlay, each.network.slice(5), 'beta/n0001')),
    [1001, 1001, 1001, 0, 1001],
  )
})

test('labels that are published count until they are gone', () => {
  const star: NetworkInput['topology'] = { type: 'Star', star: { hubs: { cluster: 'core', replicas: 1 } } }
  const all = [...bridges('core', 1), ...bridges('leaf', 100)]
  const networks = [network('star', ['leaf'], { topology: star })]
  const lost = (labels: string[]) => {
    const labelOfPath = new Map(labels.map((path) => [path, {}]))
    const holdings = new Map([['core/n0000', holding({ labelOfPath })]])
    const { topologies } = compile(input({ bridges: all, networks, holdings }))
    const paths = [...(topologies.get('team/star')?.routes.values() ?? [])].flatMap((routes) => [...routes.keys()])
    return { paths: paths.length, problems: topologies.get('team/star')?.problems ?? [] }
  }
  const old = (count: number) => Array.from({ length: count }, (_, index) => `core/n0000>old/n${index}`)
  assert.equal(lost(old(3996)), { paths: 9900, problems: [] })
  const own = bridges('leaf', 100).map(({ bridge }) => `core/n0000>${bridge}`)
  assert.equal(lost([...own, ...old(3996)]), { paths: 9900, problems: [] })
  const { paths, problems } = lost(old(3997))
  assert.is(paths, 99 * 99)
  assert.match(problems[0]?.message ?? '', /^99 paths do not fit, the first is/)
})

test.run()
