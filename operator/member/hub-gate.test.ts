// What a member does when its mailbox on the hub is another cluster's, or goes: it keeps away, and lets go of nothing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ANNOTATIONS } from '#crds/group.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Namespaces, NetworkAttachmentDefinitions, Nodes, Pods } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, carried, MAILBOX, pod, programmed, SYSTEM, startMember, type World } from './member-world.ts'

const test = suite<World>('hub gate')
test.before.each(async (world) => {
  Object.assign(world, await startMember())
})
test.after.each((world) => world.end())

const signal = new AbortController().signal
const projection = { namespace: MAILBOX, name: 'team-a.blue' }
const bridge = { namespace: SYSTEM, name: 'node-1' }
const serialHere = ({ west }: World) => west.read(NodeBridges, bridge)?.spec?.serial

/** The network is in force here. */
const settle = async (world: World): Promise<void> => {
  const { west, hub } = world
  await until(() => hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' }) !== undefined)
  carried(hub)
  await until(() => serialHere(world) === 1)
  programmed(west)
  await until(() => west.read(NetworkAttachmentDefinitions, BLUE) && west.read(VirtualNetworks, BLUE))
}

const writesTo = ({ hub }: World): number => hub.requests.filter(({ method }) => method !== 'GET').length

/** What the mailbox says, and would lead to if it were believed. */
const contradict = ({ hub }: World): void => {
  hub.modify(
    NodeBridges,
    { namespace: MAILBOX, name: 'node-1' },
    (object) => ({ ...object, spec: { ...object.spec, serial: 7 } }) as never,
  )
  hub.remove(VirtualNetworks, projection)
}

const pin = ({ hub }: World, uid: string): void => {
  hub.modify(Namespaces, { name: MAILBOX }, ({ metadata }) => ({
    metadata: { ...metadata, name: MAILBOX, annotations: { [ANNOTATIONS.clusterUid]: uid } },
  }))
}

test('keeps away from a mailbox that is pinned to another cluster, and keeps what is in force', async (world) => {
  await settle(world)
  pin(world, 'uid-of-another')
  const refusal = await world.gate.verify(signal)
  assert.is(refusal?.reason, 'ClusterUIDMismatch')
  assert.match(refusal?.message ?? '', /uid-of-another.*west-uid.*delete MemberCluster west/)
  const before = writesTo(world)
  contradict(world)
  world.west.seed(Pods, pod('alice') as never)
  world.west.modify(Nodes, { name: 'node-1' }, (node) => ({
    ...node,
    metadata: { ...node.metadata, labels: { rack: 'r2' } },
  }))
  // What concerns this cluster alone goes on.
  await until(() => world.west.list(NetworkEndpointSlices).length === 1)
  assert.match(String(world.gate.readiness), 'another cluster.name')
  assert.is(writesTo(world), before)
  assert.is(serialHere(world), 1)
  assert.ok(world.west.read(VirtualNetworks, BLUE))
  assert.ok(world.west.read(NetworkAttachmentDefinitions, BLUE))
  pin(world, 'west-uid')
  world.gate.reset()
  await until(() => world.gate.readiness === true)
})

test('a member of another cluster never writes to the mailbox', async (world) => {
  await world.end()
  const other = await startMember({ pinned: 'uid-of-another' })
  const { west, hub, gate } = Object.assign(world, other)
  await until(() => gate.refusal?.reason === 'ClusterUIDMismatch')
  west.seed(Pods, pod('alice') as never)
  await until(() => hub.openWatches >= 3)
  assert.is(writesTo(world), 0)
  assert.equal(west.list(NodeBridges), [])
})

test('a mailbox that is being deleted takes nothing with it', async (world) => {
  await settle(world)
  world.hub.modify(Namespaces, { name: MAILBOX }, ({ metadata }) => ({
    metadata: { ...metadata, name: MAILBOX, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['kubernetes'] },
  }))
  // The gate has not looked since: the withdrawal itself has to ask.
  const asked = () => world.hub.requests.filter(({ path }) => path === `/api/v1/namespaces/${MAILBOX}`).length
  const before = asked()
  world.hub.remove(VirtualNetworks, projection)
  await until(() => asked() > before && world.gate.refusal?.reason === 'MailboxTerminating')
  assert.ok(world.west.read(VirtualNetworks, BLUE))
  assert.ok(world.west.read(NetworkAttachmentDefinitions, BLUE))
})

test('what was found out stays true while the hub cannot be asked', async (world) => {
  await settle(world)
  await world.hub.stop()
  await world.gate.verify(signal).then(
    () => assert.unreachable(),
    () => undefined,
  )
  assert.is(world.gate.refusal, undefined)
})

test.run()
