// Nodes known by an address on their loopback device, as where hosts speak BGP.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SYSTEM_NAMESPACE } from '#crds/group.ts'
import { bridgeDevice } from '#crds/names.ts'
import { sha256 } from '#runtime/digest.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { NetworkEndpointSlices, NodeBridges } from '#runtime/overlay-resources.ts'
import { Nodes } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { enterTestNamespace, ip, run } from '../kernel/test-namespace.ts'
import { ping, startVm, TestNode, type TestVm } from './test-node.ts'
import { Underlay } from './test-underlay.ts'

enterTestNamespace(import.meta.filename)

const test = suite('address on the loopback device')
const server = await FakeApiServer.start()
const apiPort = Number(new URL(server.url).port)
const underlay = new Underlay(apiPort)
await underlay.connectApi()
const nodes = [1, 2].map((index) => new TestNode(index, apiPort)) as [TestNode, TestNode]
const network = 'team-a/blue'
const limit = { timeoutMs: 30_000 }
const vms = nodes.map(
  (node): TestVm => ({
    name: `vm-${node.index}`,
    node,
    network,
    namespace: 'team-a',
    mac: `02:00:00:00:00:0${node.index}`,
    address: `10.20.0.${node.index}`,
    podUID: `uid-${node.index}`,
  }),
) as [TestVm, TestVm]

/** The interface has an address of the wire, and the node's own is behind it. */
const moveAddress = (node: TestNode): void => {
  const { index, address } = node
  for (const line of [
    `address delete ${address}/24 dev eth0`,
    `address add ${address}/32 dev lo`,
    `address add 172.16.0.${index}/24 dev eth0`,
    `route add default via 172.16.0.254 src ${address}`,
  ])
    node.ip(line)
  ip(`route add ${address}/32 via 172.16.0.${index}`)
}

const specOf = (node: TestNode) => {
  const [neighbour] = nodes.filter((it) => it !== node) as [TestNode]
  const device = bridgeDevice(network, sha256)
  const rest = { mtuBytes: 1400, access: true, revision: 1, links: [5], routes: [], floodTree: 0 }
  return {
    epoch: 1,
    overlayUID: 'overlay',
    nodeUID: `uid-of-${node.name}`,
    serial: 1,
    bridge: `east/${node.name}`,
    udpPort: 14789,
    links: [{ id: 5, bridge: `east/${neighbour.name}`, address: neighbour.address }],
    networks: [{ name: network, vni: 100, device, ...rest }],
  }
}
const bridgeRef = ({ name }: TestNode) => ({ namespace: SYSTEM_NAMESPACE, name })
const statusOf = (node: TestNode) => server.read(NodeBridges, bridgeRef(node))?.status

test.before(() => {
  ip('address add 172.16.0.254/24 dev underlay')
  run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  for (const node of nodes) {
    moveAddress(node)
    server.seed(Nodes, { metadata: { name: node.name, uid: `uid-of-${node.name}` } })
    server.seed(NodeBridges, { metadata: bridgeRef(node), spec: specOf(node) } as never)
  }
  const endpoints = vms.map(({ mac, podUID, name, node }) => {
    return { mac, podUID, pod: `team-a/${name}`, node: node.name, role: 'Active', sequence: 1, first: 1 }
  })
  const metadata = { namespace: SYSTEM_NAMESPACE, name: 'team-a.blue.east.0' }
  server.seed(NetworkEndpointSlices, { metadata, spec: { network, cluster: 'east', endpoints } } as never)
})

test.after(async () => {
  await Promise.all(nodes.map((node) => node.stopAgent('SIGKILL')))
  underlay.disconnectApi()
  await server.stop()
})

test('such nodes carry frames to each other, by the fast path too', async () => {
  for (const vm of vms) startVm(vm)
  for (const node of nodes) node.startAgent()
  await until(() => nodes.every((node) => statusOf(node)?.ports?.[0]?.state === 'Open'), limit)
  for (const node of nodes) {
    assert.equal([statusOf(node)?.underlayDevice, statusOf(node)?.underlayMTUBytes], ['eth0', 1600])
    assert.is(statusOf(node)?.addresses?.[0], node.address)
  }
  const [from, to] = vms
  await until(async () => (await ping(from, to.address, 1, 100)).received === 1, limit)
  assert.equal(await ping(from, to.address, 20, 20), { sent: 20, received: 20, duplicates: 0 })
  for (const node of nodes) {
    const metrics = node.metrics()
    for (const direction of ['sent', 'received'])
      assert.match(metrics, new RegExp(`vnet_frames_total\\{direction="${direction}",path="fast"\\} [1-9]`))
  }
})

test.run()
