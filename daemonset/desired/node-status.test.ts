import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { sha256 } from '#runtime/digest.ts'
import { desiredState } from './desired-state.ts'
import { FakeKernel } from './fake-kernel.ts'
import { plainNetwork } from './generators.ts'
import { type Failure, HELD_BACK, nodeStatus, type Outcome } from './node-status.ts'
import { textOf } from './tables.ts'
import { tunnelSettings } from './tunnel.ts'

const test = suite('node status')
const facts = { nodeUID: 'node', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1'] }
const spec: NodeBridgeSpec = { serial: 7, epoch: 1, bridge: 'east/node-1', links: [], networks: [] }

const kernelWithTunnel = (): FakeKernel => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', isUp: true, addresses: facts.addresses })
  kernel.apply({
    type: 'CreateTunnel',
    subject: 'tunnel',
    device: 'vnet0',
    vxlan: tunnelSettings(14789),
    mtuBytes: 65_000,
  })
  return kernel
}

const outcomeOf = (failures: readonly Failure[], programmed = spec): Outcome => {
  const observed = kernelWithTunnel().observe()
  const rest = { claims: new Map(), attachments: [], programs: 'one', fastPath: 'Auto', digest: sha256 } as const
  const desired = desiredState({ spec: programmed, facts, observed, ...rest })
  return {
    facts,
    kernelVersion: '6.1',
    agentVersion: '1',
    epoch: 1,
    overlayUID: 'overlay',
    missing: [],
    hints: [],
    refusal: undefined,
    unreadable: undefined,
    programmed: { spec: programmed, desired, problems: [...desired.problems], failures },
  }
}
const failure = (type: Failure['type'], subject: string, reason = 'OperationFailed'): Failure => ({
  type,
  problem: { subject, reason, message: `${subject} failed` },
})

test('an entry that a local VM alone depends on does not keep the node from acknowledging', () => {
  for (const table of ['ports', 'macs', 'network_ports']) {
    const { fields } = nodeStatus(outcomeOf([failure('PutEntry', table)]))
    assert.is(fields.programmedSerial, 7, table)
    assert.is(fields.problems?.[0]?.subject, table)
  }
  for (const table of ['links', 'peers', 'peer_networks', 'labels', 'trees', 'networks', 'paths', 'meta'])
    assert.is(nodeStatus(outcomeOf([failure('PutEntry', table)])).fields.programmedSerial, undefined, table)
})

test('without an inlet the node is slower, not less', () => {
  const { fields } = nodeStatus(outcomeOf([failure('CreateTunnel', 'inlet', 'UDPPortInUse')]))
  assert.is(fields.programmedSerial, 7)
  assert.is(fields.problems?.[0]?.reason, 'UDPPortInUse')
  assert.is(fields.fastPath?.receive, 'Tunnel')
  assert.is(nodeStatus(outcomeOf([failure('CreateTunnel', 'tunnel')])).fields.programmedSerial, undefined)
})

test('a step that was held back is no problem of its own, but is not acknowledged either', () => {
  const { fields } = nodeStatus(outcomeOf([failure('DeleteEntry', 'paths', HELD_BACK)]))
  assert.equal(fields.problems, [])
  assert.is(fields.programmedSerial, undefined)
})

test('two networks never share a bridge: the first has it, the other is named', () => {
  const networks = ['team-a/blue', 'team-b/red'].map((name, index) => ({ ...plainNetwork, name, vni: index + 7 }))
  const outcome = outcomeOf([], { ...spec, networks })
  assert.equal(
    outcome.programmed?.desired.bridges.map((bridge) => bridge.network),
    ['team-a/blue'],
  )
  assert.equal(
    nodeStatus(outcome).fields.problems?.map(({ subject, reason }) => [subject, reason]),
    [['team-b/red', 'DeviceConflict']],
  )
})

test('an address that is none, or that another link has, costs that link alone', () => {
  const links = [
    { id: 4, bridge: 'west/node-1', address: '2001:db8::9%e' },
    { id: 5, bridge: 'east/node-2', address: '10.9.0.2' },
    { id: 6, bridge: 'west/node-2', address: '::ffff:10.9.0.2' },
  ]
  const outcome = outcomeOf([], { ...spec, links })
  const { links: rows, peers } = outcome.programmed!.desired.tables
  assert.equal([rows.size, [...peers.values()].map(({ value }) => value)], [1, [5]])
  const { fields } = nodeStatus(outcome)
  assert.is(fields.programmedSerial, 7)
  assert.equal(
    fields.problems?.map(({ subject, reason }) => [subject, reason]),
    [
      ['link 4 to west/node-1', 'BadAddress'],
      ['link 6 to west/node-2', 'DuplicateAddress'],
    ],
  )
})

test('a neighbour of another address family is named, its link stays down, and the rest is acknowledged', () => {
  const links = [
    { id: 1, bridge: 'east/node-2', address: '10.9.0.2' },
    { id: 2, bridge: 'west/node-1', address: 'fd09::1' },
  ]
  const outcome = outcomeOf([], { ...spec, links })
  const isUp = (id: number) => outcome.programmed?.desired.tables.links.get(textOf(id))?.value.up
  assert.equal([isUp(1), isUp(2)], [true, false])
  const { fields } = nodeStatus(outcome)
  assert.is(fields.programmedSerial, 7)
  assert.equal(
    fields.problems?.map(({ subject, reason }) => [subject, reason]),
    [['link 2 to west/node-1', 'NoCommonFamily']],
  )
})

test.run()
