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

test.run()
