// A frame each millisecond while parts of the system die, restart, change: none lost, none twice.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Leases } from '#runtime/resources.ts'
import type { Vm } from '#test/lab/vm.ts'
import { waitUntil } from '#test/lab/wait-until.ts'
import { assertFramesOn } from '#test/overlay/fast-path.ts'
import { SYSTEM_NAMESPACE } from '#test/overlay/install.ts'
import { addressOf, createNamespace, createNetwork, createVms, fourVms, waitForNetwork } from '#test/overlay/network.ts'
import { assertUnharmed, during } from '#test/overlay/streams.ts'
import { say, startWorld, type World } from '#test/overlay/world.ts'

const test = suite<World & { vms: Vm[] }>('continuity')

test.before(async (world) => {
  Object.assign(world, await startWorld())
  await createNamespace(world.lab, 'team-a')
  await createNetwork(world.hub, { name: 'blue' })
  world.vms = await createVms(world.lab, fourVms())
  const [alice, , carol] = world.vms
  await waitUntil(async () => (await alice?.ping(addressOf(3))) === 1 && (await carol?.ping(addressOf(1))) === 1, {
    what: 'alice and carol reach each other',
  })
})
test.after(({ lab }) => lab.stop())

/** Streams both ways between alice and carol while `action` runs. */
const bothWays = async (
  { vms, lab }: World & { vms: Vm[] },
  what: string,
  action: () => Promise<unknown>,
): Promise<void> => {
  const [alice, , carol] = vms as [Vm, Vm, Vm]
  const running = action()
  const [there, back] = await Promise.all([during(alice, carol, () => running), during(carol, alice, () => running)])
  say(`${what}: ${there.received} + ${back.received} frames`)
  assertUnharmed(there, `${what}, alice to carol`)
  assertUnharmed(back, `${what}, carol to alice`)
  for (const direction of ['sent', 'received'] as const) await assertFramesOn(lab.node('east/node-1'), direction)
}

const agentOn = async ({ lab }: World, cluster: string, node: string): Promise<string> => {
  const pods = await lab.cluster(cluster).pods(SYSTEM_NAMESPACE, 'app.kubernetes.io/component=agent')
  return pods.find(({ spec }) => spec?.nodeName === node)?.metadata?.name ?? ''
}

test('kill -9 of an agent', async (world) => {
  const { lab } = world
  const name = await agentOn(world, 'east', 'node-1')
  await bothWays(world, 'kill -9 of an agent', async () => {
    lab.node('east/node-1').kill(`${SYSTEM_NAMESPACE}/${name}`, 'agent')
    await waitUntil(
      async () =>
        (await lab.cluster('east').pods(SYSTEM_NAMESPACE)).some(
          ({ metadata, status }) =>
            metadata?.name === name &&
            (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0 &&
            status?.containerStatuses?.[0]?.ready,
        ),
      { what: 'the agent is back', timeoutMs: 120_000 },
    )
  })
})

test('rollout of the DaemonSet', async (world) => {
  const east = world.lab.cluster('east')
  await bothWays(world, 'rollout of the DaemonSet', async () => {
    await east.kubectl(['-n', SYSTEM_NAMESPACE, 'rollout', 'restart', 'daemonset/vnet-agent'])
    await east.kubectl(['-n', SYSTEM_NAMESPACE, 'rollout', 'status', 'daemonset/vnet-agent', '--timeout=180s'], {
      timeoutMs: 200_000,
    })
  })
})

test('API server of the hub down for 30 seconds', async (world) => {
  const { apiServer, controlPlane } = world.lab.cluster('east')
  await bothWays(world, 'API server down', async () => {
    await apiServer.kill()
    await new Promise((resolve) => setTimeout(resolve, 30_000))
    apiServer.start()
    await controlPlane.ready()
  })
  await waitForNetwork(world.hub, 'team-a/blue')
})

test('change of the leader', async (world) => {
  const { hub, lab } = world
  const leader = async () => (await hub.client.get(Leases, { namespace: SYSTEM_NAMESPACE, name: 'vnet-hub' })).spec
  const before = await leader()
  const pod = (await hub.pods(SYSTEM_NAMESPACE, 'app.kubernetes.io/component=operator')).find(({ metadata }) =>
    before?.holderIdentity?.includes(metadata?.name ?? '-'),
  )
  assert.ok(pod, `no operator pod is ${before?.holderIdentity}`)
  await bothWays(world, 'change of the leader', async () => {
    lab.node(`east/${pod?.spec?.nodeName}`).kill(`${SYSTEM_NAMESPACE}/${pod?.metadata?.name}`, 'operator')
    await waitUntil(async () => ((await leader())?.leaseTransitions ?? 0) > (before?.leaseTransitions ?? 0), {
      what: 'another leader',
      timeoutMs: 90_000,
    })
  })
  await waitForNetwork(hub, 'team-a/blue')
})

test('changes of the topology', async (world) => {
  const { hub } = world
  const set = async (topology: object): Promise<void> => {
    await hub.kubectl([
      '-n',
      'team-a',
      'patch',
      'vnet',
      'blue',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { topology } }),
    ])
    await waitUntil(
      async () => {
        const { status, metadata } = JSON.parse(
          await hub.kubectl(['-n', 'team-a', 'get', 'vnet', 'blue', '-o', 'json']),
        )
        return status.observedGeneration === metadata.generation
      },
      { what: 'the hub has seen the topology' },
    )
    await waitForNetwork(hub, 'team-a/blue')
  }
  await bothWays(world, 'changes of the topology', async () => {
    for (let turn = 0; turn < 2; turn++) {
      await set({ type: 'Star', star: { hubs: { cluster: 'east', site: 'core' } } })
      await set({ type: 'Mesh', star: null })
    }
  })
})

test.run()
