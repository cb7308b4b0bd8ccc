// The hub's controllers together: endpoints, links, leaders, deletion.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { findCondition } from '#runtime/conditions.ts'
import { MemberClusters, NetworkEndpointSlices, OverlayLinks, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Namespaces } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, HubWorld } from './hub-world.ts'

const hub = suite<{ world: HubWorld }>('hub, sharing')
hub.before.each(async (context) => {
  context.world = await HubWorld.start()
})
hub.after.each(async ({ world }) => await world.end())

const slice = (cluster: string, endpoints: object[], over: { namespace?: string; name?: string } = {}) => ({
  metadata: { namespace: `vnet-cluster-${cluster}`, name: `team-a.blue.${cluster}.0`, labels: {}, ...over },
  spec: { network: 'team-a/blue', cluster, endpoints },
})
const endpoint = (mac: string, pod: string) => ({
  mac,
  podUID: `uid-${pod}`,
  pod: `team-a/${pod}`,
  node: 'n1',
  role: 'Active',
  sequence: 1,
  first: 1,
})

hub('hands endpoints on to the other clusters, the first claim of a MAC address wins', async ({ world }) => {
  await world.join('east', ['n1'])
  await world.join('west', ['n1'])
  world.createNetwork({ clusters: ['east', 'west'] })
  await world.converge(() => world.isReady())
  const copy = (at: string, of: string) =>
    world.server.read(NetworkEndpointSlices, { namespace: `vnet-cluster-${at}`, name: `team-a.blue.${of}.0` })
  world.server.seed(NetworkEndpointSlices, slice('west', [endpoint('02:00:00:00:00:01', 'vm-w')]) as never)
  await until(() => copy('east', 'west')?.spec.endpoints.length === 1)
  world.server.seed(
    NetworkEndpointSlices,
    slice('east', [
      endpoint('02:00:00:00:00:01', 'vm-e'),
      endpoint('02:00:00:00:00:02', 'vm-f'),
      endpoint('03:00:00:00:00:03', 'vm-g'),
    ]) as never,
  )
  await until(() => copy('west', 'east')?.spec.endpoints.length === 1)
  assert.is(copy('west', 'east')?.spec.endpoints[0]?.mac, '02:00:00:00:00:02')
  await until(() => world.condition('Degraded')?.reason === 'DuplicateMAC')
  assert.match(
    world.condition('Degraded')?.message ?? '',
    /east team-a\/vm-e 02:00:00:00:00:01: west team-a\/vm-w has it/,
  )
  assert.match(world.condition('Degraded')?.message ?? '', /EndpointRefused/)
  // What a member says about another cluster is not believed.
  world.server.seed(NetworkEndpointSlices, slice('north', [], { namespace: 'vnet-cluster-west' }) as never)
  await until(
    () =>
      world.server.read(NetworkEndpointSlices, { namespace: 'vnet-cluster-west', name: 'team-a.blue-north-0' }) ===
      undefined,
  )
})

hub('a mailbox that refuses what is written holds up no other, and the network names it', async ({ world }) => {
  const clusters = ['alpha', 'south', 'west']
  for (const cluster of clusters) await world.join(cluster, ['n1'])
  world.createNetwork({ clusters })
  const projection = (cluster: string, name: string) =>
    world.server.read(VirtualNetworks, { namespace: `vnet-cluster-${cluster}`, name })
  await world.converge(() => clusters.every((cluster) => projection(cluster, 'team-a.blue') !== undefined))
  const path = /namespaces\/vnet-cluster-alpha\/(networkendpointslices|virtualnetworks)/
  const message = 'exceeded quota: vnet-mailbox'
  world.server.failNext({ method: 'PATCH', path, status: 403, reason: 'Forbidden', message, times: 1_000_000 })
  const slices = { ...slice('south', [endpoint('02:00:00:00:00:01', 'vm')]) }
  world.server.seed(NetworkEndpointSlices, slices as never)
  const green = { namespace: 'team-a', name: 'green' }
  world.createNetwork({ clusters }, green)
  await world.converge(() => ['south', 'west'].every((cluster) => projection(cluster, 'team-a.green') !== undefined))
  const copy = { namespace: 'vnet-cluster-west', name: 'team-a.blue.south.0' }
  await until(() => world.server.read(NetworkEndpointSlices, copy) !== undefined)
  for (const ref of [BLUE, green])
    await world.converge(() =>
      /MailboxRefused: alpha \(.*exceeded quota: vnet-mailbox/.test(world.condition('Degraded', ref)?.message ?? ''),
    )
})

hub('counts the networks of a link and says why one cannot be used', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  world.createNetwork({ topology: { type: 'Manual' } })
  const link = (name: string, b: object) =>
    world.server.seed(OverlayLinks, {
      metadata: { name },
      spec: { a: { cluster: 'east', node: 'n1' }, b, adminState: 'Up', cost: 10 },
    } as never)
  link('good', { cluster: 'east', node: 'n2' })
  link('no-cluster', { cluster: 'north', node: 'n2' })
  link('no-bridge', { cluster: 'east', node: 'n9' })
  await world.converge(() => world.isReady())
  const readiness = (name: string) =>
    findCondition(world.server.read(OverlayLinks, { name })?.status?.conditions as never, 'Ready')
  await until(() => readiness('good')?.status === 'True')
  assert.is(world.server.read(OverlayLinks, { name: 'good' })?.status?.networks, 1)
  await until(() => readiness('no-cluster')?.reason === 'ClusterUnknown')
  await until(() => readiness('no-bridge')?.reason === 'UnknownBridge')
})

hub('a new leader goes on with the same numbers under a higher epoch', async ({ world }) => {
  await world.join('east', ['hub', 'n1', 'n2'])
  world.createNetwork({ topology: { type: 'Star', star: { hubs: { cluster: 'east', replicas: 1 } } } })
  await world.converge(() => world.isReady())
  const before = world.bridge('east', 'n1')?.spec
  await world.stepDown()
  world.lead()
  await world.converge(() => (world.bridge('east', 'n1')?.spec?.epoch ?? 0) > (before?.epoch ?? 0))
  await world.converge(() => world.isReady())
  const after = world.bridge('east', 'n1')?.spec
  assert.equal(after?.networks, before?.networks)
  assert.equal(after?.links, before?.links)
})

hub(
  'a new leader says nothing false: networks and links stay ready while it looks at them and nodes answer it',
  async ({ world }) => {
    await world.join('east', ['n1', 'n2'])
    await world.join('west', ['n1', 'n2'])
    world.createNetwork({ clusters: ['east', 'west'] })
    const link = { a: { cluster: 'east', node: 'n1' }, b: { cluster: 'west', node: 'n2' }, adminState: 'Up', cost: 5 }
    world.server.seed(OverlayLinks, { metadata: { name: 'direct' }, spec: link } as never)
    const isLinkReady = () =>
      findCondition(world.server.read(OverlayLinks, { name: 'direct' })?.status?.conditions as never, 'Ready')
        ?.status === 'True'
    await world.converge(() => world.isReady() && isLinkReady())
    const before = world.network()?.status
    await world.stepDown()
    const from = world.server.requests.length
    world.lead()
    // No agent answers until all that the change of leaders led to is decided and said: what is said of the probe comes after it.
    const probe = { namespace: 'team-a', name: 'probe' }
    world.createNetwork({ clusters: ['south'], mtu: 1400 }, probe)
    await until(() => world.condition('Programmed', probe)?.reason === 'NoBridges')
    assert.ok(
      (world.bridge('east', 'n1')?.spec?.epoch ?? 0) > (world.bridge('east', 'n1')?.status?.programmedEpoch ?? 0),
    )
    await world.converge(
      () => world.bridge('east', 'n1')?.spec?.epoch === world.bridge('east', 'n1')?.status?.programmedEpoch,
    )
    const statements = world.server.requests
      .slice(from)
      .filter(({ method, path }) => method === 'PATCH' && /(blue|direct)\/status$/.test(path))
      .flatMap(({ body }) => (body as VirtualNetwork).status?.conditions ?? [])
    assert.equal(
      statements.filter(({ type, status }) => ['Ready', 'Programmed'].includes(type) && status !== 'True'),
      [],
    )
    assert.equal(world.network()?.status?.currentRevision, before?.currentRevision)
  },
)

hub('a deleted network leaves bridges, mailboxes and slices', async ({ world }) => {
  await world.join('east', ['n1', 'n2'])
  world.createNetwork({})
  await world.converge(() => world.isReady())
  await world.server.client({ fieldManager: 'kubectl' }).delete(VirtualNetworks, BLUE)
  await world.converge(() => world.bridge('east', 'n1')?.spec?.networks?.length === 0)
  await until(() => world.network({ namespace: 'vnet-cluster-east', name: 'team-a.blue' }) === undefined)
  await world.converge(() => world.bridge('east', 'n1')?.spec?.links?.length === 0)
})

hub('a deleted member loses its mailbox, and the others its links', async ({ world }) => {
  await world.join('east', ['n1'])
  await world.join('west', ['n1'])
  world.createNetwork({ clusters: ['east', 'west'] })
  await world.converge(() => world.isReady())
  await world.server.client({ fieldManager: 'kubectl' }).delete(MemberClusters, { name: 'west' })
  await until(() => world.server.read(Namespaces, { name: 'vnet-cluster-west' }) === undefined)
  await world.converge(() => world.bridge('east', 'n1')?.spec?.links?.length === 0)
})

hub.run()
