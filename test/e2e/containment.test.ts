// What must not get in: pods of other namespaces, forged datagrams, agents that speak for others.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DropReason } from '#daemonset/wire/drop-reasons.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import type { LabNode } from '#test/lab/lab-node.ts'
import { inNamespace, run, runOrThrow } from '#test/lab/processes.ts'
import type { Vm } from '#test/lab/vm.ts'
import { waitUntil } from '#test/lab/wait-until.ts'
import { SYSTEM_NAMESPACE } from '#test/overlay/install.ts'
import { addressOf, createNamespace, createNetwork, createVms, fourVms } from '#test/overlay/network.ts'
import { dropCount } from '#test/overlay/node-maps.ts'
import { startWorld, type World } from '#test/overlay/world.ts'

const test = suite<World & { vms: Vm[]; vni: number }>('containment')
const PORT = 14789
/** Stream number in the forged frames, whose number in the stream is 1. */
const FORGED_STREAM = 77

test.before(async (world) => {
  Object.assign(world, await startWorld())
  await createNamespace(world.lab, 'team-a')
  await createNamespace(world.lab, 'team-b')
  await createNetwork(world.hub, { name: 'blue' })
  world.vms = await createVms(world.lab, fourVms())
  world.vni = Number(await world.hub.kubectl(['-n', 'team-a', 'get', 'vnet', 'blue', '-o', 'jsonpath={.status.vni}']))
  const [alice] = world.vms
  await waitUntil(async () => (await alice?.ping(addressOf(3))) === 1, { what: 'alice reaches carol' })
})
test.after(({ lab }) => lab.stop())

/** A VXLAN datagram with a label and a broadcast frame in it, as bash writes it. */
const datagram = ({ vni, label }: { vni: number; label: number }): string => {
  const bytes = (value: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => (value >> (8 * (count - 1 - index))) & 255)
  const header = [0x88, 0, ...bytes(label, 2), ...bytes(vni, 3), 0]
  const frame = [
    ...Array(6).fill(0xff),
    2,
    0,
    0,
    0,
    0,
    0x66,
    0x88,
    0xb5,
    FORGED_STREAM,
    0,
    0,
    0,
    1,
    ...Array(41).fill(0),
  ]
  return [...header, ...frame].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

const send = (target: LabNode, content: { vni: number; label: number }): string[] => [
  'bash',
  '-c',
  `printf '${datagram(content)}' > /dev/udp/${target.addresses.ipv4}/${PORT}`,
]

/** Sends until the node has counted one more drop for the reason. */
const assertDropped = async (node: LabNode, reason: DropReason, action: () => Promise<unknown>): Promise<void> => {
  const before = dropCount(node, reason)
  await waitUntil(
    async () => {
      await action()
      return dropCount(node, reason) > before
    },
    { what: `${node.key} counts ${reason}`, timeoutMs: 20_000 },
  )
}

/** Whatever `action` does, `victim` sees none of its frames; that it would see them is shown by three real ones from `friend`. */
const assertUnseen = async (victim: Vm, friend: Vm, action: () => Promise<void>): Promise<void> => {
  const receiver = await victim.receiveFrames({ stream: FORGED_STREAM })
  await action()
  const sender = await friend.sendFrames({
    stream: FORGED_STREAM,
    to: await victim.mac(),
    count: 3,
    periodMicroseconds: 50_000,
  })
  await sender.ended()
  const { received, duplicated } = await receiver.stop()
  assert.equal({ received, duplicated }, { received: 3, duplicated: 0 })
}

test('a pod of another namespace gets a closed port and an event', async ({ lab, vms }) => {
  const [mallory] = await createVms(lab, [
    { cluster: 'east', node: 'node-1', name: 'mallory', namespace: 'team-b', network: 'team-a/blue', number: 9 },
  ])
  const east = lab.cluster('east')
  await waitUntil(
    async () =>
      (
        await east.kubectl(['-n', 'team-b', 'get', 'events.events.k8s.io', '-o', 'jsonpath={.items[*].reason}'])
      ).includes('NetworkNotAllowed'),
    { what: 'the event on the pod' },
  )
  await waitUntil(
    async () => {
      const bridge = await east.client.get(NodeBridges, { namespace: SYSTEM_NAMESPACE, name: 'node-1' })
      return bridge.status?.ports?.find(({ pod }) => pod === 'team-b/mallory')?.state === 'Closed'
    },
    { what: 'the port is reported as closed' },
  )
  assert.is(await mallory?.ping(addressOf(1), 2), 0)
  assert.is(await vms[0]?.ping(addressOf(9), 2), 0)
  assert.ok(dropCount(lab.node('east/node-1'), 'PORT_CLOSED') + dropCount(lab.node('east/node-1'), 'PORT_UNKNOWN') > 0)
})

test('a VM that uses the MAC address of another is not heard', async ({ lab, vms }) => {
  const [alice, bob] = vms as [Vm, Vm]
  await assertDropped(lab.node('east/node-1'), 'SOURCE_MAC', async () => {
    await alice.exec(['ip', 'link', 'set', 'net1', 'address', await bob.mac()])
    await alice.ping(addressOf(3))
  })
  await alice.exec(['ip', 'link', 'set', 'net1', 'address', '02:00:00:00:00:01'])
  await waitUntil(async () => (await alice.ping(addressOf(3))) === 1, {
    what: 'alice reaches carol with her own address',
  })
})

test('what a VM sends to all reaches VMs, and the IP stack of no node', async ({ lab, vms }) => {
  const port = 9999
  const [alice, bob, carol] = vms as [Vm, Vm, Vm]
  const nodes = ['east/node-1', 'east/node-2', 'west/node-1', 'west/node-2'].map((key) => lab.node(key))
  const target = lab.node('west/node-1')
  const heard = async (): Promise<number[]> =>
    Promise.all(
      nodes.map(async ({ namespace }) => {
        const text = await runOrThrow(['nft', 'list', 'table', 'inet', 'exposure'], { namespace })
        return Number(/packets (\d+)/.exec(text)?.[1])
      }),
    )
  const chain = 'chain heard { type filter hook prerouting priority raw; udp dport'
  const sendTo = (address: string): string[] => ['bash', '-c', `echo x > /dev/udp/${address}/${port}`]
  for (const { namespace } of nodes)
    await runOrThrow(['nft', '-f', '-'], {
      namespace,
      input: `table inet exposure { ${chain} ${port} counter\n }\n}\n`,
    })
  try {
    const seen = await Promise.all([bob, carol].map((vm) => vm.receiveFrames({ stream: FORGED_STREAM })))
    for (const address of [addressOf(200), target.addresses.ipv4]) {
      // A frame to the group of all, in it a datagram to somebody nobody is, and one to a node itself.
      await alice.exec(['ip', 'route', 'replace', `${address}/32`, 'dev', 'net1'])
      await alice.exec(['ip', 'neigh', 'replace', address, 'lladdr', 'ff:ff:ff:ff:ff:ff', 'dev', 'net1'])
      for (let count = 0; count < 3; count++) assert.is((await alice.exec(sendTo(address))).code, 0)
      await alice.exec(['ip', 'route', 'delete', `${address}/32`, 'dev', 'net1'])
    }
    const sender = await alice.sendFrames({ stream: FORGED_STREAM, count: 3, periodMicroseconds: 50_000 })
    await sender.ended()
    for (const receiver of seen) assert.is((await receiver.stop()).received, 3, 'what came later has arrived')
    assert.equal(await heard(), [0, 0, 0, 0])
    await nodes[0]!.exec(sendTo(target.addresses.ipv4!))
    await waitUntil(async () => (await heard())[2] === 1, { what: 'a datagram of a node is heard by another' })
  } finally {
    for (const { namespace } of nodes) await runOrThrow(['nft', 'delete', 'table', 'inet', 'exposure'], { namespace })
  }
})

test('a datagram from a host that is no neighbour is dropped and counted', async ({ lab, vms, vni }) => {
  const target = lab.node('east/node-1')
  await assertUnseen(vms[0]!, vms[2]!, () =>
    assertDropped(target, 'PEER_UNKNOWN', () =>
      run(inNamespace(lab.state.namespace('r-berlin'), send(target, { vni, label: 1 }))),
    ),
  )
})

test("a datagram from a pod's own socket leaves no node as if we had sent it", async ({ lab, vms, vni }) => {
  const source = lab.node('west/node-1')
  const target = lab.node('east/node-1')
  await assertUnseen(vms[0]!, vms[2]!, () =>
    assertDropped(source, 'UNDERLAY_GUARD', () => vms[2]!.exec(send(target, { vni, label: 1 }))),
  )
})

test('a neighbour that sends an unknown label, tree or network is not believed', async ({ lab, vms, vni }) => {
  const source = lab.node('west/node-1')
  const target = lab.node('east/node-1')
  // What an intruder with all rights on a neighbouring node could do: send with our mark.
  await runOrThrow(['nft', '-f', '-'], {
    namespace: source.namespace,
    input: `table inet intruder { chain output { type route hook output priority mangle; udp dport ${PORT} meta mark set 0x3076\n }\n}\n`,
  })
  try {
    const forge = (content: { vni: number; label: number }) => () => source.exec(send(target, content))
    await assertUnseen(vms[0]!, vms[2]!, async () => {
      await assertDropped(target, 'LABEL_UNKNOWN', forge({ vni, label: 30_000 }))
      await assertDropped(target, 'TREE_UNKNOWN', forge({ vni, label: 60_000 }))
      await assertDropped(target, 'LABEL_RESERVED', forge({ vni, label: 7 }))
      await assertDropped(target, 'NETWORK_NOT_CARRIED', forge({ vni: vni === 4242 ? 4243 : 4242, label: 1 }))
    })
  } finally {
    await runOrThrow(['nft', 'delete', 'table', 'inet', 'intruder'], { namespace: source.namespace })
  }
})

test("an agent's token writes its own node's status and no other", async ({ lab }) => {
  const east = lab.cluster('east')
  const pod = (await east.pods(SYSTEM_NAMESPACE, 'app.kubernetes.io/component=agent')).find(
    ({ spec }) => spec?.nodeName === 'node-1',
  )
  const token = (
    await east.kubectl([
      '-n',
      SYSTEM_NAMESPACE,
      'create',
      'token',
      'vnet-agent',
      '--bound-object-kind=Pod',
      `--bound-object-name=${pod?.metadata?.name}`,
      `--bound-object-uid=${pod?.metadata?.uid}`,
    ])
  ).trim()
  const write = (node: string): Promise<string> =>
    // Without the client certificate or token of the kubeconfig: the agent's alone.
    east.kubectl([
      '--kubeconfig=/dev/null',
      `--server=https://127.0.0.1:${east.controlPlane.port}`,
      '--insecure-skip-tls-verify',
      `--token=${token}`,
      '-n',
      SYSTEM_NAMESPACE,
      'patch',
      'nodebridge',
      node,
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"agentVersion":"forged"}}',
    ])
  assert.match(await write('node-1'), 'patched')
  await write('node-2').then(
    () => assert.unreachable('the agent of node-1 wrote the status of node-2'),
    (error: Error) => assert.match(error.message, 'an agent may report only its own node'),
  )
})

test.run()
