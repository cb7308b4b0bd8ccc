import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { NodeBridge, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { Instructions } from './instructions.ts'
import { STATE_FILE, StateFile } from './state-file.ts'

const test = suite('instructions')

const specOf = (serial: number): NodeBridgeSpec => ({
  epoch: 1,
  overlayUID: 'overlay',
  nodeUID: 'node',
  serial,
  bridge: 'east/node-1',
  networks: [],
})

/** A node with a state folder of its own, and what the API server tells it. */
const makeNode = (stateDir: string) => {
  const told: { spec: NodeBridgeSpec | undefined; nodeUID: string } = { spec: undefined, nodeUID: 'node' }
  const file = new StateFile(stateDir)
  const bridge = (): NodeBridge | undefined =>
    told.spec && {
      apiVersion: 'internal.vnet.dev/v1alpha1',
      kind: 'NodeBridge',
      metadata: { namespace: 'vnet', name: 'node-1', uid: 'bridge', resourceVersion: String(told.spec.serial) },
      spec: told.spec,
    }
  const list = (): NetworkEndpointSlice[] => []
  const instructions = new Instructions({
    file,
    key: 'vnet/node-1',
    bridges: { hasSynced: true, lister: { get: bridge, list: () => [bridge()].flatMap((it) => it ?? []) } },
    slices: { hasSynced: true, lister: { get: () => undefined, list } },
    nodeUID: () => told.nodeUID,
  })
  return { told, file, instructions }
}

const inFolder = (name: string, action: (stateDir: string) => void): void =>
  test(name, () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'instructions-'))
    try {
      action(stateDir)
    } finally {
      rmSync(stateDir, { recursive: true })
    }
  })

inFolder('what is accepted is in force, and after a restart as well', (stateDir) => {
  const { told, instructions } = makeNode(stateDir)
  assert.is(instructions.read().refusal?.reason, 'WaitingForHub')
  told.spec = specOf(1)
  assert.is(instructions.read().spec?.serial, 1)
  const restarted = makeNode(stateDir)
  assert.is(restarted.instructions.read().spec?.serial, 1)
})

inFolder('a state that cannot be written is a problem, and stops nothing; it is written when it can be', (stateDir) => {
  const { told, file, instructions } = makeNode(stateDir)
  const draft = join(stateDir, `${STATE_FILE}.new`)
  mkdirSync(draft)
  for (const serial of [1, 2]) {
    told.spec = specOf(serial)
    assert.is(instructions.read().spec?.serial, serial)
    assert.is(file.problem?.reason, 'StateUnwritable')
  }
  told.spec = { ...specOf(1), epoch: 0 }
  assert.is(instructions.read().refusal?.reason, 'OldEpoch')
  told.spec = specOf(2)
  rmSync(draft, { recursive: true })
  instructions.read()
  assert.is(file.problem, undefined)
  assert.ok(existsSync(join(stateDir, STATE_FILE)))
  assert.is(makeNode(stateDir).instructions.read().spec?.serial, 2)
})

inFolder('a spec for a Node is not taken before it is known which one this machine is', (stateDir) => {
  const { told, instructions } = makeNode(stateDir)
  told.nodeUID = ''
  told.spec = specOf(1)
  assert.equal([instructions.read().refusal?.reason, instructions.read().spec], ['WaitingForNode', undefined])
  told.nodeUID = 'successor'
  assert.equal([instructions.read().refusal?.reason, instructions.read().spec], ['ForeignNode', undefined])
  told.spec = { ...specOf(2), nodeUID: 'successor' }
  assert.equal([instructions.read().refusal, instructions.read().spec?.serial], [undefined, 2])
})

inFolder('a machine that was told before goes on without having read its Node', (stateDir) => {
  const before = makeNode(stateDir)
  before.told.spec = specOf(1)
  before.instructions.read()
  const { told, instructions } = makeNode(stateDir)
  told.nodeUID = ''
  assert.is(instructions.read().spec?.serial, 1)
  told.spec = specOf(2)
  assert.equal([instructions.read().refusal, instructions.read().spec?.serial], [undefined, 2])
  // Of another machine it is told nothing, also so.
  told.spec = { ...specOf(3), nodeUID: 'another' }
  assert.equal([instructions.read().refusal?.reason, instructions.read().spec?.serial], ['ForeignNode', 2])
})

test.run()
