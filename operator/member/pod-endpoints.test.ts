import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { podView, smallPod } from './informers.ts'
import { attachmentsOf, endpointsOf, foreignNetworks, type PodView } from './pod-endpoints.ts'

const status = (entries: object[] | string): Record<string, string> => ({
  'k8s.v1.cni.cncf.io/network-status': typeof entries === 'string' ? entries : JSON.stringify(entries),
})
const pod = (name: string, mac: string, change: Partial<PodView> = {}): PodView => ({
  namespace: 'team-a',
  name,
  uid: `uid-${name}`,
  node: 'node-1',
  phase: 'Running',
  labels: {},
  annotations: status([{ name: 'team-a/blue', interface: 'net1', mac }]),
  ...change,
})
const MAC = '02:00:00:00:00:01'

test('reads the interfaces that Multus reports, lower-cased', () => {
  const annotations = status([
    { name: 'default', default: true },
    { name: 'team-a/blue', mac: '02:AA:00:00:00:01', ips: ['10.0.0.1', 7] },
  ])
  assert.equal(attachmentsOf({ annotations }), [
    { network: 'team-a/blue', mac: '02:aa:00:00:00:01', ips: ['10.0.0.1'] },
  ])
})

for (const [what, entries] of [
  ['no JSON', '{'],
  ['no list', '{"name":"team-a/blue"}'],
  ['entries of other types', [7, null, 'x'] as never],
  ['no MAC address', [{ name: 'team-a/blue' }]],
  ['a MAC address that is none', [{ name: 'team-a/blue', mac: '02:00:00:00:00' }]],
  ['a group address', [{ name: 'team-a/blue', mac: '01:00:5e:00:00:01' }]],
] as [string, object[] | string][])
  test(`a network status with ${what} binds nothing`, () => {
    assert.equal(attachmentsOf({ annotations: status(entries) }), [])
  })

test('a pod of the namespace has an endpoint, one of another namespace has none', () => {
  const stranger = pod('mallory', '02:00:00:00:00:99', { namespace: 'team-b' })
  const endpoints = endpointsOf('team-a/blue', [pod('alice', MAC), stranger], [])
  assert.equal(
    endpoints.map(({ pod }) => pod),
    ['team-a/alice'],
  )
  assert.equal(
    foreignNetworks(stranger, () => true),
    ['team-a/blue'],
  )
  assert.equal(
    foreignNetworks(pod('alice', MAC), () => true),
    [],
  )
})

for (const [what, change] of [
  ['has ended', { phase: 'Succeeded' }],
  ['has failed', { phase: 'Failed' }],
  ['is on no node', { node: undefined }],
] as [string, Partial<PodView>][])
  test(`a pod that ${what} has no endpoint`, () => {
    assert.equal(endpointsOf('team-a/blue', [pod('alice', MAC, change)], []), [])
  })

test('an endpoint that stays keeps its sequence; a MAC address that moves gets a higher one', () => {
  const [first] = endpointsOf('team-a/blue', [pod('alice', MAC)], [])
  assert.is(first?.sequence, 1)
  assert.equal(endpointsOf('team-a/blue', [pod('alice', MAC)], [first!]), [first])
  const [moved] = endpointsOf('team-a/blue', [pod('alice-2', MAC, { node: 'node-2' })], [first!])
  assert.is(moved?.sequence, 2)
})

test('a VM that moves stays the first, one with its address that came between is none', () => {
  const labels = { 'vm.kubevirt.io/name': 'db' }
  const start = endpointsOf('team-a/blue', [pod('db-1', MAC, { labels })], [])
  const thief = pod('thief', MAC)
  const both = endpointsOf('team-a/blue', [pod('db-1', MAC, { labels }), thief], start)
  const moved = endpointsOf('team-a/blue', [pod('db-2', MAC, { labels }), thief], both)
  assert.equal(
    moved.map(({ pod, sequence, first }) => [pod, sequence, first]),
    [
      ['team-a/db-2', 3, 1],
      ['team-a/thief', 2, 2],
    ],
  )
  const after = endpointsOf('team-a/blue', [thief], moved)
  const [back] = endpointsOf('team-a/blue', [pod('db-3', MAC, { labels }), thief], after)
  assert.is(back?.first, 3)
})

test('a migration target waits until KubeVirt says that the guest is there', () => {
  const labels = { 'kubevirt.io/migrationJobUID': 'm' }
  const waiting = pod('target', MAC, { labels })
  assert.is(endpointsOf('team-a/blue', [waiting], [])[0]?.role, 'Target')
  const ready = {
    ...waiting,
    annotations: { ...waiting.annotations, 'kubevirt.io/migration-target-ready-timestamp': '2026-01-01T00:00:00Z' },
  }
  const [active] = endpointsOf('team-a/blue', [ready], endpointsOf('team-a/blue', [waiting], []))
  assert.is(active?.role, 'Active')
  assert.is(active?.sequence, 2)
})

test('a few hundred bytes of a pod are kept, and the endpoints are the same', () => {
  const labels = { 'kubevirt.io/migrationJobUID': 'm', 'vm.kubevirt.io/name': 'db', app: 'x'.repeat(60) }
  const annotations = {
    ...pod('alice', MAC).annotations,
    'kubevirt.io/migration-target-ready-timestamp': 'now',
    big: 'x'.repeat(9999),
  }
  const whole = {
    metadata: { namespace: 'team-a', name: 'alice', uid: 'u', resourceVersion: '7', labels, annotations },
    spec: { nodeName: 'node-1', containers: [{ name: 'compute', env: [{ name: 'BIG', value: 'x'.repeat(9999) }] }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  }
  const small = smallPod(whole as never)
  assert.ok(JSON.stringify(small).length < 600)
  assert.is(small.metadata?.resourceVersion, '7')
  const endpoints = (it: object) => endpointsOf('team-a/blue', [podView(it as never)], [])
  assert.equal(endpoints(small), endpoints(whole))
  assert.is(endpoints(small)[0]?.vm, 'db')
})

test.run()
