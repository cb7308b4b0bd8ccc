import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SYSTEM_NAMESPACE } from '#crds/group.ts'
import { bridgeDevice } from '#crds/names.ts'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { findCondition, isTrue } from '#runtime/conditions.ts'
import { sha256 } from '#runtime/digest.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { NetworkEndpointSlices, NodeBridges } from '#runtime/overlay-resources.ts'
import { Nodes } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { enterTestNamespace, objectPath, run } from '../kernel/test-namespace.ts'
import { ping, startVm, stopVm, TestNode, type TestVm } from './test-node.ts'
import { Underlay } from './test-underlay.ts'

enterTestNamespace(import.meta.filename)

const test = suite('node agent')
const server = await FakeApiServer.start()
const apiPort = Number(new URL(server.url).port)
const underlay = new Underlay(apiPort)
await underlay.connectApi()
const nodes = [1, 2].map((index) => new TestNode(index, apiPort)) as [TestNode, TestNode]
const [first, second] = nodes
const before = nodes.map((node) => node.snapshot())
const blue = 'team-a/blue'
const limit = { timeoutMs: 30_000 }

const vm = (number: number, node: TestNode, namespace = 'team-a'): TestVm => ({
  name: `vm-${number}`,
  node,
  network: blue,
  namespace,
  mac: `02:00:00:00:00:0${number}`,
  address: `10.20.0.${number}`,
  podUID: `uid-${number}`,
})
const [vm1, vm2] = [vm(1, first), vm(2, second)]

const specOf = (node: TestNode, change: Partial<NodeBridgeSpec> = {}): NodeBridgeSpec => {
  const neighbour = node === first ? second : first
  return {
    epoch: 2,
    overlayUID: 'overlay-1',
    nodeUID: `uid-of-${node.name}`,
    serial: 1,
    bridge: `east/${node.name}`,
    udpPort: 14789,
    links: [{ id: 5, bridge: `east/${neighbour.name}`, address: neighbour.address }],
    networks: [
      {
        name: blue,
        vni: 100,
        device: bridgeDevice(blue, sha256),
        mtuBytes: 1400,
        access: true,
        revision: 3,
        links: [5],
        routes: [],
        floodTree: 0,
      },
    ],
    ...change,
  }
}

const bridgeRef = (node: TestNode) => ({ namespace: SYSTEM_NAMESPACE, name: node.name })
const statusOf = (node: TestNode) => server.read(NodeBridges, bridgeRef(node))?.status
const tell = (node: TestNode, change: Partial<NodeBridgeSpec>): void => {
  server.modify(NodeBridges, bridgeRef(node), (object) => ({ ...object, spec: specOf(node, change) }))
}
const portOf = (machine: TestVm) => statusOf(machine.node)?.ports?.find(({ pod }) => pod.endsWith(`/${machine.name}`))
const endpointOf = ({ mac, podUID, name, node }: TestVm): NetworkEndpoint => ({
  mac,
  podUID,
  pod: `team-a/${name}`,
  node: node.name,
  role: 'Active',
  sequence: 1,
  first: 1,
})
const slice = { namespace: SYSTEM_NAMESPACE, name: 'team-a.blue.east.0' }
const bind = (...machines: TestVm[]): void => {
  const endpoints = machines.map(endpointOf)
  server.modify(NetworkEndpointSlices, slice, (object) => ({ ...object, spec: { ...object.spec, endpoints } }))
}

test.before(() => {
  for (const node of nodes) {
    server.seed(Nodes, { metadata: { name: node.name, uid: `uid-of-${node.name}` } })
    server.seed(NodeBridges, { metadata: bridgeRef(node), spec: {} } as never)
  }
  server.seed(NetworkEndpointSlices, {
    metadata: slice,
    spec: { network: blue, cluster: 'east', endpoints: [] },
  } as never)
})

test.after(async () => {
  await Promise.all(nodes.map((node) => node.stopAgent('SIGKILL')))
  underlay.disconnectApi()
  await server.stop()
})

test('without instructions the node says what it is, and does nothing', async () => {
  // As if the CNI plugin had been faster than the agent: it made the bridge.
  startVm(vm2)
  for (const node of nodes) node.startAgent()
  await until(() => nodes.every((node) => statusOf(node)?.addresses?.[0] === node.address), limit)
  const status = statusOf(first)!
  assert.equal(status.addresses, ['10.9.0.1', 'fd09::1'])
  assert.is(status.underlayDevice, 'eth0')
  assert.is(status.underlayMTUBytes, 1600)
  assert.is(findCondition(status.conditions as never, 'Ready')?.reason, 'WaitingForHub')
  assert.ok(isTrue(status.conditions as never, 'Preflight'))
  assert.not(first.ip('-br link show').includes('vnet0'))
})

test('carries out its spec and says so; adopts the bridge that the CNI plugin made', async () => {
  for (const node of nodes) tell(node, {})
  await until(() => nodes.every((node) => statusOf(node)?.programmedSerial === 1), limit)
  assert.equal(statusOf(first)?.networks, [{ name: blue, vni: 100, revision: 3 }])
  assert.ok(isTrue(statusOf(first)!.conditions as never, 'Ready'), JSON.stringify(statusOf(first)))
  const [bridge] = JSON.parse(second.ip(`-j link show dev ${bridgeDevice(blue, sha256)}`))
  assert.is(bridge.mtu, 1400)
  await until(() => first.isReady(), limit)
})

test('a port opens when its pod is bound to the network, and VMs talk across nodes', async () => {
  startVm(vm1)
  await until(() => portOf(vm1)?.reason === 'NotBound', limit)
  assert.equal(await ping(vm1, vm2.address, 2, 100), { sent: 2, received: 0, duplicates: 0 })
  bind(vm1, vm2)
  await until(() => portOf(vm1)?.state === 'Open' && portOf(vm2)?.state === 'Open', limit)
  for (const address of [vm2.address, 'fd20::2'])
    assert.equal(await ping(vm1, address, 5, 20), { sent: 5, received: 5, duplicates: 0 })
  const [port] = JSON.parse(first.exec('bridge', '-d', '-j', 'link', 'show', 'dev', 'vethvm1'))
  assert.ok(port.isolated, 'isolated by the agent where the plugin did not')
  const metrics = first.metrics()
  assert.match(metrics, /vnet_frames_dropped_total\{reason="PORT_CLOSED"\} [1-9]/)
  assert.match(metrics, /vnet_link_packets_total\{link="5",bridge="east\/node-2",direction="transmit"\} [1-9]/)
  assert.match(metrics, /vnet_network_bytes_total\{network="team-a\/blue"\} [1-9]/)
})

test('a killed agent, its restart, and new programs in place of old ones lose no frame', async () => {
  const stream = ping(vm1, vm2.address, 6000, 1)
  await first.stopAgent('SIGKILL')
  first.startAgent()
  await until(() => first.isReady(), limit)
  run('cp', objectPath, '/run/newer.o')
  run('sh', '-c', 'printf x >> /run/newer.o')
  await second.stopAgent('SIGTERM')
  second.startAgent('/run/newer.o')
  await until(() => second.isReady(), limit)
  assert.equal(await stream, { sent: 6000, received: 6000, duplicates: 0 })
})

test('puts programs back that somebody took off', async () => {
  const areBack = first.detachAll()
  await until(areBack, limit)
})

test('without an API server a restarted agent goes on with what it was told', async () => {
  underlay.disconnectApi()
  await first.stopAgent('SIGKILL')
  // Somebody also took the tunnel away.
  first.ip('link delete dev vnet0')
  first.startAgent()
  await until(() => first.isReady(), limit)
  await until(async () => (await ping(vm1, vm2.address, 1, 100)).received === 1, limit)
  await underlay.connectApi()
  await until(() => isTrue(statusOf(first)!.conditions as never, 'Ready'), limit)
})

test('refuses a former leader, another overlay, and the spec of another machine', async () => {
  for (const [change, reason] of [
    [{ epoch: 1 }, 'OldEpoch'],
    [{ overlayUID: 'overlay-2' }, 'ForeignOverlay'],
    [{ nodeUID: 'uid-of-another' }, 'ForeignNode'],
    [{ serial: 0 }, 'OldSerial'],
  ] as const) {
    tell(first, { serial: 2, ...change, networks: [] })
    await until(() => findCondition(statusOf(first)?.conditions as never, 'Programmed')?.reason === reason, limit)
    assert.is(statusOf(first)?.programmedSerial, 1)
  }
  assert.is((await ping(vm1, vm2.address, 1, 100)).received, 1)
  tell(first, { serial: 3 })
  await until(() => statusOf(first)?.programmedSerial === 3, limit)
})

test('closes and names a pod of a foreign namespace and the second owner of a MAC', async () => {
  const intruder = { ...vm(3, first, 'team-b') }
  const twin = { ...vm(4, first), mac: vm1.mac }
  startVm(intruder)
  startVm(twin)
  bind(vm1, vm2, intruder, twin)
  await until(() => portOf(intruder)?.reason === 'NamespaceNotAllowed', limit)
  await until(() => portOf(twin)?.reason === 'DuplicateMAC', limit)
  assert.is(portOf(vm1)?.state, 'Open')
  for (const machine of [intruder, twin]) stopVm(machine)
  bind(vm1, vm2)
  await until(() => !portOf(intruder) && !portOf(twin), limit)
})

test('leaves foreign devices alone, and names them', async () => {
  const red = 'team-a/red'
  const device = bridgeDevice(red, sha256)
  first.ip(`link add name ${device} type bridge`)
  first.ip(`address add 192.0.2.1/24 dev ${device}`)
  const [network] = specOf(first).networks!
  tell(first, { serial: 4, networks: [network!, { ...network!, name: red, vni: 101, device }] })
  await until(() => statusOf(first)?.programmedSerial === 4, limit)
  await until(() => statusOf(first)?.problems?.some(({ subject }) => subject === red), limit)
  assert.is(statusOf(first)?.problems?.[0]?.reason, 'DeviceConflict')
  assert.equal(
    statusOf(first)?.networks?.map(({ name }) => name),
    [blue],
  )
  assert.ok(isTrue(statusOf(first)!.conditions as never, 'Degraded'))
  const [left] = JSON.parse(first.ip(`-d -j address show dev ${device}`))
  assert.is(left.addr_info[0].local, '192.0.2.1')
  assert.is(left.mtu, 1500)
  first.ip(`link delete dev ${device}`)
  await until(() => statusOf(first)?.networks?.length === 2, limit)
})

test('a network that is gone keeps its bridge until the last VM is gone', async () => {
  tell(second, { serial: 5, networks: [] })
  await until(() => portOf(vm2)?.reason === 'NetworkRemoved', limit)
  assert.is((await ping(vm1, vm2.address, 1, 100)).received, 0)
  const device = bridgeDevice(blue, sha256)
  assert.ok(second.ip('-br link show').includes(device))
  stopVm(vm2)
  await until(() => !second.ip('-br link show').includes(device), limit)
})

test('clean-up returns the node to what it was, again without harm', async () => {
  await Promise.all(nodes.map((node) => node.stopAgent('SIGTERM')))
  first.cleanup()
  assert.not(first.isUp('vethvm1'), 'a VM that still runs is cut off from the host')
  stopVm(vm1)
  await until(() => !first.ip('-br link show').includes('vethvm1'), limit)
  for (const [index, node] of [...nodes.entries(), ...nodes.entries()]) {
    node.cleanup()
    assert.equal(node.snapshot(), before[index])
  }
})

test.run()
