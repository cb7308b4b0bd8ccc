import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { silentLogger } from '#runtime/logging.ts'
import type { NodeFacts } from '../desired/desired-state.ts'
import { FakeKernel } from '../desired/fake-kernel.ts'
import type { Outcome } from '../desired/node-status.ts'
import type { Operation } from '../desired/operation.ts'
import { Reconciler } from './reconcile.ts'

const test = suite('reconciler')

const atHome: NodeFacts = { nodeUID: 'uid', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1'] }
const nowhere: NodeFacts = { nodeUID: 'uid', underlayDevice: '', underlayMTUBytes: 0, addresses: [] }
const spec: NodeBridgeSpec = {
  serial: 1,
  epoch: 1,
  bridge: 'east/node-1',
  links: [{ id: 5, bridge: 'east/node-2', address: '10.9.0.2' }],
  networks: [],
}
const identity = { epoch: 1, overlayUID: 'overlay', nodeUID: 'uid' }

/** A node whose facts are what `facts` gives, with a record of what was done to its kernel. */
const makeNode = () => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', mac: '02:00:00:00:00:01', isUp: true, addresses: atHome.addresses })
  const node = { kernel, applied: [] as Operation[], facts: async () => atHome }
  const reconciler = new Reconciler({
    kernel: {
      observe: async () => kernel.observe(),
      interfaces: async () => kernel.observe().interfaces,
      apply: async (operation) => {
        node.applied.push(operation)
        kernel.apply(operation)
      },
    },
    programs: 'one',
    results: { read: () => ({ attachments: [], failures: [] }) },
    hints: () => [],
    preflight: async () => [],
    facts: () => node.facts(),
    udpPort: undefined,
    fastPath: 'Auto',
    kernelVersion: '6.1',
    agentVersion: '1',
  })
  const reconcile = (): Promise<Outcome> => {
    node.applied = []
    return reconciler.reconcile({ identity, spec, slices: [], refusal: undefined }, silentLogger)
  }
  return { node, reconcile }
}

const guardsOf = (kernel: FakeKernel): string[] =>
  kernel
    .observe()
    .filters.filter(({ device }) => device === 'eth0')
    .map(({ direction, program }) => `${direction} ${program}`)
    .sort()

test('interfaces that cannot be read stop the round: nothing is changed, and the addresses stay as they were told', async () => {
  const { node, reconcile } = makeNode()
  assert.equal((await reconcile()).programmed?.failures, [])
  node.facts = () => Promise.reject(new Error('ip: out of memory'))
  const outcome = await reconcile()
  assert.equal(node.applied, [])
  assert.is(outcome.unreadable?.reason, 'ObservationFailed')
  assert.match(outcome.unreadable?.message ?? '', 'out of memory')
  assert.is(outcome.programmed, undefined)
  assert.equal(outcome.facts, atHome)
  node.facts = async () => atHome
  assert.is((await reconcile()).unreadable, undefined)
})

test('a node that could never read its interfaces is heard of all the same', async () => {
  const { node, reconcile } = makeNode()
  node.facts = () => Promise.reject(new Error('ip: out of memory'))
  const outcome = await reconcile()
  assert.equal(outcome.facts, nowhere)
  assert.is(outcome.unreadable?.reason, 'ObservationFailed')
})

test('the guards of the underlay stay where they are while it is not known, and move when it is', async () => {
  const { node, reconcile } = makeNode()
  await reconcile()
  const guards = ['egress underlay_egress', 'ingress underlay_entry']
  assert.equal(guardsOf(node.kernel), guards)
  node.facts = async () => nowhere
  await reconcile()
  assert.equal(guardsOf(node.kernel), guards)
  node.kernel.add({ name: 'eth1', mac: '02:00:00:00:00:02', isUp: true, addresses: ['10.9.1.1'] })
  node.facts = async () => ({ ...atHome, underlayDevice: 'eth1', addresses: ['10.9.1.1'] })
  await reconcile()
  assert.equal(guardsOf(node.kernel), [])
})

test.run()
