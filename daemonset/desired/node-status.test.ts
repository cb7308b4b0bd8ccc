import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { sha256 } from '#runtime/digest.ts'
import { desiredState } from './desired-state.ts'
import { FakeKernel } from './fake-kernel.ts'
import { type Failure, HELD_BACK, nodeStatus, type Outcome } from './node-status.ts'

const test = suite('node status')
const facts = { nodeUID: 'node', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1'] }
const spec: NodeBridgeSpec = { serial: 7, epoch: 1, bridge: 'east/node-1', links: [], networks: [] }

const outcomeOf = (failures: readonly Failure[]): Outcome => {
  const observed = new FakeKernel().observe()
  const rest = { claims: new Map(), attachments: [], programs: 'one', fastPath: 'Auto', digest: sha256 } as const
  const desired = desiredState({ spec, facts, observed, ...rest })
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
    programmed: { spec, desired, problems: [], failures },
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

test('a step that was held back is no problem of its own, but is not acknowledged either', () => {
  const { fields } = nodeStatus(outcomeOf([failure('DeleteEntry', 'paths', HELD_BACK)]))
  assert.equal(fields.problems, [])
  assert.is(fields.programmedSerial, undefined)
})

test.run()
