import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ANNOTATIONS, IN_USE_FINALIZER } from '#crds/group.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { departureOf, inUseCondition } from './in-use.ts'

const test = suite('in-use protection')
const network = (metadata: object): VirtualNetwork =>
  ({ metadata: { name: 'blue', namespace: 'team-a', ...metadata }, spec: {} }) as VirtualNetwork
const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [IN_USE_FINALIZER] }
const counts = new Map([
  ['east', 2],
  ['west', 1],
])
const both = new Set(['east', 'west'])

test('a network that nobody deletes stays', () => {
  assert.is(departureOf(network({ finalizers: [IN_USE_FINALIZER] }), counts, both), undefined)
})

test('one with VMs waits for them, and says where they are', () => {
  assert.equal(departureOf(network(leaving), counts, both), { state: 'InUse', attached: 3, clusters: ['east', 'west'] })
  assert.match(inUseCondition(3, ['east']).message, /3 interfaces .* east: delete those VMs, or annotate/)
})

test('what a cluster that is down last said pins nothing', () => {
  assert.equal(departureOf(network(leaving), counts, new Set(['west'])), {
    state: 'InUse',
    attached: 1,
    clusters: ['west'],
  })
  assert.equal(departureOf(network(leaving), counts, new Set()), { state: 'Leaving' })
})

test('one without VMs, or that is to be forgotten, leaves', () => {
  assert.equal(departureOf(network(leaving), new Map(), both), { state: 'Leaving' })
  const forgotten = { ...leaving, annotations: { [ANNOTATIONS.forget]: 'true' } }
  assert.equal(departureOf(network(forgotten), counts, both), { state: 'Leaving' })
})

test.run()
