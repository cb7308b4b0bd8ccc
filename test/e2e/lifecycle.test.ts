// What comes and goes: foreign devices, nodes, clusters, networks, the product itself.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bridgeDevice } from '#crds/names.ts'
import { sha256 } from '#runtime/digest.ts'
import type { KernelSnapshot } from '#test/lab/kernel-snapshot.ts'
import type { Laboratory } from '#test/lab/lab.ts'
import { runOrThrow } from '#test/lab/processes.ts'
import type { Vm } from '#test/lab/vm.ts'
import { waitUntil } from '#test/lab/wait-until.ts'
import { installOverlay, SYSTEM_NAMESPACE } from '#test/overlay/install.ts'
import { addressOf, createNamespace, createNetwork, createVms, fourVms, waitForNetwork } from '#test/overlay/network.ts'
import { say, startLab, type World } from '#test/overlay/world.ts'

const test = suite<World & { vms: Vm[]; before: Map<string, KernelSnapshot> }>('lifecycle')

const snapshots = async (lab: Laboratory): Promise<Map<string, KernelSnapshot>> =>
  new Map(
    await Promise.all(
      lab.nodes.map(async (node): Promise<[string, KernelSnapshot]> => [node.key, await node.snapshot()]),
    ),
  )

const untilReaches = (from: Vm, number: number, timeoutMs = 60_000) =>
  waitUntil(async () => (await from.ping(addressOf(number))) === 1, {
    what: `${from.pod} reaches ${addressOf(number)}`,
    timeoutMs,
  })

const conditionOf = async (
  { hub }: World,
  object: string,
  type: string,
): Promise<{ status: string; reason: string; message: string }> => {
  const conditions = JSON.parse(await hub.kubectl(['get', ...object.split(' '), '-o', 'json'])).status?.conditions ?? []
  return (
    conditions.find((condition: { type: string }) => condition.type === type) ?? {
      status: 'Unknown',
      reason: '',
      message: '',
    }
  )
}

/** What other programs have on a node: a bridge, a VXLAN device, a filter on the underlay, and a bridge under the name that our network would take. */
const foreignDevices = [
  'ip link add br-foreign type bridge',
  'ip link add vxforeign type vxlan id 42 dstport 4789 dev eth0',
  'tc qdisc add dev eth0 clsact',
  'tc filter add dev eth0 ingress prio 7 protocol ip u32 match ip dst 203.0.113.9/32 flowid 1:1',
]

/** Kills every operator of a cluster, and waits until each runs again. */
const restartOperators = async (lab: Laboratory, cluster: string): Promise<void> => {
  const operators = () => lab.cluster(cluster).pods(SYSTEM_NAMESPACE, 'app.kubernetes.io/component=operator')
  const restartsOf = async () =>
    new Map((await operators()).map(({ metadata, status }) => [metadata?.name, status?.containerStatuses?.[0]]))
  const before = await restartsOf()
  for (const { metadata, spec } of await operators())
    lab.node(`${cluster}/${spec?.nodeName}`).kill(`${SYSTEM_NAMESPACE}/${metadata?.name}`, 'operator')
  await waitUntil(
    async () => {
      const after = await restartsOf()
      return [...before].every(([name, was]) => {
        const now = after.get(name)
        return now?.state?.running !== undefined && now.restartCount > (was?.restartCount ?? 0)
      })
    },
    { what: `the operators of ${cluster} have started again`, timeoutMs: 120_000 },
  )
}

test.before(async (world) => {
  world.lab = await startLab()
  const node = world.lab.node('east/node-1')
  for (const command of foreignDevices) await runOrThrow(command.split(' '), { namespace: node.namespace })
  world.before = await snapshots(world.lab)
  world.hub = await installOverlay(world.lab, { onProgress: say })
  await createNamespace(world.lab, 'team-a')
  await createNetwork(world.hub, { name: 'blue' })
  world.vms = await createVms(world.lab, fourVms())
  await untilReaches(world.vms[0]!, 3)
})
test.after(({ lab }) => lab.stop())

test('a foreign bridge under the name of a network is left alone, and named in a condition', async (world) => {
  const { lab, hub } = world
  const device = bridgeDevice('team-a/green', sha256)
  const node = lab.node('east/node-2')
  await runOrThrow(['ip', 'link', 'add', device, 'type', 'bridge'], { namespace: node.namespace })
  await runOrThrow(['ip', 'addr', 'add', '192.0.2.1/24', 'dev', device], { namespace: node.namespace })
  await hub.apply(
    `{apiVersion: vnet.dev/v1alpha1, kind: VirtualNetwork, metadata: {name: green, namespace: team-a}, spec: {clusters: [east]}}`,
  )
  const ready = await waitUntil(
    async () => {
      const condition = await conditionOf(world, '-n team-a vnet green', 'Ready')
      return condition.message.includes(device) && condition
    },
    { what: `the condition names ${device}` },
  )
  assert.is(ready.status, 'False')
  assert.match(ready.message, 'node-2')
  const [link] = JSON.parse(await runOrThrow(['ip', '-j', 'addr', 'show', device], { namespace: node.namespace }))
  assert.is(link.addr_info[0]?.local, '192.0.2.1')
  await runOrThrow(['ip', 'link', 'del', device], { namespace: node.namespace })
  await waitForNetwork(hub, 'team-a/green')
  await hub.kubectl(['-n', 'team-a', 'delete', 'vnet', 'green', '--wait'])
})

test('a node that joins later carries the networks', async ({ lab, hub, vms }) => {
  await lab.addNode('west', { name: 'node-3', site: 'paris' })
  await waitUntil(
    async () =>
      (await hub.kubectl([
        '-n',
        'vnet-cluster-west',
        'get',
        'nbridge',
        'node-3',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ])) === 'True',
    { what: 'west/node-3 is ready', timeoutMs: 120_000 },
  )
  const [erin] = await createVms(lab, [{ cluster: 'west', node: 'node-3', name: 'erin', number: 5 }])
  await untilReaches(erin!, 1)
  await untilReaches(vms[0]!, 5)
})

test('a node that disappears takes nobody along, and comes back', async (world) => {
  const { lab, vms } = world
  await lab.node('west/node-2').stop()
  await waitUntil(
    async () => (await conditionOf(world, '-n vnet-cluster-west nbridge node-2', 'NodeReady')).status !== 'True',
    { what: 'the hub knows that the node is down', timeoutMs: 120_000 },
  )
  assert.is(await vms[0]?.ping(addressOf(3), 3), 3)
  await waitForNetwork(world.hub, 'team-a/blue')
  await lab.node('west/node-2').restart()
  await waitUntil(
    async () => (await conditionOf(world, '-n vnet-cluster-west nbridge node-2', 'NodeReady')).status === 'True',
    { what: 'the node is back', timeoutMs: 120_000 },
  )
  const dave = await lab.vm('west', 'team-a/dave', { timeoutMs: 120_000 })
  world.vms[3] = dave
  await untilReaches(dave, 1)
})

test('a cluster that is down degrades only itself, and rejoins', async (world) => {
  const { lab, vms } = world
  await lab.access.cut({ cluster: 'west', server: 'east', how: 'silent' })
  await waitUntil(async () => (await conditionOf(world, 'mcluster west', 'Ready')).status === 'False', {
    what: 'the hub misses west',
    timeoutMs: 120_000,
  })
  assert.is((await conditionOf(world, 'mcluster east', 'Ready')).status, 'True')
  assert.match((await conditionOf(world, '-n team-a vnet blue', 'Degraded')).message, 'west')
  assert.is(await vms[0]?.ping(addressOf(3), 3), 3)
  // A member that starts anew while the hub is away has nobody to ask.
  await restartOperators(lab, 'west')
  // Local VMs of both sides still come and go.
  const [frank, grace] = await createVms(lab, [
    { cluster: 'east', node: 'node-2', name: 'frank', number: 6 },
    { cluster: 'west', node: 'node-1', name: 'grace', number: 7 },
  ])
  await untilReaches(frank!, 1)
  await untilReaches(grace!, 4)
  await lab.access.restore({ cluster: 'west', server: 'east' })
  await waitUntil(async () => (await conditionOf(world, 'mcluster west', 'Ready')).status === 'True', {
    what: 'west has rejoined',
    timeoutMs: 120_000,
  })
  await untilReaches(grace!, 1, 120_000)
  await waitForNetwork(world.hub, 'team-a/blue')
})

test('a network that is in use is not deleted under its VMs; without them its traces go from every node', async (world) => {
  const { lab, hub } = world
  await hub.kubectl(['-n', 'team-a', 'delete', 'vnet', 'blue', '--wait=false'])
  const { message } = await waitUntil(
    async () => {
      const condition = await conditionOf(world, '-n team-a vnet blue', 'Terminating')
      return condition.reason === 'InUse' && condition
    },
    { what: 'the network says that it is in use' },
  )
  assert.match(message, /\d+ /)
  assert.is(await world.vms[0]?.ping(addressOf(3), 3), 3)
  for (const cluster of lab.clusters)
    await cluster.kubectl(['-n', 'team-a', 'delete', 'pod', '--all', '--wait'], { timeoutMs: 120_000 })
  await waitUntil(async () => (await hub.kubectl(['-n', 'team-a', 'get', 'vnet', '-o', 'name'])) === '', {
    what: 'the network is gone',
    timeoutMs: 120_000,
  })
  const device = bridgeDevice('team-a/blue', sha256)
  await waitUntil(
    async () => {
      const all = await snapshots(lab)
      return [...all.values()].every((snapshot) => !JSON.stringify(snapshot.links).includes(device))
    },
    { what: 'its bridge is gone from every node', timeoutMs: 60_000 },
  )
})

test('helm test passes, and helm uninstall leaves each node as it was', async ({ lab, before }) => {
  assert.match(await lab.cluster('east').helm(['test', 'vnet', '-n', SYSTEM_NAMESPACE]), 'Succeeded')
  await Promise.all(
    lab.clusters.map((cluster) => cluster.helm(['uninstall', 'vnet', '-n', SYSTEM_NAMESPACE, '--wait'])),
  )
  const after = await snapshots(lab)
  for (const [key, snapshot] of before) assert.equal(after.get(key), snapshot, key)
  const rest = after.get('west/node-3')
  assert.equal(
    rest?.pins.filter((path) => path.startsWith('vnet')),
    [],
  )
  assert.equal(rest?.files, [])
  for (const cluster of lab.clusters) {
    assert.is(await cluster.kubectl(['get', 'network-attachment-definitions', '-A', '-o', 'name']), '')
    assert.is(await cluster.kubectl(['-n', SYSTEM_NAMESPACE, 'get', 'pods', '-o', 'name']), '')
  }
})

test.run()
