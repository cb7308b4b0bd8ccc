// Uninstallation against an API server in memory; what it does to nodes is shown by test/e2e.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { IN_USE_FINALIZER, LABELS, MANAGED_BY } from '#crds/group.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { createLogger } from '#runtime/logging.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { DaemonSets, Namespaces, NetworkAttachmentDefinitions, Nodes, Pods, Secrets } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { uninstall } from './uninstall.ts'

type World = { server: FakeApiServer; log: string[] }
const SYSTEM = 'vnet-system'
const test = suite<World>('uninstall')
test.before.each(async (world) => {
  world.server = await FakeApiServer.start()
  world.log = []
})
test.after.each(({ server }) => server.stop())

const seedNode = ({ server }: World, name: string, status: string): void => {
  server.seed(Nodes, { metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } } as never)
}
const seedPod = ({ server }: World, component: string, node: string, ready: boolean): void => {
  server.seed(Pods, {
    metadata: { namespace: SYSTEM, name: `${component}-${node}`, labels: { 'app.kubernetes.io/component': component } },
    spec: { nodeName: node, containers: [] },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as never)
}

/** What the controllers of the cluster and the kubelets of living nodes do. */
const actAsCluster = (world: World, nodes: string[], living: string[]): void => {
  const { server } = world
  for (const node of living) {
    const agent = { namespace: SYSTEM, name: `agent-${node}` }
    if (server.read(Pods, agent)) server.remove(Pods, agent)
  }
  const ref = { namespace: SYSTEM, name: 'vnet-cleanup' }
  const daemonSet = server.read(DaemonSets, ref)
  if (daemonSet && !daemonSet.status) {
    for (const node of nodes) seedPod(world, 'cleanup', node, living.includes(node))
    const status = { observedGeneration: daemonSet.metadata?.generation ?? 1, desiredNumberScheduled: nodes.length }
    server.modify(DaemonSets, ref, (object) => ({ ...object, status }) as never)
  }
  if (!daemonSet)
    for (const node of living) {
      const pod = { namespace: SYSTEM, name: `cleanup-${node}` }
      if (server.read(Pods, pod)) server.remove(Pods, pod)
    }
}

const run = async (world: World, { isHub, act = () => {} }: { isHub: boolean; act?: () => void }): Promise<void> => {
  const destination = { write: (line: string) => void world.log.push(line) }
  await uninstall({
    client: world.server.client(),
    namespace: SYSTEM,
    cleanup: { metadata: { name: 'vnet-cleanup' } } as never,
    isHub,
    logger: createLogger({ level: 'info', name: 'test', destination }),
    signal: AbortSignal.timeout(20_000),
    waitUntil: (_, condition) =>
      until(
        async () => {
          act()
          return await condition()
        },
        { timeoutMs: 3_000 },
      ).then(() => undefined),
  })
}

test('a node that is down holds up nothing, and is named', async (world) => {
  const nodes = ['node-1', 'node-2', 'node-3']
  for (const node of nodes) {
    seedNode(world, node, node === 'node-2' ? 'Unknown' : 'True')
    seedPod(world, 'agent', node, true)
  }
  await run(world, { isHub: false, act: () => actAsCluster(world, nodes, ['node-1', 'node-3']) })
  const warned = world.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn')
  assert.equal(
    warned.map(({ node }) => node),
    ['node-2'],
  )
  assert.match(warned[0].msg, '--cleanup')
})

test('a node that is up is waited for', async (world) => {
  seedNode(world, 'node-1', 'True')
  await run(world, { isHub: false, act: () => actAsCluster(world, ['node-1'], []) }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, 'not true within'),
  )
})

test("the member's token goes, the user's Secret stays", async (world) => {
  const { server } = world
  for (const name of ['vnet-hub', 'vnet-hub-token']) server.seed(Secrets, { metadata: { namespace: SYSTEM, name } })
  await run(world, { isHub: false, act: () => actAsCluster(world, [], []) })
  assert.equal(
    server.list(Secrets).map(({ metadata }) => metadata?.name),
    ['vnet-hub'],
  )
})

for (const isHub of [true, false])
  test(`${isHub ? 'a hub' : 'a member'} whose kinds were removed before is uninstalled all the same`, async (world) => {
    const { server } = world
    const kinds = [VirtualNetworks, NodeBridges, NetworkEndpointSlices, NetworkAttachmentDefinitions]
    for (const kind of kinds) server.setMissing(kind, true)
    await run(world, { isHub, act: () => actAsCluster(world, [], []) })
    assert.equal(server.list(DaemonSets), [])
  })

test('a hub loses its mailboxes and nothing else; the networks stay and can be deleted', async (world) => {
  const { server } = world
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.cluster]: 'west' }
  server.seed(Namespaces, { metadata: { name: 'vnet-cluster-west', labels } })
  server.seed(Namespaces, { metadata: { name: 'payroll', labels } })
  server.seed(Namespaces, { metadata: { name: 'vnet-cluster-east' } })
  server.seed(VirtualNetworks, {
    metadata: { namespace: 'team-a', name: 'blue', finalizers: [IN_USE_FINALIZER, 'example.org/mine'] },
    spec: {},
  } as never)
  await run(world, { isHub: true, act: () => actAsCluster(world, [], []) })
  assert.equal(
    server.list(Namespaces).map(({ metadata }) => metadata?.name),
    ['payroll', 'vnet-cluster-east'],
  )
  assert.equal([...(server.list(VirtualNetworks)[0]?.metadata.finalizers ?? [])], ['example.org/mine'])
})

test.run()
