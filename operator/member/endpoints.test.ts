// What becomes of a network's endpoints when its copy in this cluster is gone: a user can delete it, the mailbox alone says whether it is over.
import { isDeepStrictEqual } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import { NetworkEndpointSlices, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Pods } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, MAILBOX, pod, SYSTEM, startMember, type World } from './member-world.ts'

const test = suite<World>('endpoints')
test.before.each(async (world) => {
  Object.assign(world, await startMember())
})
test.after.each((world) => world.end())

const SLICE = { namespace: SYSTEM, name: 'team-a.blue.west.0' }
const projection = { namespace: MAILBOX, name: 'team-a.blue' }
const endpointsOf = ({ west }: World): NetworkEndpoint[] =>
  west.read(NetworkEndpointSlices, SLICE)?.spec.endpoints.map((endpoint) => ({ ...endpoint })) ?? []
const deletions = ({ west }: World): string[] =>
  west.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path)

/** A pod in which the VM `vm` runs. */
const podOf = (vm: string, name: string): never => {
  const { metadata, ...rest } = pod(name)
  return { ...rest, metadata: { ...metadata, labels: { 'vm.kubevirt.io/name': vm } } } as never
}

/** Two VMs with one MAC address, of which `alice` came first and has moved since. */
const settle = async (world: World): Promise<NetworkEndpoint[]> => {
  const { west } = world
  await until(() => west.read(VirtualNetworks, BLUE))
  const numbers = () => endpointsOf(world).map(({ vm, sequence, first }) => [vm, sequence, first])
  const becomes = (...expected: [string, number, number][]) => until(() => isDeepStrictEqual(numbers(), expected))
  west.seed(Pods, podOf('alice', 'a1'))
  await becomes(['alice', 1, 1])
  west.seed(Pods, podOf('bob', 'b1'))
  await becomes(['alice', 1, 1], ['bob', 2, 2])
  west.seed(Pods, podOf('alice', 'c1'))
  await becomes(['alice', 1, 1], ['bob', 2, 2], ['alice', 3, 1])
  west.remove(Pods, { namespace: 'team-a', name: 'a1' })
  await becomes(['bob', 2, 2], ['alice', 3, 1])
  return endpointsOf(world)
}

/** The controller has looked at the network since: it has taken another pod in. */
const takesIn = async (world: World, name: string): Promise<void> => {
  world.west.seed(Pods, pod(name) as never)
  await until(() => endpointsOf(world).some(({ podUID }) => podUID === `uid-${name}`))
}

test('a copy that a user deletes comes back, and takes nothing with it', async (world) => {
  const { west } = world
  const before = await settle(world)
  const { uid } = west.read(VirtualNetworks, BLUE)?.metadata ?? {}
  west.remove(VirtualNetworks, BLUE)
  await until(() => west.read(VirtualNetworks, BLUE) && west.read(VirtualNetworks, BLUE)?.metadata.uid !== uid)
  await takesIn(world, 'dora')
  assert.equal(endpointsOf(world).slice(0, 2), before)
  assert.equal(deletions(world), [])
})

test('what the mailbox says of the network counts while the copy is missing', async (world) => {
  const { west, hub } = world
  const before = await settle(world)
  west.failNext({ method: 'PATCH', path: /\/virtualnetworks\//, status: 500, times: 1_000_000 })
  west.remove(VirtualNetworks, BLUE)
  await takesIn(world, 'dora')
  assert.equal([endpointsOf(world).slice(0, 2), deletions(world)], [before, []])
  hub.remove(VirtualNetworks, projection)
  await until(() => west.list(NetworkEndpointSlices).length === 0)
})

test('a mailbox that cannot be read takes nothing away', async (world) => {
  const { west, hub, gate } = world
  const before = await settle(world)
  await hub.stop()
  gate.reset()
  west.remove(VirtualNetworks, BLUE)
  await takesIn(world, 'dora')
  assert.equal([endpointsOf(world).slice(0, 2), deletions(world)], [before, []])
})

test('a network that never was in force here gets no endpoints, whatever the mailbox promises', async (world) => {
  const { west, hub } = world
  await until(() => west.read(VirtualNetworks, BLUE))
  hub.seed(VirtualNetworks, {
    metadata: { namespace: MAILBOX, name: 'team-b.green' },
    spec: { clusters: ['west'] },
  } as never)
  const attached = pod('mallory', 'team-b')
  attached.metadata.annotations['k8s.v1.cni.cncf.io/network-status'] = JSON.stringify([
    { name: 'team-b/green', mac: '02:00:00:00:00:01' },
  ])
  west.seed(Pods, attached as never)
  west.seed(Pods, pod('else') as never)
  await until(() => endpointsOf(world).length === 1)
  assert.is(west.list(NetworkEndpointSlices).length, 1)
})

test.run()
