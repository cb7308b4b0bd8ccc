import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import { type ClaimedSlice, type ClaimInput, judgeClaims } from './endpoint-claims.ts'

const endpoint = (mac: string, pod: string, over: Partial<NetworkEndpoint> = {}): NetworkEndpoint => ({
  mac,
  podUID: `uid-${pod}`,
  pod: `team-a/${pod}`,
  node: 'n1',
  role: 'Active',
  sequence: 1,
  first: 1,
  ...over,
})

const slice = (cluster: string, endpoints: NetworkEndpoint[], name = `team-a.blue.${cluster}.0`): ClaimedSlice => ({
  cluster,
  slice: { apiVersion: '', kind: '', metadata: { name }, spec: { network: 'team-a/blue', cluster, endpoints } },
})

const judge = (claimed: ClaimedSlice[], over: Partial<ClaimInput> = {}) =>
  judgeClaims({
    network: 'team-a/blue',
    clusters: ['east', 'west'],
    claimed,
    incumbents: new Set(),
    limit: undefined,
    ...over,
  })

const A = '02:00:00:00:00:0a'
const B = '02:00:00:00:00:0b'

test('whoever has a MAC address keeps it, wherever the second one is', () => {
  const claimed = [slice('east', [endpoint(A, 'new')]), slice('west', [endpoint(A, 'old')])]
  const { slices, problems } = judge(claimed, { incumbents: new Set([`west ${A} uid-old`]) })
  assert.equal(
    slices.flatMap(({ endpoints }) => endpoints.map(({ pod }) => pod)),
    ['team-a/old'],
  )
  assert.is(problems[0]?.reason, 'DuplicateMAC')
})

test('a VM on the move may hold its address twice, another VM may not', () => {
  const pair = [endpoint(A, 'pod-1', { vm: 'db' }), endpoint(A, 'pod-2', { vm: 'db', role: 'Target' })]
  assert.equal(judge([slice('east', pair)]).problems, [])
  const strangers = [endpoint(A, 'pod-1', { vm: 'db' }), endpoint(A, 'pod-2', { vm: 'web' })]
  assert.is(judge([slice('east', strangers)]).problems.length, 1)
})

test('a VM of the same name in another cluster is another VM', () => {
  const [east, west] = ['east', 'west'].map((cluster) => slice(cluster, [endpoint(A, `db-${cluster}`, { vm: 'db' })]))
  const { slices, problems } = judge([east!, west!], { incumbents: new Set([`west ${A} uid-db-west`]) })
  assert.equal(
    slices.map(({ cluster }) => cluster),
    ['west'],
  )
  assert.is(problems[0]?.reason, 'DuplicateMAC')
})

test('a cluster that left the network and came back is the later one', () => {
  const [alpha, west] = ['alpha', 'west'].map((cluster) =>
    slice(cluster, [endpoint(A, `vm-${cluster}`)], `team-a.blue.${cluster}.0`),
  )
  alpha!.slice.metadata.creationTimestamp = '2026-01-02T00:00:00Z'
  west!.slice.metadata.creationTimestamp = '2026-01-01T00:00:00Z'
  const { slices } = judge([alpha!, west!], { clusters: ['alpha', 'west'] })
  assert.equal(
    slices.map(({ cluster }) => cluster),
    ['west'],
  )
})

test('within a cluster whoever came first is handed on', () => {
  const later = endpoint(A, 'a-later', { sequence: 2, first: 2 })
  const first = endpoint(A, 'z-first', { vm: 'db', sequence: 10, first: 1 })
  assert.equal(
    judge([slice('east', [later, first])]).slices.flatMap(({ endpoints }) => endpoints.map(({ pod }) => pod)),
    ['team-a/z-first'],
  )
})

test('refuses what cannot be an interface of the network', () => {
  const bad = [
    endpoint('03:00:00:00:00:01', 'group'),
    endpoint('00:00:00:00:00:00', 'zero'),
    endpoint('02-00-00-00-00-01', 'form'),
    { ...endpoint(B, 'stranger'), pod: 'team-b/stranger' },
  ]
  const { slices, problems } = judge([slice('east', bad)])
  assert.equal(slices, [])
  assert.equal(
    problems.map(({ reason }) => reason),
    Array(4).fill('EndpointRefused'),
  )
})

test('refuses slices of clusters outside the network, and names that could hide those of others', () => {
  const claimed = [slice('north', [endpoint(A, 'x')]), slice('west', [endpoint(B, 'y')], 'team-a.blue.east.0')]
  const { slices, problems } = judge(claimed)
  assert.equal(slices, [])
  assert.equal(
    problems.map(({ reason }) => reason),
    ['SliceRefused', 'SliceRefused'],
  )
})

test('counts by cluster, up to the limit', () => {
  const { counts, problems } = judge([slice('east', [endpoint(A, 'a'), endpoint(B, 'b')])], { limit: 1 })
  assert.equal(
    [...counts],
    [
      ['east', 1],
      ['west', 0],
    ],
  )
  assert.is(problems[0]?.reason, 'LimitExceeded')
})

test('no MAC address ever has two owners, and what was accepted stays accepted', () => {
  const claims = fc.array(
    fc.record({
      cluster: fc.constantFrom('east', 'west'),
      mac: fc.constantFrom(A, B, '02:00:00:00:00:0c'),
      pod: fc.constantFrom('p', 'q', 'r'),
    }),
    { maxLength: 12 },
  )
  const slicesOf = (list: { cluster: string; mac: string; pod: string }[]) =>
    ['east', 'west'].map((cluster) =>
      slice(
        cluster,
        list.filter((each) => each.cluster === cluster).map(({ mac, pod }) => endpoint(mac, `${cluster}-${pod}`)),
      ),
    )
  fc.assert(
    fc.property(claims, claims, (first, more) => {
      const before = judge(slicesOf(first)).slices.flatMap(({ cluster, endpoints }) =>
        endpoints.map(({ mac, podUID }) => `${cluster} ${mac} ${podUID}`),
      )
      const after = judge(slicesOf([...first, ...more]), { incumbents: new Set(before) }).slices.flatMap(
        ({ cluster, endpoints }) => endpoints.map((each) => ({ cluster, ...each })),
      )
      const owners = new Map<string, string>()
      for (const { mac, podUID } of after) {
        assert.is(owners.get(mac) ?? podUID, podUID)
        owners.set(mac, podUID)
      }
      const present = new Set(after.map(({ cluster, mac, podUID }) => `${cluster} ${mac} ${podUID}`))
      for (const claim of before) assert.ok(present.has(claim), claim)
    }),
  )
})

test.run()
