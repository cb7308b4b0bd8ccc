import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bridgeId } from '#crds/names.ts'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { sha256 } from '#runtime/digest.ts'
import { gatherClaims } from './claims.ts'
import { desiredState } from './desired-state.ts'
import { diff } from './diff.ts'
import { FakeKernel } from './fake-kernel.ts'
import { plainNetwork } from './generators.ts'

const test = suite('tables')
const facts = { nodeUID: 'node', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1'] }
const network = { ...plainNetwork, links: [1] }
const spec: NodeBridgeSpec = {
  serial: 1,
  epoch: 1,
  bridge: 'east/node-1',
  links: [{ id: 1, bridge: 'east/node-2', address: '10.9.0.2' }],
  networks: [network],
}
const at = (node: string): NetworkEndpoint => ({
  mac: '02:00:00:00:00:01',
  podUID: `uid-${node}`,
  pod: `team-a/db-${node}`,
  vm: 'db',
  node,
  role: 'Active',
  sequence: 1,
  first: 1,
})

/** Reconciles a kernel with what is claimed, and says which bridges its MAC table names. */
const settle = (kernel: FakeKernel, wanted: NodeBridgeSpec, endpoints: NetworkEndpoint[]): bigint[] => {
  const claims = gatherClaims([{ spec: { network: network.name, cluster: 'east', endpoints } }], 'east')
  for (let pass = 0; pass < 3; pass++) {
    const observed = kernel.observe()
    const input = { spec: wanted, claims, attachments: [], facts, observed, programs: 'one', digest: sha256 }
    for (const operation of diff(desiredState({ ...input, fastPath: 'Auto' }), observed).operations)
      kernel.apply(operation)
  }
  return [...kernel.observe().tables.macs.values()].map(({ value }) => value.bridge)
}

test('the last VM moves away: the bridge knows where to, for those who have not heard of it', () => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', isUp: true, addresses: ['10.9.0.1'] })
  assert.equal(settle(kernel, spec, [at('node-2')]), [], 'a bridge without VMs needs no MAC')
  assert.equal(settle(kernel, spec, [at('node-1'), { ...at('node-2'), sequence: 2 }]), [
    bridgeId('east/node-2', sha256),
  ])
  assert.equal(settle(kernel, spec, [{ ...at('node-2'), sequence: 2 }]), [bridgeId('east/node-2', sha256)])
  assert.equal(settle(kernel, { ...spec, networks: [] }, [at('node-2')]), [], 'and forgets it with the network')
})

test('what did not change is the same object, so that nobody compares it again', () => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', isUp: true, addresses: ['10.9.0.1'] })
  settle(kernel, spec, [])
  const observed = kernel.observe()
  const tablesOf = (wanted: NodeBridgeSpec) =>
    desiredState({
      spec: wanted,
      claims: new Map(),
      attachments: [],
      facts,
      observed,
      programs: 'one',
      fastPath: 'Auto',
      digest: sha256,
    }).tables
  const tables = tablesOf(spec)
  assert.is(tables.paths.size, 1)
  assert.is(tablesOf(spec).paths, tables.paths)
  const links = [{ id: 2, bridge: 'east/node-2', address: '10.9.0.2' }]
  const [changed] = tablesOf({ ...spec, links, networks: [{ ...network, links: [2] }] }).paths.values()
  assert.is(changed?.value.link, 2)
  const [moved] = tablesOf({ ...spec, links: [{ ...links[0]!, id: 1, bridge: 'east/node-9' }] }).paths.values()
  assert.is(moved?.key.bridge, bridgeId('east/node-9', sha256))
})

test.run()
