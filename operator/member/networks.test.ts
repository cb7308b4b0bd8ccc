// A network's copy and attachment in this cluster: made anew with the network, and what becomes of failures.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ANNOTATIONS } from '#crds/group.ts'
import { NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { NetworkAttachmentDefinitions } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { networksOfBridge } from './informers.ts'
import { BLUE, carried, MAILBOX, programmed, SYSTEM, startMember, type World } from './member-world.ts'

const test = suite<World>('networks of a member')
test.before.each(async (world) => {
  Object.assign(world, await startMember())
})
test.after.each((world) => world.end())

const projection = { namespace: MAILBOX, name: 'team-a.blue' }
const seedNetwork = (world: World, { name = projection.name, uid = 'first', mtuBytes = 1430 } = {}): void => {
  world.hub.seed(VirtualNetworks, {
    metadata: { namespace: MAILBOX, name, annotations: { [ANNOTATIONS.originUid]: uid } },
    spec: { clusters: ['west'], mtu: mtuBytes },
    status: { vni: 7, mtuBytes, bridgeDevice: 'vn0123456789abc' },
  } as never)
}
const onBridges = async (world: World): Promise<void> => {
  await until(() => world.hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' }) !== undefined)
  carried(world.hub)
  await until(() => world.west.read(NodeBridges, { namespace: SYSTEM, name: 'node-1' })?.spec?.serial === 1)
  programmed(world.west)
}
const reasonOf = ({ hub }: World, name = projection.name) =>
  hub.read(VirtualNetworks, { namespace: MAILBOX, name })?.status?.clusters?.[0]?.reason

test('a network that is made anew under its name is a new one here too, with its new MTU', async (world) => {
  const { west } = world
  seedNetwork(world)
  await onBridges(world)
  await until(() => west.read(NetworkAttachmentDefinitions, BLUE)?.spec?.config?.includes('1430'))
  const [copy, attachment] = [west.read(VirtualNetworks, BLUE), west.read(NetworkAttachmentDefinitions, BLUE)]
  assert.is(copy?.metadata.annotations?.[ANNOTATIONS.originUid], 'first')
  const path = /namespaces\/team-a\/virtualnetworks\/blue$/
  const before = west.requests.length
  seedNetwork(world, { uid: 'second', mtuBytes: 1300 })
  await until(() => west.read(VirtualNetworks, BLUE)?.spec.mtu === 1300)
  await until(() => west.read(NetworkAttachmentDefinitions, BLUE)?.spec?.config?.includes('1300'))
  assert.is.not(west.read(VirtualNetworks, BLUE)?.metadata.uid, copy?.metadata.uid)
  assert.is.not(west.read(NetworkAttachmentDefinitions, BLUE)?.metadata.uid, attachment?.metadata.uid)
  // Fields that cannot change are never patched.
  const [first] = west.requests.slice(before).filter((it) => path.test(it.path) && it.method !== 'GET')
  assert.is(first?.method, 'DELETE')
  const { preconditions } = (first?.body ?? {}) as { preconditions?: object }
  assert.equal(preconditions, { uid: copy?.metadata.uid })
})

test('an attachment that cannot be written is named, and holds up no other network', async (world) => {
  const { west } = world
  seedNetwork(world)
  seedNetwork(world, { name: 'team-a.red' })
  west.failNext({ path: /network-attachment-definitions\/blue/, status: 403, reason: 'Forbidden', times: 1000 })
  await onBridges(world)
  await until(() => reasonOf(world) === 'AttachmentFailed')
  const [entry] = world.hub.read(VirtualNetworks, projection)?.status?.clusters ?? []
  assert.match(entry?.message ?? '', /NetworkAttachmentDefinition team-a\/blue.*403 Forbidden/)
  assert.ok(west.read(VirtualNetworks, BLUE), 'the copy is made all the same')
  await until(
    () => west.read(VirtualNetworks, { ...BLUE, name: 'red' }) && reasonOf(world, 'team-a.red') === 'NoBridges',
  )
})

test('a copy that cannot be written is reported, and holds up no attachment', async (world) => {
  const { west } = world
  west.failNext({ path: /virtualnetworks\/blue/, method: 'PATCH', status: 422, reason: 'Invalid', times: 1000 })
  seedNetwork(world, { uid: 'second' })
  await onBridges(world)
  await until(() => reasonOf(world) === 'ProjectionFailed')
  await until(() => west.read(NetworkAttachmentDefinitions, BLUE))
})

test('what a bridge reports concerns the networks that it names alone', () => {
  const bridge = {
    metadata: { name: 'node-1' },
    spec: { networks: [{ name: 'team-a/carried' }] },
    status: {
      networks: [{ name: 'team-a/carried' }, { name: 'team-a/left' }],
      problems: [{ subject: 'team-a/broken', reason: 'X', message: '' }],
    },
  }
  assert.equal(networksOfBridge(bridge as never), ['team-a/carried', 'team-a/left', 'team-a/broken'])
})

test.run()
