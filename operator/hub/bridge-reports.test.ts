import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { reportOf, usableAddress, withAddresses } from './bridge-reports.ts'
import { epochFloor } from './epoch-floor.ts'
import { createHeartbeatWatch } from './heartbeat.ts'
import { ABSENT_AFTER_MS, OutstandingSpecs } from './outstanding.ts'

const condition = (type: string, status: string, reason = 'Reason') => ({
  type,
  status,
  reason,
  message: 'text',
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
const member = (name: string, status = 'True') =>
  ({ metadata: { name }, spec: {}, status: { conditions: [condition('Ready', status)] } }) as MemberCluster
const object = (name: string, status: object, spec: object = {}) =>
  ({ metadata: { name, namespace: 'vnet-cluster-east', uid: name }, spec, status }) as NodeBridge
const ready = { addresses: ['192.0.2.1'], nodeUID: 'u', conditions: [condition('NodeReady', 'True')] }

test('addresses that nobody can send to are not believed', () => {
  const good = ['192.0.2.1', '10.0.0.1', '2001:db8::1', 'fd00::1']
  const bad = [
    '127.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'ff02::1',
    'fe80::1',
    'x',
    '1.2.3',
    '',
  ]
  const tricks = ['::ffff:10.0.0.7', '::10.0.0.7', '2001:db8::9%eth0', '64:ff9b::1', '0:0:0:0:0:0:0:1', '010.0.0.7']
  assert.equal(
    good.map((text) => usableAddress(text)),
    good,
  )
  assert.equal(
    [...bad, ...tricks].filter((text) => usableAddress(text)),
    [],
  )
})

test('an address written in another way is still that of the bridge that has it', () => {
  const reports = [
    reportOf(object('n1', { ...ready, addresses: ['2001:db8::7'] }), member('east')),
    reportOf(object('n2', { ...ready, addresses: ['2001:DB8:0::7'] }), member('west')),
  ]
  const settled = withAddresses(reports)
  assert.equal(
    settled.map(({ addresses }) => addresses),
    [['2001:db8::7'], []],
  )
  assert.match(settled[1]?.problem ?? '', /that of east\/n1/)
})

test('a bridge is ready when its cluster is connected, its node is ready and its kernel is able', () => {
  const problem = (status: object, cluster = member('east')) => reportOf(object('n1', status), cluster).problem
  assert.is(problem(ready), undefined)
  assert.match(problem(ready, member('east', 'False')) ?? '', /not connected/)
  assert.match(problem({ ...ready, conditions: [condition('NodeReady', 'False')] }) ?? '', /node is not ready/)
  const lacking = [condition('NodeReady', 'True'), condition('Preflight', 'False', 'NoTcx')]
  assert.match(problem({ ...ready, conditions: lacking }) ?? '', /NoTcx/)
})

test('what the agent of another overlay says counts for nothing but its address', () => {
  const status = {
    ...ready,
    programmedSerial: 4,
    programmedEpoch: 1,
    overlayUID: 'another',
    networks: [{ name: 'a/b' }],
  }
  const report = reportOf(object('n1', status, { serial: 4, epoch: 1 }), member('east'), 'overlay')
  assert.is(report.programmed, undefined)
  assert.is(report.status.networks, undefined)
  assert.match(report.problem ?? '', /belongs to overlay another/)
})

test('what another machine of the same name programmed does not count', () => {
  const spec = { serial: 4, nodeUID: 'old' }
  const programmed = { programmedSerial: 4, programmedEpoch: 1 }
  assert.is(
    reportOf(object('n1', { ...ready, nodeUID: 'old', ...programmed }, spec), member('east')).programmed?.serial,
    4,
  )
  assert.is(
    reportOf(object('n1', { ...ready, nodeUID: 'new', ...programmed }, spec), member('east')).programmed,
    undefined,
  )
})

test('an address belongs to the bridge that neighbours reach by it, and a silent bridge keeps its own', () => {
  const links = [{ id: 1, bridge: 'west/n1', address: '192.0.2.7' }]
  const reports = [
    reportOf(object('n1', ready, { links }), member('east')),
    reportOf(object('n2', { ...ready, addresses: ['192.0.2.7'] }), member('east')),
    reportOf(object('n1', { ...ready, addresses: undefined }), member('west')),
  ]
  const settled = new Map(withAddresses(reports).map((each) => [each.bridge, each]))
  assert.is(settled.get('west/n1')?.addresses[0], '192.0.2.7')
  assert.is(settled.get('east/n2')?.addresses[0], undefined)
  assert.match(settled.get('east/n2')?.problem ?? '', /that of west\/n1/)
})

test('a second family counts as well, until another bridge has that address', () => {
  const dual = { ...ready, addresses: ['192.0.2.1', '192.0.2.9', 'fe80::1', '2001:db8::1'] }
  const first = reportOf(object('n1', dual), member('east'))
  assert.equal(first.addresses, ['192.0.2.1', '2001:db8::1'])
  const rival = reportOf(object('n0', { ...ready, addresses: ['2001:db8::1'] }), member('east'))
  const settled = new Map(withAddresses([first, rival]).map((each) => [each.bridge, each]))
  assert.equal(settled.get('east/n1')?.addresses, ['192.0.2.1'])
  assert.ok(settled.get('east/n1')?.isReady)
  assert.equal(settled.get('east/n0')?.addresses, ['2001:db8::1'])
})

test('a member is alive while its Lease changes, whatever its clock says', () => {
  let ms = 1_000_000
  const clock = { now: () => Date.parse('2026-01-01T00:00:00Z') + ms, monotonicMs: () => ms }
  const watch = createHeartbeatWatch(clock)
  const lease = (renewTime: string) => ({ spec: { renewTime, leaseDurationSeconds: 40 } }) as never
  assert.not(watch.observe('west', lease('2025-01-01T00:00:00Z')).isAlive)
  assert.ok(watch.observe('west', lease('2025-01-01T00:00:10Z')).isAlive)
  ms += 39_000
  assert.ok(watch.observe('west', lease('2025-01-01T00:00:10Z')).isAlive)
  ms += 2_000
  assert.not(watch.observe('west', lease('2025-01-01T00:00:10Z')).isAlive)
  assert.not(watch.observe('north', lease('no time')).isAlive)
})

test('a bridge that owes an acknowledgement for long is overdue, and new serials do not excuse it', () => {
  let ms = 0
  const outstanding = new OutstandingSpecs({ now: () => ms, monotonicMs: () => ms })
  outstanding.observe('east/n1', 1, false)
  ms = ABSENT_AFTER_MS - 1
  outstanding.observe('east/n1', 2, false)
  assert.not(outstanding.isOverdue('east/n1'))
  ms += 2
  assert.ok(outstanding.isOverdue('east/n1'))
  assert.is(outstanding.get('east/n1')?.serial, 2)
  outstanding.observe('east/n1', 2, true)
  assert.not(outstanding.isOverdue('east/n1'))
})

test('the epoch goes on above what bridges have seen, but not above a forgery', () => {
  const bridges = [
    object('n1', { epoch: 7 }, { epoch: 5 }),
    object('n2', { epoch: 2 ** 52 }),
    object('n2', { epoch: 90, overlayUID: 'another' }),
    { ...object('n3', { epoch: 99 }), metadata: { name: 'n3', namespace: 'vnet-system' } },
  ]
  const namespaces = { lister: { get: () => ({ metadata: { uid: 'overlay' } }) } }
  assert.is(epochFloor({ namespaces, bridges: { lister: { list: () => bridges } } } as never), 7)
})

test.run()
