// What crosses the overlay: every protocol, every topology, one copy each, and nothing between networks.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkout } from '#test/lab/tools.ts'
import type { Vm } from '#test/lab/vm.ts'
import { waitUntil } from '#test/lab/wait-until.ts'
import { assertFramesOn } from '#test/overlay/fast-path.ts'
import { addressOf, createNamespace, createNetwork, createVms, fourVms, waitForNetwork } from '#test/overlay/network.ts'
import { entryCount } from '#test/overlay/node-maps.ts'
import { assertOneCopyEach, copies } from '#test/overlay/streams.ts'
import { startWorld, type World } from '#test/overlay/world.ts'

const test = suite<World & { vms: Vm[] }>('connectivity')
const numbers = [1, 2, 3, 4]

/** Resolves when all VMs reach each other. */
const untilConnected = (vms: Vm[]) =>
  waitUntil(
    async () => {
      for (const [index, vm] of vms.entries())
        for (const number of numbers.filter((each) => each !== index + 1))
          if ((await vm.ping(addressOf(number))) === 0) return false
      return true
    },
    { what: 'all VMs reach each other', timeoutMs: 60_000 },
  )

const setTopology = async ({ hub }: World, topology: object): Promise<void> => {
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
      const status = JSON.parse(await hub.kubectl(['-n', 'team-a', 'get', 'vnet', 'blue', '-o', 'json']))
      return status.status.observedGeneration === status.metadata.generation
    },
    { what: 'the hub has seen the new topology' },
  )
  await waitForNetwork(hub, 'team-a/blue')
}

test.before(async (world) => {
  Object.assign(world, await startWorld())
  await createNamespace(world.lab, 'team-a')
  await createNamespace(world.lab, 'team-b')
  await createNetwork(world.hub, { name: 'blue', labels: { topology: 'triangle' } })
  world.vms = await createVms(world.lab, fourVms())
  await untilConnected(world.vms)
})
test.after(({ lab }) => lab.stop())

test('mesh: ping, IPv6 neighbour discovery, TCP and UDP between all nodes', async ({ vms, lab }) => {
  for (const [index, vm] of vms.entries())
    for (const number of numbers.filter((each) => each !== index + 1)) {
      assert.is(await vm.ping(addressOf(number), 3), 3, `${vm.pod} to ${addressOf(number)}`)
      assert.is(await vm.ping(`fd00:20::${number}`, 3), 3, `${vm.pod} to fd00:20::${number}`)
    }
  const [alice, , carol] = vms as [Vm, Vm, Vm]
  const server = new AbortController()
  alice.spawn(['iperf3', '-s'], server.signal)
  try {
    assert.ok(
      (await waitUntil(() => carol.iperf3(addressOf(1), ['-t', '1']).catch(() => undefined), { what: 'TCP' })) > 1e6,
    )
    assert.ok(
      (await waitUntil(() => carol.iperf3(addressOf(1), ['-t', '1', '-u', '-b', '5M']).catch(() => undefined), {
        what: 'UDP',
      })) > 1e6,
    )
  } finally {
    server.abort()
  }
  for (const direction of ['sent', 'received'] as const) await assertFramesOn(lab.node('east/node-1'), direction)
})

test('mesh: a broadcast, a multicast and a frame that is not IP arrive exactly once', async ({ vms }) => {
  await assertOneCopyEach(vms)
  await assertOneCopyEach(vms, { to: '01:00:5e:00:00:fb' })
})

test('star: leaf to leaf through a hub that knows no VM', async (world) => {
  const { lab, vms } = world
  await setTopology(world, { type: 'Star', star: { hubs: { cluster: 'east', site: 'core' } } })
  await untilConnected(vms)
  await assertOneCopyEach(vms)
  const hub = lab.node('east/node-3')
  assert.is(entryCount(hub, 'macs'), 0)
  assert.is(entryCount(hub, 'ports'), 0)
  assert.ok(entryCount(hub, 'labels') > 0)
  assert.is(await vms[2]!.ping(addressOf(4), 20), 20)
  await assertFramesOn(hub, 'relayed')
  const path = await world.hub.kubectl(['vnet', 'path', 'carol', 'dave', '-n', 'team-a'])
  assert.match(path, /west\/node-1 .*→ east\/node-3 .*label/)
  assert.match(path, /east\/node-3 .*→ west\/node-2 .*deliver/)
})

/** The triangle of the example with its spur, and one to the node that only this laboratory has. */
const triangle = async (): Promise<string> => {
  const [, ...links] = (await readFile(join(checkout, 'examples/manual-links/network.yaml'), 'utf8')).split('---\n')
  const spur = (name: string, a: object, b: object): string =>
    JSON.stringify({
      apiVersion: 'vnet.dev/v1alpha1',
      kind: 'OverlayLink',
      metadata: { name },
      spec: { a, b, networks: { matchLabels: { topology: 'triangle' } } },
    })
  return [...links, spur('spur-east', { cluster: 'east', node: 'node-1' }, { cluster: 'east', node: 'node-3' })].join(
    '\n---\n',
  )
}

test('a triangle of links: cyclic, and still one copy each', async (world) => {
  const { hub, vms } = world
  await hub.apply(await triangle())
  await setTopology(world, { type: 'Manual', star: null })
  await untilConnected(vms)
  await assertOneCopyEach(vms)
  assert.match(
    await hub.kubectl(['vnet', 'path', 'bob', 'dave', '-n', 'team-a']),
    /west\/node-1 .*→ west\/node-2 .*deliver/,
  )
})

test('two networks with the same MAC and IP addresses do not see each other', async (world) => {
  const { lab, hub, vms } = world
  await setTopology(world, { type: 'Mesh' })
  await createNetwork(hub, { name: 'red', namespace: 'team-b' })
  const others = await createVms(lab, fourVms('red', 'team-b'))
  await untilConnected(vms)
  await untilConnected(others)
  for (const seen of await copies(vms[0]!, others)) assert.is(seen.received, 0)
  for (const seen of await copies(others[0]!, vms)) assert.is(seen.received, 0)
  for (const seen of await copies(vms[0]!, others, { to: await others[2]!.mac() })) assert.is(seen.received, 0)
})

test.run()
