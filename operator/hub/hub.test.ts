// The hub's controllers together: members, networks, publication.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { findCondition } from '#runtime/conditions.ts'
import { MemberClusters, NetworkClasses, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { ControllerRevisions, Namespaces, Roles } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, HubWorld } from './hub-world.ts'

const hub = suite<{ world: HubWorld }>('hub')
hub.before.each(async (context) => {
  context.world = await HubWorld.start()
})
hub.after.each(async ({ world }) => await world.end())

hub('makes its own cluster a member, the default class, and mailboxes with the least rights', async ({ world }) => {
  await world.join('east', [])
  await until(() => world.server.read(NetworkClasses, { name: 'default' }) !== undefined)
  const role = () => world.server.read(Roles, { namespace: 'vnet-cluster-east', name: 'vnet-member' })
  await until(() => role() !== undefined)
  assert.ok(role()?.rules?.every(({ verbs, resources }) => !verbs.includes('*') && !resources?.includes('*')))
  await until(
    () =>
      findCondition(world.server.read(MemberClusters, { name: 'east' })?.status?.conditions as never, 'Ready')
        ?.status === 'True',
  )
})

hub('programs a mesh over two clusters and says when it is ready', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  await world.join('west', ['n1'])
  world.createNetwork({ clusters: ['east', 'west'] })
  await world.converge(() => world.isReady())
  const { status } = world.network() ?? {}
  assert.is(status?.mtuBytes, 1450)
  assert.is(status?.programmed, 3)
  assert.match(status?.bridgeDevice ?? '', /^vn[0-9a-v]{13}$/)
  const spec = world.bridge('west', 'n1')?.spec
  assert.equal(spec?.links?.map(({ bridge }) => bridge).sort(), ['east/n1', 'east/n2'])
  assert.equal(
    spec?.networks?.map(({ name, vni, floodTree }) => ({ name, vni, floodTree })),
    [{ name: 'team-a/blue', vni: status?.vni, floodTree: 0 }],
  )
  assert.is(spec?.overlayUID, 'overlay-uid')
  const projection = world.network({ namespace: 'vnet-cluster-west', name: 'team-a.blue' })
  assert.equal(projection?.spec.clusters, ['east', 'west'])
  assert.is(projection?.status?.vni, status?.vni)
  assert.ok(world.server.read(ControllerRevisions, { namespace: 'team-a', name: status?.currentRevision ?? '' }))
})

hub('names the bridges that have not programmed a network', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  world.createNetwork({})
  await world.converge(() => /east\/n2/.test(world.condition('Programmed')?.message ?? ''), ['east/n2'])
  assert.is(world.condition('Programmed')?.reason, 'BridgesNotProgrammed')
  assert.match(world.condition('Programmed')?.message ?? '', /has not programmed serial \d+, waiting since /)
  await world.converge(() => world.isReady())
})

hub('flips a star at its leaves only when the hub bridge has acknowledged', async ({ world }) => {
  await world.join('east', ['hub', 'n1', 'n2'])
  world.createNetwork({ topology: { type: 'Star', star: { hubs: { cluster: 'east', replicas: 1 } } } })
  const routes = () => world.bridge('east', 'n1')?.spec?.networks?.[0]?.routes ?? []
  await world.converge(() => world.bridge('east', 'hub')?.spec?.labels?.length === 2, ['east/hub'])
  assert.equal(routes(), [])
  await world.converge(() => world.isReady())
  assert.equal(
    routes().map(({ to }) => to),
    ['east/n2'],
  )
})

hub('a cluster that is down degrades only itself', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  world.createNetwork({ clusters: ['east', 'west'] })
  world.server.seed(MemberClusters, { metadata: { name: 'west' }, spec: {} } as never)
  await world.converge(() => world.isReady())
  assert.is(world.condition('Degraded')?.reason, 'ClustersNotConnected')
  assert.is(world.network()?.status?.clusters?.find(({ name }) => name === 'west')?.reason, 'AwaitingMember')
})

hub('refuses a second cluster under the name of the first, and writes nothing to it', async ({ world }) => {
  await world.join('west', ['n1'])
  const reason = () =>
    findCondition(world.server.read(MemberClusters, { name: 'west' })?.status?.conditions as never, 'Ready')?.reason
  await until(() => reason() === 'Connected')
  await until(() => world.bridge('west', 'n1')?.spec?.serial !== undefined)
  // The member reads here whose mailbox it is.
  await until(
    () =>
      world.server.read(Namespaces, { name: 'vnet-cluster-west' })?.metadata?.annotations?.['vnet.dev/cluster-uid'] ===
      'west-uid',
  )
  world.beat('west', 'another-uid')
  await until(() => reason() === 'ClusterUIDMismatch')
  const { serial } = world.bridge('west', 'n1')?.spec ?? {}
  await world.join('east', ['n1'])
  world.createNetwork({ clusters: ['east', 'west'] })
  await until(() => world.bridge('east', 'n1')?.spec?.networks?.length === 1)
  assert.is(world.bridge('west', 'n1')?.spec?.serial, serial)
  assert.is(world.network({ namespace: 'vnet-cluster-west', name: 'team-a.blue' }), undefined)
})

hub('a network that may not be carried gets its reason and disturbs no other', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  const RED = { namespace: 'team-a', name: 'red' }
  world.createNetwork({ className: 'gold' }, RED)
  world.createNetwork({ vni: 100 })
  await world.converge(() => world.isReady())
  assert.is(world.condition('Accepted', RED)?.reason, 'ClassNotFound')
  const GREEN = { namespace: 'team-a', name: 'green' }
  world.createNetwork({ vni: 100 }, GREEN)
  await until(() => world.condition('Accepted', GREEN)?.reason === 'VNIInUse')
  assert.match(world.condition('Accepted', GREEN)?.message ?? '', /team-a\/blue/)
})

hub('a network that waits for a place or a number gets it when another is deleted', async ({ world }) => {
  await world.join('east', [])
  world.server.seed(NetworkClasses, { metadata: { name: 'one' }, spec: { limits: { networks: 1 } } } as never)
  world.createNetwork({ className: 'one', vni: 100 })
  await until(() => world.condition('Accepted')?.status === 'True')
  const [second, namesake] = [
    { namespace: 'team-a', name: 'second' },
    { namespace: 'team-a', name: 'namesake' },
  ]
  world.createNetwork({ className: 'one' }, second)
  world.createNetwork({ vni: 100 }, namesake)
  await until(() => world.condition('Accepted', second)?.reason === 'LimitExceeded')
  await until(() => world.condition('Accepted', namesake)?.reason === 'VNIInUse')
  await world.server.client({ fieldManager: 'kubectl' }).delete(VirtualNetworks, BLUE)
  await until(() => [second, namesake].every((ref) => world.condition('Accepted', ref)?.status === 'True'))
})

hub('an edit that does not pass leaves the network as it was', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  world.createNetwork({})
  await world.converge(() => world.isReady())
  world.server.modify(VirtualNetworks, BLUE, (network: VirtualNetwork) => ({
    ...network,
    metadata: { ...network.metadata, generation: 2 },
    spec: { ...network.spec, className: 'gone' },
  }))
  await until(() => world.condition('Accepted')?.status === 'False')
  world.addNode('east', 'n3')
  await world.converge(() => world.bridge('east', 'n3')?.spec?.networks?.length === 1)
  assert.is(world.bridge('east', 'n1')?.spec?.networks?.length, 1)
})

hub.run()
