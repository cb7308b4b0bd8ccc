import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '#runtime/digest.ts'
import type { Mac } from '../wire/mac.ts'
import { type Claims, gatherClaims } from './claims.ts'
import { cleanupOperations } from './cleanup-operations.ts'
import { desiredState } from './desired-state.ts'
import { diff } from './diff.ts'
import { FakeKernel } from './fake-kernel.ts'
import { plainNetwork } from './generators.ts'
import { type Failure, nodeStatus } from './node-status.ts'
import { stepOf } from './operation.ts'

const test = suite('interfaces of VMs')
const network = plainNetwork
const { device } = network
const attachment = {
  namespace: 'team-a',
  pod: 'vm',
  podUID: 'uid',
  bridge: device,
  hostInterface: 'veth1',
  mac: '02:00:00:00:00:01' as Mac,
}
const facts = { nodeUID: 'node', underlayDevice: '', underlayMTUBytes: 1500, addresses: [] }

const claims = gatherClaims(
  [
    {
      spec: {
        network: network.name,
        cluster: 'east',
        endpoints: [
          {
            mac: attachment.mac,
            podUID: 'uid',
            pod: 'team-a/vm',
            node: 'node-1',
            role: 'Active',
            sequence: 1,
            first: 1,
          },
        ],
      },
    },
  ],
  'east',
)

const decide = (kernel: FakeKernel, claimed: Claims = new Map(), programs = 'one') => {
  const observed = kernel.observe()
  const spec = { serial: 1, epoch: 1, bridge: 'east/node-1', networks: [network] }
  const input = { spec, claims: claimed, attachments: [attachment], facts, observed, programs, digest: sha256 }
  const desired = desiredState({ ...input, fastPath: 'Auto' })
  return { desired, observed, operations: diff(desired, observed).operations }
}

/** A node with one VM in its bridge, as the agent leaves it. */
const settled = (): FakeKernel => {
  const kernel = new FakeKernel()
  kernel.add({ name: device, kind: 'bridge', isUp: true, stp: false })
  kernel.add({ name: 'veth1', kind: 'veth', master: device, isUp: true, peerNamespace: true })
  for (let pass = 0; pass < 3; pass++) for (const operation of decide(kernel).operations) kernel.apply(operation)
  return kernel
}
const detached = (operations: readonly { type: string }[]) => operations.filter(({ type }) => type === 'DetachProgram')

test('the program stays where the bridge is gone, and the port says so', () => {
  const kernel = settled()
  kernel.remove(device)
  const { desired, operations } = decide(kernel)
  assert.equal(detached(operations), [])
  assert.equal(
    desired.ports.map(({ device: name, state, reason }) => [name, state, reason]),
    [['veth1', 'Closed', 'NotInBridge']],
  )
})

test("the program goes with an interface that was moved into another owner's bridge", () => {
  const kernel = settled()
  kernel.add({ name: 'br0', kind: 'bridge', isUp: true })
  kernel.remove('veth1')
  kernel.add({ name: 'veth1', kind: 'veth', master: 'br0', isUp: true, peerNamespace: true })
  kernel.apply({
    type: 'AttachProgram',
    subject: 'veth1',
    device: 'veth1',
    direction: 'ingress',
    program: 'port_ingress',
    programs: 'one',
  })
  assert.equal(detached(decide(kernel).operations).length, 1)
})

test('a port whose program cannot be attached is closed, in the kernel and in the status', () => {
  const kernel = new FakeKernel()
  kernel.add({ name: device, kind: 'bridge', isUp: true, stp: false })
  kernel.add({ name: 'veth1', kind: 'veth', master: device, isUp: true, peerNamespace: true })
  const refused = { type: 'AttachProgram', name: 'filter veth1/ingress' } as const
  const failures: Failure[] = []
  for (let pass = 0; pass < 3; pass++) {
    const failed = new Set<string>([refused.name])
    for (const operation of decide(kernel, claims).operations) {
      const name = stepOf(operation)
      const isHeld = (operation.needs ?? []).some((need) => failed.has(need))
      if (!isHeld && name !== refused.name) kernel.apply(operation)
      else if (name !== undefined) failed.add(name)
    }
    failures.push({ ...refused, problem: { subject: 'veth1', reason: 'OperationFailed', message: 'no memory' } })
  }
  const { desired, observed } = decide(kernel, claims)
  assert.equal([desired.ports[0]?.state, observed.tables.ports.size], ['Open', 0])
  const programmed = { spec: {}, desired, problems: [], failures }
  const unknown = { missing: [], hints: [], refusal: undefined, unreadable: undefined }
  const node = { facts, kernelVersion: '6.1', agentVersion: '1', epoch: 1, overlayUID: 'overlay' }
  const [port] = nodeStatus({ ...node, ...unknown, programmed }).fields.ports ?? []
  assert.equal([port?.state, port?.reason], ['Closed', 'NotProgrammed'])
})

test('a new VM gets the program at work while ours is not loaded, and ours when it is', () => {
  const kernel = settled()
  kernel.add({ name: 'veth2', kind: 'veth', master: device, isUp: true, peerNamespace: true })
  const attached = () => {
    const { operations } = decide(kernel, new Map(), 'two')
    return operations.flatMap((it) => (it.type === 'AttachProgram' && it.device === 'veth2' ? [it] : []))
  }
  const [before] = attached()
  assert.equal([before?.programs, before?.needs], ['one', ['device veth2']])
  kernel.apply(before!)
  assert.equal(attached(), [])
  kernel.apply({ type: 'LoadPrograms', subject: 'programs', programs: 'two' })
  assert.equal(
    attached().map(({ programs }) => programs),
    ['two'],
  )
})

test('clean-up sets an interface down before it takes the program off', () => {
  const { operations } = cleanupOperations(settled().observe())
  const steps = operations.filter(({ subject }) => subject === 'veth1').map(({ type }) => type)
  assert.equal(steps, ['LowerDevice', 'DetachProgram'])
})

test.run()
