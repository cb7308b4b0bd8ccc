import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inUseCondition } from './in-use.ts'
import { type ConditionInput, networkConditions } from './network-conditions.ts'
import type { BridgeProgress, NetworkReport } from './overlay-report.ts'

const bridge = (name: string, over: Partial<BridgeProgress> = {}): BridgeProgress => ({
  bridge: name,
  cluster: name.split('/')[0] ?? '',
  isAccess: true,
  isReady: true,
  isProgrammed: true,
  problem: undefined,
  ...over,
})

const report = (over: Partial<NetworkReport> = {}): NetworkReport => ({
  bridges: [bridge('east/n1'), bridge('west/n1')],
  components: [['east/n1', 'west/n1']],
  problems: [],
  draining: [],
  currentRevision: 'blue-1',
  previousRevision: undefined,
  ...over,
})

type Over = Partial<Omit<ConditionInput, 'decision'>> & {
  objection?: { reason: string; message: string }
  decision?: Partial<ConditionInput['decision']>
}

const conditions = (over: Over = {}) => {
  const { objection, decision, ...rest } = over
  const list = networkConditions({
    decision: {
      key: 'team-a/blue',
      clusters: ['east', 'west'],
      topology: { type: 'Mesh' },
      device: 'vn',
      vni: 7,
      mtuBytes: 1450,
      silent: { clusters: [], mtuBytesOfOthers: undefined },
      objection,
      ...decision,
    },
    report: report(),
    endpoints: { problems: [] },
    refusals: [],
    clusters: ['east', 'west'].map((name) => ({ name, isConnected: true, objection: undefined })),
    ...rest,
  })
  return (type: string) => list.find((each) => each.type === type)
}

test('one that waits for its VMs works, and says in Ready that it is going', () => {
  const departure = inUseCondition(3, ['east'])
  const found = conditions({ departure })
  assert.is(found('Ready')?.status, 'True')
  assert.is(found('Ready')?.reason, 'InUse')
  assert.match(found('Ready')?.message ?? '', /being deleted: 3 interfaces/)
  assert.is(found('Terminating')?.status, 'True')
})

test('all is well', () => {
  const found = conditions()
  for (const type of ['Ready', 'Accepted', 'Programmed', 'Connected']) assert.is(found(type)?.status, 'True', type)
  assert.is(found('Degraded')?.status, 'False')
})

test('names what is not programmed, and Ready gives the same reason', () => {
  const bridges = [bridge('east/n1'), bridge('west/n2', { isProgrammed: false, problem: 'waits for east/n1' })]
  const found = conditions({ report: report({ bridges }) })
  assert.is(found('Ready')?.reason, 'BridgesNotProgrammed')
  assert.match(found('Programmed')?.message ?? '', /1 of 2: west\/n2 \(waits for east\/n1\)/)
})

test('a cluster that is down and a node that is not ready degrade, and no more', () => {
  const down = { reason: 'HeartbeatLost', message: 'gone' }
  const found = conditions({
    clusters: [
      { name: 'east', isConnected: true, objection: undefined },
      { name: 'west', isConnected: false, objection: down },
    ],
    report: report({
      bridges: [
        bridge('east/n1'),
        bridge('east/n2', { isReady: false, isProgrammed: false, problem: 'its node is not ready: x' }),
        bridge('west/n1', { isReady: false, isProgrammed: false, problem: 'cluster west is not connected' }),
      ],
      draining: ['east/n2'],
    }),
  })
  assert.is(found('Ready')?.status, 'True')
  assert.is(found('Degraded')?.status, 'True')
  assert.match(
    found('Degraded')?.message ?? '',
    /ClustersNotConnected: west; BridgesNotReady: east\/n2 .*; DrainBlocked: east\/n2/,
  )
})

test('no connected cluster, an objection of a member, a split, a refusal: Ready says which', () => {
  const away = ['east', 'west'].map((name) => ({ name, isConnected: false, objection: undefined }))
  assert.is(
    conditions({ clusters: away, report: report({ bridges: [bridge('hub/n1', { isAccess: false })] }) })('Ready')
      ?.reason,
    'ClustersNotConnected',
  )
  const refused = { reason: 'NamespaceNotStretched', message: 'label it' }
  const clusters = [
    { name: 'east', isConnected: true, objection: undefined },
    { name: 'west', isConnected: true, objection: refused },
  ]
  assert.is(conditions({ clusters })('Ready')?.reason, 'NamespaceNotStretched')
  const split = conditions({ report: report({ components: [['east/n1'], ['west/n1']] }) })
  assert.match(split('Connected')?.message ?? '', /\[west\/n1\] cannot reach the other 1/)
  assert.is(split('Ready')?.reason, 'Split')
  const objection = { reason: 'ClassNotFound', message: 'no class' }
  assert.match(conditions({ objection })('Accepted')?.message ?? '', /no class; it goes on as revision blue-1/)
})

test('a network that waits for its MTU names the silent clusters and the ways out', () => {
  const silent = { clusters: ['west'], mtuBytesOfOthers: 1450 }
  const found = conditions({ report: undefined, decision: { mtuBytes: undefined, silent } })
  assert.is(found('Ready')?.reason, 'AwaitingMTU')
  assert.match(found('Ready')?.message ?? '', /^no node of west .*spec.mtu; in 120 s the MTU is taken from the others$/)
  const alone = { clusters: ['west'], mtuBytesOfOthers: undefined }
  assert.match(conditions({ decision: { mtuBytes: undefined, silent: alone } })('Ready')?.message ?? '', /spec.mtu$/)
})

test('a network that is left out for want of room says so, and not that bridges are missing', () => {
  const problem = { reason: 'LimitExceeded', message: 'the network is left out: bridge east/n1 carries 1024 networks' }
  const found = conditions({ report: report({ bridges: [], components: [], problems: [problem] }) })
  assert.is(found('Ready')?.status, 'False')
  assert.is(found('Ready')?.reason, 'LimitExceeded')
  assert.match(found('Ready')?.message ?? '', /left out: bridge east\/n1/)
})

test('duplicate MAC addresses are named, a few of many', () => {
  const problems = Array.from({ length: 8 }, (_, index) => ({
    reason: 'DuplicateMAC' as const,
    message: `vm-${index}`,
  }))
  const message = conditions({ endpoints: { problems } })('Degraded')?.message ?? ''
  assert.match(message, /DuplicateMAC: vm-0, vm-1, vm-2, vm-3, vm-4 and 3 more/)
})

test.run()
