import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import { clusterOfBridge, gatherClaims } from './claims.ts'

const test = suite('claims')
const MAC = '02:00:00:00:00:01'

type Claimed = Partial<NetworkEndpoint> & { cluster: string; pod: string }
const winner = (home: string, ...claimed: Claimed[]): string | undefined => {
  const slices = claimed.map(({ cluster, ...change }) => {
    const endpoint: NetworkEndpoint = {
      mac: MAC,
      podUID: `uid-${cluster}-${change.pod}`,
      node: 'node-1',
      role: 'Active',
      sequence: 1,
      first: 1,
      ...change,
    }
    return { spec: { network: 'team-a/blue', cluster, endpoints: [endpoint] } }
  })
  const found = gatherClaims(slices, home).get('team-a/blue')?.get(MAC)?.winner
  return found && `${found.cluster} ${found.pod}`
}

test('a VM that moved often keeps its address against one that came later', () => {
  const moved = { cluster: 'east', pod: 'db-9', vm: 'db', sequence: 9, first: 1 }
  const old = { cluster: 'east', pod: 'db-8', vm: 'db', sequence: 8, first: 1 }
  const thief = { cluster: 'east', pod: 'thief', sequence: 2, first: 2 }
  assert.is(winner('east', thief, old, moved), 'east db-9')
  assert.is(winner('west', thief, moved), 'east db-9')
})

test('of two in different clusters, the one that the hub handed on keeps the address', () => {
  const ours = { cluster: 'east', pod: 'db', vm: 'db' }
  const theirs = { cluster: 'west', pod: 'db', vm: 'db', sequence: 7, first: 7 }
  assert.is(winner('east', ours, theirs), 'west db')
  assert.is(winner('east', ours), 'east db')
})

test('a target of a migration has no say', () => {
  assert.is(winner('east', { cluster: 'east', pod: 'db-2', vm: 'db', role: 'Target', sequence: 2 }), undefined)
})

test('the order of slices decides nothing', () => {
  const claim = fc.record({
    cluster: fc.constantFrom('east', 'west', 'south'),
    pod: fc.constantFrom('a', 'b', 'c'),
    vm: fc.option(fc.constantFrom('db', 'web'), { nil: undefined }),
    sequence: fc.integer({ min: 1, max: 3 }),
    first: fc.integer({ min: 1, max: 3 }),
  })
  const lists = fc
    .uniqueArray(claim, { maxLength: 6, selector: ({ cluster, pod }) => `${cluster} ${pod}` })
    .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))
  const clean = (list: typeof claim extends fc.Arbitrary<infer T> ? T[] : never): Claimed[] =>
    list.map(({ vm, ...rest }) => (vm === undefined ? rest : { ...rest, vm }))
  fc.assert(
    fc.property(lists, ([list, shuffled]) => {
      assert.is(winner('east', ...clean(list)), winner('east', ...clean(shuffled)))
    }),
  )
})

test('the cluster of a bridge', () => {
  assert.equal([clusterOfBridge('east/node-1'), clusterOfBridge(undefined), clusterOfBridge('x')], ['east', '', ''])
})

test.run()
