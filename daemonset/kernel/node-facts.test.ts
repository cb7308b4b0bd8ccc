import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readInterfaces } from './interfaces.ts'
import { readNodeFacts } from './node-facts.ts'
import { enterTestNamespace, ip } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const test = suite('node facts')

/** What a node with `node-ip` finds on this machine: `mgmt` has the default route, `data` is beside it. */
const factsOf = async (nodeIPs: string[], underlayInterface?: string) =>
  readNodeFacts({ nodeIPs, underlayInterface, nodeUID: 'uid' }, await readInterfaces())

test.before(() => {
  for (const line of [
    'link add name mgmt type bridge',
    'link add name data mtu 9000 type bridge',
    'address add 192.0.2.9/24 dev mgmt',
    'address add 10.0.0.5/24 dev data',
    'address add fd00::5/64 dev data nodad',
    'link set dev mgmt up',
    'link set dev data up',
    'route add default via 192.0.2.1',
  ])
    ip(line)
})

test('the underlay is the interface that has the address of the node, which comes first', async () => {
  assert.equal(await factsOf(['fd00::5', '10.0.0.5']), {
    nodeUID: 'uid',
    underlayDevice: 'data',
    underlayMTUBytes: 9000,
    addresses: ['fd00::5', '10.0.0.5'],
  })
})

test('without an address of the node it is the interface of the default route', async () => {
  const { underlayDevice, addresses } = await factsOf([])
  assert.equal([underlayDevice, addresses], ['mgmt', ['192.0.2.9']])
})

test('an address that no interface has is not replaced by that of another', async () => {
  const none = { nodeUID: 'uid', underlayDevice: '', underlayMTUBytes: 0, addresses: [] }
  assert.equal(await factsOf(['10.0.0.6']), none)
  assert.equal(await factsOf(['10.0.0.5'], 'absent'), none)
})

const onLoopback = { nodeUID: 'uid', underlayDevice: 'mgmt', underlayMTUBytes: 1500 }

test('an address on the loopback device is kept, and leaves by the default route', async () => {
  ip('address add 198.51.100.5/32 dev lo')
  assert.equal(await factsOf(['198.51.100.5']), { ...onLoopback, addresses: ['198.51.100.5'] })
  // Of the other family nothing is announced that only this host could reach.
  ip('address add fd00:9::9/64 dev mgmt nodad')
  assert.equal(await factsOf(['198.51.100.5']), { ...onLoopback, addresses: ['198.51.100.5', 'fd00:9::9'] })
  ip('-6 route add default via fd00::1 dev data')
  ip('address add fd00:5::5/128 dev lo')
  const { underlayDevice, addresses } = await factsOf(['fd00:5::5', '198.51.100.5'])
  assert.equal([underlayDevice, addresses], ['data', ['fd00:5::5', '198.51.100.5']])
})

test('an address on a dummy device too', async () => {
  // Not each kernel has dummy devices.
  const interfaces = (await readInterfaces()).map((it) => (it.name === 'data' ? { ...it, kind: 'dummy' } : it))
  const options = { nodeIPs: ['10.0.0.5'], underlayInterface: undefined, nodeUID: 'uid' }
  const facts = await readNodeFacts(options, interfaces)
  assert.equal(facts, { ...onLoopback, addresses: ['10.0.0.5', 'fd00:9::9'] })
  // A real interface with the address goes before.
  const [mgmt] = interfaces.filter(({ name }) => name === 'mgmt')
  const twice = [...interfaces, { ...mgmt!, name: 'eth0', addresses: ['10.0.0.5'], mtuBytes: 1400 }]
  assert.is((await readNodeFacts(options, twice)).underlayDevice, 'eth0')
})

test('devices by which nothing leaves are no underlay, also by name or default route', async () => {
  const none = { nodeUID: 'uid', underlayDevice: '', underlayMTUBytes: 0, addresses: [] }
  assert.equal(await factsOf(['198.51.100.5'], 'lo'), none)
  ip('route delete default')
  ip('-6 route delete default')
  ip('-6 route add unreachable default')
  assert.equal(await factsOf(['198.51.100.5']), none)
  assert.equal(await factsOf([]), none)
  // Several ways at once: one of them alone would not be guarded.
  ip('address add 192.0.2.129/25 dev data')
  ip('route add default nexthop via 192.0.2.1 nexthop via 192.0.2.130')
  assert.equal(await factsOf(['198.51.100.5']), none)
})

test.run()
