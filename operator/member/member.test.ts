// The member's controllers together, against two API servers in memory: its own cluster's and the hub's.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LABELS } from '#crds/group.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Events, Leases, NetworkAttachmentDefinitions, Pods } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, carried, MAILBOX, pod, programmed, SYSTEM, startMember, type World } from './member-world.ts'

const member = suite<World>('member')
member.before.each(async (world) => {
  Object.assign(world, await startMember())
})
member.after.each((world) => world.end())

member('makes a NodeBridge for each node, brings its spec down and its status up', async ({ west, hub }) => {
  await until(() => hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' })?.metadata.labels?.rack === 'r1')
  carried(hub)
  await until(() => west.read(NodeBridges, { namespace: SYSTEM, name: 'node-1' })?.spec?.serial === 1)
  assert.is(
    west.read(NodeBridges, { namespace: SYSTEM, name: 'node-1' })?.metadata.ownerReferences?.[0]?.uid,
    'node-uid',
  )
  programmed(west)
  await until(() => hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' })?.status?.programmedSerial === 1)
  const conditions = hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' })?.status?.conditions
  assert.is(conditions?.find(({ type }) => type === 'NodeReady')?.status, 'True')
})

member('keeps a newer spec in force when the hub shows an older one, and says so', async ({ west, hub }) => {
  const up = { namespace: MAILBOX, name: 'node-1' }
  const own = { namespace: SYSTEM, name: 'node-1' }
  await until(() => hub.read(NodeBridges, up) !== undefined)
  const write = (epoch: number, serial: number): void => {
    hub.modify(NodeBridges, up, (bridge) => ({ ...bridge, spec: { bridge: 'west/node-1', epoch, serial } }))
  }
  const taken = () => hub.read(NodeBridges, up)?.status?.conditions?.find(({ type }) => type === 'SpecTaken')
  write(2, 5)
  await until(() => west.read(NodeBridges, own)?.spec?.serial === 5 && taken()?.status === 'True')
  for (const [epoch, serial] of [
    [2, 4],
    [1, 9],
  ] as const) {
    write(epoch, serial)
    await until(() => taken()?.message.includes(`serial ${serial} of epoch ${epoch}`))
    assert.equal([taken()?.reason, west.read(NodeBridges, own)?.spec?.serial], ['OldSpec', 5])
  }
  hub.modify(NodeBridges, up, (bridge) => ({ ...bridge, spec: {} }))
  await until(() => taken()?.status === 'True')
  assert.is(west.read(NodeBridges, own)?.spec?.serial, 5)
  write(3, 1)
  await until(() => west.read(NodeBridges, own)?.spec?.epoch === 3)
})

member('offers the attachment when the bridges have the network, and reports readiness', async ({ west, hub }) => {
  await until(() => hub.read(NodeBridges, { namespace: MAILBOX, name: 'node-1' }) !== undefined)
  await until(
    () =>
      hub.read(VirtualNetworks, { namespace: MAILBOX, name: 'team-a.blue' })?.status?.clusters?.[0]?.reason ===
      'NoBridges',
  )
  assert.is(west.read(NetworkAttachmentDefinitions, BLUE), undefined)
  carried(hub)
  await until(() => west.read(NodeBridges, { namespace: SYSTEM, name: 'node-1' })?.spec?.serial === 1)
  programmed(west)
  await until(
    () => hub.read(VirtualNetworks, { namespace: MAILBOX, name: 'team-a.blue' })?.status?.clusters?.[0]?.ready === true,
  )
  assert.match(west.read(NetworkAttachmentDefinitions, BLUE)?.spec?.config ?? '', 'vn0123456789abc')
  assert.is(west.read(VirtualNetworks, BLUE)?.metadata.labels?.[LABELS.projected], 'true')
  hub.client().delete(VirtualNetworks, { namespace: MAILBOX, name: 'team-a.blue' })
  await until(() => !west.read(VirtualNetworks, BLUE) && !west.read(NetworkAttachmentDefinitions, BLUE))
})

member('leaves an attachment of somebody else alone and says so', async ({ west, hub }) => {
  west.seed(NetworkAttachmentDefinitions, { metadata: BLUE, spec: { config: '{"type":"macvlan"}' } })
  await until(
    () =>
      hub.read(VirtualNetworks, { namespace: MAILBOX, name: 'team-a.blue' })?.status?.clusters?.[0]?.reason ===
      'AttachmentConflict',
  )
  assert.is(west.read(NetworkAttachmentDefinitions, BLUE)?.spec?.config, '{"type":"macvlan"}')
})

member('publishes endpoints here and to the hub, and takes in those of other clusters', async ({ west, hub }) => {
  await until(() => west.read(VirtualNetworks, BLUE) !== undefined)
  west.seed(Pods, pod('alice') as never)
  const name = 'team-a.blue.west.0'
  await until(
    () => hub.read(NetworkEndpointSlices, { namespace: MAILBOX, name })?.spec.endpoints[0]?.podUID === 'uid-alice',
  )
  assert.is(west.read(NetworkEndpointSlices, { namespace: SYSTEM, name })?.spec.cluster, 'west')
  hub.seed(NetworkEndpointSlices, {
    metadata: { namespace: MAILBOX, name: 'team-a.blue.east.0' },
    spec: { network: 'team-a/blue', cluster: 'east', endpoints: [] },
  } as never)
  await until(() => west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: 'team-a.blue.east.0' }) !== undefined)
  await west.client().delete(Pods, { namespace: 'team-a', name: 'alice' })
  await until(
    () =>
      !hub.read(NetworkEndpointSlices, { namespace: MAILBOX, name }) &&
      !west.read(NetworkEndpointSlices, { namespace: SYSTEM, name }),
  )
})

member(
  'takes nothing in that bears the name of one of its own slices, or a name that is not its own',
  async ({ west, hub }) => {
    await until(() => west.read(VirtualNetworks, BLUE) !== undefined)
    west.seed(Pods, pod('alice') as never)
    const own = { namespace: SYSTEM, name: 'team-a.blue.west.0' }
    await until(() => hub.read(NetworkEndpointSlices, { namespace: MAILBOX, name: own.name }) !== undefined)
    const foreign = { network: 'team-a/blue', cluster: 'east', endpoints: [] }
    hub.modify(NetworkEndpointSlices, { ...own, namespace: MAILBOX }, (slice) => ({ ...slice, spec: foreign }) as never)
    for (const name of ['team-a.blue.north.0', 'team-a.blue.east.0'])
      hub.seed(NetworkEndpointSlices, { metadata: { namespace: MAILBOX, name }, spec: foreign } as never)
    await until(() => west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: 'team-a.blue.east.0' }) !== undefined)
    assert.is(west.read(NetworkEndpointSlices, own)?.spec.cluster, 'west')
    assert.is(west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: 'team-a.blue.north.0' }), undefined)
  },
)

member('publishes local endpoints while the hub is away', async ({ west, hub }) => {
  await until(() => west.read(VirtualNetworks, BLUE) !== undefined)
  await hub.stop()
  west.seed(Pods, pod('alice') as never)
  await until(() => west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: 'team-a.blue.west.0' }) !== undefined)
})

member('warns a pod of another namespace and gives it no endpoint', async ({ west }) => {
  await until(() => west.read(VirtualNetworks, BLUE) !== undefined)
  west.seed(Pods, pod('mallory', 'team-b') as never)
  await until(() => west.list(Events).some(({ reason }) => reason === 'NetworkNotAllowed'))
  assert.equal(west.list(NetworkEndpointSlices), [])
})

member('tells the hub that it lives, and who it is', async ({ hub }) => {
  await until(() => hub.read(Leases, { namespace: MAILBOX, name: 'member' }) !== undefined)
  const { metadata, spec } = hub.read(Leases, { namespace: MAILBOX, name: 'member' })!
  assert.is(metadata?.annotations?.['vnet.dev/cluster-uid'], 'west-uid')
  assert.is(metadata?.annotations?.['vnet.dev/version'], '0.0.0-test')
  assert.is(spec?.holderIdentity, 'west')
})

member.run()
