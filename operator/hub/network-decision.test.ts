import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { vniCandidate } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sha256 } from '#runtime/digest.ts'
import type { BridgeReport } from './bridge-reports.ts'
import { type DecisionInput, decide } from './network-decision.ts'
import { NetworkIndex } from './network-index.ts'

const network = (over: { name?: string; namespace?: string; spec?: object; status?: object; created?: string } = {}) =>
  ({
    metadata: {
      name: over.name ?? 'blue',
      namespace: over.namespace ?? 'team-a',
      uid: `uid-${over.name ?? 'blue'}`,
      creationTimestamp: over.created ?? '2026-01-01T00:00:00Z',
    },
    spec: over.spec ?? {},
    ...(over.status ? { status: over.status } : {}),
  }) as VirtualNetwork

const report = (bridge: string, over: Partial<BridgeReport> = {}): BridgeReport => ({
  bridge,
  cluster: bridge.split('/')[0] ?? '',
  object: { namespace: '', name: '', uid: '', generation: undefined, resourceVersion: undefined },
  labels: {},
  spec: {},
  status: { underlayMTUBytes: 1500 },
  addresses: ['192.0.2.1'],
  nodeUID: 'uid',
  programmed: undefined,
  isReady: true,
  problem: undefined,
  ...over,
})

/** What an agent reports of its kernel. */
const says = (bridge: string, networks: { name: string; vni: number }[]): BridgeReport =>
  report(bridge, { status: { underlayMTUBytes: 1500, networks: networks.map((each) => ({ ...each, revision: 1 })) } })

type Over = Partial<Omit<DecisionInput, 'all'>> & { all?: VirtualNetwork[] }

const decideOn = (wished: VirtualNetwork, { all = [wished], ...over }: Over = {}) =>
  decide({
    network: wished,
    all: new NetworkIndex(all),
    class: { spec: {} } as never,
    namespaceLabels: {},
    reports: [report('east/n1')],
    connected: new Set(['east']),
    ownCluster: 'east',
    digest: sha256,
    ...over,
  })

test('a network without clusters spans the hub cluster, with numbers that depend on its name alone', () => {
  const decision = decideOn(network())
  assert.equal(decision.clusters, ['east'])
  assert.is(decision.mtuBytes, 1450)
  assert.is(decision.vni, decideOn(network()).vni)
  assert.is.not(decision.vni, decideOn(network({ name: 'red' })).vni)
})

test('a number belongs to the network that has it, and to one that a bridge still holds', () => {
  const other = network({ name: 'red', status: { vni: 100 } })
  const wished = network({ spec: { vni: 100 } })
  assert.match(decideOn(wished, { all: [wished, other] }).objection?.message ?? '', /team-a\/red/)
  const published = report('east/n1', { spec: { networks: [{ name: 'team-a/old', vni: 100 }] } as never })
  assert.is(decideOn(wished, { reports: [published] }).objection?.reason, 'VNIInUse')
  const retired = { epoch: 1, serial: 5, retired: [{ name: 'team-a/old', vni: 100, trees: [] }] }
  assert.match(
    decideOn(wished, { reports: [report('east/n1', { spec: retired, programmed: { epoch: 1, serial: 4 } })] }).objection
      ?.message ?? '',
    /east\/n1/,
  )
  assert.is(
    decideOn(wished, { reports: [report('east/n1', { spec: retired, programmed: { epoch: 1, serial: 5 } })] }).vni,
    100,
  )
})

test('a derived number steps aside for others, and comes back from the bridges after a restore', () => {
  const free = decideOn(network()).vni ?? 0
  const taken = network({ name: 'red', status: { vni: free } })
  assert.is.not(decideOn(network(), { all: [network(), taken] }).vni, free)
  const second = vniCandidate('team-a/blue', 1, sha256)
  const known = says('east/n1', [{ name: 'team-a/blue', vni: second }])
  assert.is(decideOn(network(), { reports: [known] }).vni, second)
  const published = report('east/n1', { spec: { networks: [{ name: 'team-a/blue', vni: 77 }] } as never })
  assert.is(decideOn(network(), { reports: [published, known] }).vni, 77)
})

test('an agent that lies renumbers nobody and stands in the way of nobody', () => {
  const derived = decideOn(network()).vni ?? 0
  const settled = network({ status: { vni: derived } })
  const all = Array.from({ length: 1000 }, (_, probe) => vniCandidate('team-a/blue', probe, sha256))
  const claims = [...all, 100].map((vni) => ({ name: 'evil/net', vni }))
  const liar = (bridge: string) => says(bridge, [...claims, { name: 'team-a/blue', vni: 4711 }])
  assert.is(decideOn(settled, { reports: [liar('east/n1')] }).vni, derived)
  assert.is(decideOn(network({ spec: { vni: 100 } }), { reports: [liar('east/n1')] }).vni, 100)
  const fresh = decideOn(network(), { reports: [liar('east/n1')] })
  assert.is(fresh.objection, undefined)
  assert.ok(all.includes(fresh.vni ?? 0))
  // Of a cluster that the network does not name nothing is heard at all.
  const elsewhere = says('west/n1', [{ name: 'team-a/blue', vni: vniCandidate('team-a/blue', 3, sha256) }])
  assert.is(decideOn(network(), { reports: [elsewhere, liar('west/n2')] }).vni, derived)
})

test('of two networks with one number the older keeps it', () => {
  const older = network({ status: { vni: 9 } })
  const younger = network({ name: 'red', status: { vni: 9 }, created: '2026-02-01T00:00:00Z' })
  assert.is(decideOn(older, { all: [older, younger] }).vni, 9)
  assert.is.not(decideOn(younger, { all: [older, younger] }).vni, 9)
})

test('the MTU is that of the smallest underlay, once every connected cluster has reported, and stays', () => {
  const wished = network({ spec: { clusters: ['east', 'west'] } })
  const both = new Set(['east', 'west'])
  const waiting = decideOn(wished, { connected: both })
  assert.is(waiting.mtuBytes, undefined)
  assert.equal(waiting.silent, { clusters: ['west'], mtuBytesOfOthers: 1450 })
  const west = report('west/n1', { status: { underlayMTUBytes: 1400 }, addresses: ['2001:db8::1'] })
  assert.is(decideOn(wished, { connected: both, reports: [report('east/n1'), west] }).mtuBytes, 1330)
  assert.is(decideOn(wished, { reports: [report('east/n1')] }).mtuBytes, 1450)
  const latched = network({ spec: { clusters: ['east', 'west'] }, status: { mtuBytes: 1450, vni: 5 } })
  assert.is(decideOn(latched, { connected: both, reports: [report('east/n1'), west] }).mtuBytes, 1450)
})

const rules = (spec: object) => ({ class: { spec } as never })

test('a class limits the networks of a namespace: those that came first are carried', () => {
  const names = ['one', 'two', 'three']
  const own = names.map((name, index) => network({ name, created: `2026-01-0${3 - index}T00:00:00Z` }))
  const others = [network({ namespace: 'team-b' }), network({ name: 'gold', spec: { className: 'gold' } })]
  const all = [...own, ...others]
  const reasons = own.map((each) => decideOn(each, { all, ...rules({ limits: { networks: 2 } }) }).objection)
  assert.equal(
    reasons.map((objection) => objection?.reason),
    ['LimitExceeded', undefined, undefined],
  )
  assert.match(reasons[0]?.message ?? '', /allows 2 networks .*\(spec.limits.networks\), and team-a has 2 .*: delete/)
})

const cases: [string, VirtualNetwork, Over, string | undefined][] = [
  ['no class', network({ spec: { className: 'gold' } }), { class: undefined }, 'ClassNotFound'],
  ['namespace by name', network(), rules({ allowedNamespaces: { names: ['team-a'] } }), undefined],
  ['namespace not named', network(), rules({ allowedNamespaces: { names: ['team-b'] } }), 'NamespaceNotAllowed'],
  [
    'namespace by label',
    network(),
    { ...rules({ allowedNamespaces: { matchLabels: { tier: 'gold' } } }), namespaceLabels: { tier: 'gold' } },
    undefined,
  ],
  ['cluster', network({ spec: { clusters: ['west'] } }), rules({ clusters: ['east'] }), 'ClusterNotAllowed'],
  [
    'cluster of the hubs',
    network({ spec: { topology: { type: 'Star', star: { hubs: { cluster: 'north', replicas: 1 } } } } }),
    rules({ clusters: ['east'] }),
    'ClusterNotAllowed',
  ],
  ['mailbox', network({ namespace: 'vnet-cluster-west' }), {}, 'NamespaceReserved'],
  ['long name', network({ name: 'n'.repeat(60) }), {}, 'NameTooLong'],
]
for (const [name, wished, over, reason] of cases)
  test(`policy: ${name}`, () => {
    assert.is(decideOn(wished, over).objection?.reason, reason)
  })

test.run()
