import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { admissionChecks, firstObjection, type NetworkView, readinessChecks } from './network-policies.ts'

const view = (change: Partial<NetworkView> = {}): NetworkView => ({
  network: 'team-a/blue',
  cluster: 'west',
  origin: undefined,
  isHome: false,
  namespace: { labels: { 'vnet.dev/stretch': 'allow' }, terminating: false },
  status: { vni: 7, mtuBytes: 1430, bridgeDevice: 'vn0123456789abc' },
  foreignAttachment: false,
  foreignNetwork: false,
  bridges: [{ name: 'node-1', nodeReady: true, carries: true, programmed: true }],
  ...change,
})
const bridge = (change: Partial<NetworkView['bridges'][number]>) => ({
  name: 'node-2',
  nodeReady: true,
  carries: true,
  programmed: true,
  ...change,
})
const objection = (change: Partial<NetworkView>) =>
  firstObjection([...admissionChecks, ...readinessChecks], view(change))

test('a network whose bridges are programmed is ready', () => {
  assert.is(objection({}), undefined)
})

for (const [change, reason, part] of [
  [{ namespace: undefined }, 'NamespaceMissing', 'create it'],
  [{ namespace: { labels: {}, terminating: true } }, 'NamespaceMissing', 'team-a'],
  [
    { namespace: { labels: {}, terminating: false } },
    'NamespaceNotStretched',
    'kubectl label namespace team-a vnet.dev/stretch=allow',
  ],
  [{ foreignNetwork: true }, 'NetworkConflict', 'networks are made on the hub'],
  [{ foreignAttachment: true }, 'AttachmentConflict', 'delete or rename'],
  [{ status: {} }, 'Pending', 'number'],
  [{ bridges: [] }, 'NoBridges', 'vnet-agent'],
  [{ bridges: [bridge({ carries: false })] }, 'NoBridges', 'west'],
  [{ bridges: [bridge({ problem: 'bridge vn0 is not ours' })] }, 'NodeProblem', 'vn0 is not ours'],
  [{ bridges: [bridge({ programmed: false })] }, 'NotProgrammed', 'node-2'],
] as [Partial<NetworkView>, string, string][])
  test(`${reason}: the message says what to do (${JSON.stringify(change).slice(0, 60)})`, () => {
    const found = objection(change)
    assert.is(found?.reason, reason)
    assert.match(found?.message ?? '', part)
  })

test('the home of a network needs no consent of its namespace', () => {
  assert.is(objection({ isHome: true, namespace: { labels: {}, terminating: false } }), undefined)
})

test('a node that is down does not hold up the others', () => {
  assert.is(objection({ bridges: [bridge({}), bridge({ nodeReady: false, programmed: false })] }), undefined)
})

test.run()
