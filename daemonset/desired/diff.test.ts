import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '#runtime/digest.ts'
import { gatherClaims } from './claims.ts'
import { type DesiredState, desiredState } from './desired-state.ts'
import { diff } from './diff.ts'
import { FakeKernel } from './fake-kernel.ts'
import { attachments, placements, slices, specs } from './generators.ts'
import { filterKey, type ObservedState } from './observed-state.ts'
import { describeOperation } from './operation.ts'
import { type Tables, textOf } from './tables.ts'

const test = suite('diff')
const facts = { nodeUID: 'node', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1', 'fd09::1'] }

const situations = fc.record({ spec: specs, slices, attachments, placements, programs: fc.constantFrom('one', 'two') })
type Situation = typeof situations extends fc.Arbitrary<infer T> ? T : never

const desire = (kernel: FakeKernel, { spec, slices: list, attachments: pods, programs }: Situation): DesiredState =>
  desiredState({
    spec,
    claims: gatherClaims(list, 'east'),
    attachments: pods,
    facts,
    observed: kernel.observe(),
    programs,
    fastPath: 'Auto',
    digest: sha256,
  })

/** VMs come and go, as the CNI plugin does it: a missing bridge is made. */
const place = (kernel: FakeKernel, wanted: Situation['placements']): void => {
  for (const [index, master] of wanted.entries()) {
    const name = `veth${index + 1}`
    const found = kernel.observe().interfaces.find((link) => link.name === name)
    if (found?.master === master && (found !== undefined) === (master !== undefined)) continue
    kernel.remove(name)
    if (master === undefined) continue
    if (!kernel.observe().interfaces.some((link) => link.name === master))
      kernel.add({ name: master, kind: 'bridge', isUp: true, stp: false, ipv6Disabled: false })
    kernel.add({ name, kind: 'veth', master, isUp: true, peerNamespace: true })
  }
}

/** Names a reference that leads nowhere, or a frame's way past a closed port. */
const dangling = (tables: Tables): string | undefined => {
  const has = (table: keyof Tables, key: unknown): boolean => tables[table].has(textOf(key))
  const broken = [
    ...[...tables.labels.values()].filter(({ value }) => !has('links', value.link)),
    ...[...tables.paths.values()].filter(({ value }) => !has('links', value.link)),
    ...[...tables.peers.values()].filter(({ value }) => !has('links', value)),
    ...[...tables.peer_networks.values()].filter(({ key }) => !has('links', key.link)),
    ...[...tables.trees.values()].filter(({ value }) => value.links.some((link) => !has('links', link))),
    ...[...tables.networks.values()].filter(({ key, value }) => !has('trees', { vni: key, tree: value.floodTree })),
    ...[...tables.macs.values()].filter(({ key, value }) =>
      value.ifindex ? !has('ports', value.ifindex) : !has('paths', { bridge: value.bridge, vni: key.vni }),
    ),
    ...[...tables.network_ports.values()].filter(({ value }) => value.ifindexes.some((it) => !has('ports', it))),
  ]
  return broken[0] && textOf(broken[0])
}

/** Names a device of ours that is up without a program of its own: its frames would reach the host's own IP stack. */
const unguarded = ({ interfaces, filters, owned }: ObservedState): string | undefined =>
  interfaces.find(({ name, isUp, ifindex }) => {
    const at = filters.filter(({ device, program }) => device === name && program !== undefined).length
    return isUp && owned.devices[name] === ifindex && at < (name.startsWith('vnet0') ? 1 : 2)
  })?.name

const assertReached = (desired: DesiredState, observed: ObservedState): void => {
  for (const name of Object.keys(desired.tables) as (keyof Tables)[])
    assert.equal([...observed.tables[name].entries()].sort(), [...desired.tables[name].entries()].sort(), name)
  const placed = new Map(observed.filters.map((filter) => [filterKey(filter.device, filter.direction), filter]))
  for (const { device, direction, program } of desired.filters) {
    const filter = placed.get(filterKey(device, direction))
    assert.is(filter?.program, program, `${device} ${direction}`)
    assert.ok(filter?.isCurrent)
  }
  assert.is(placed.size, desired.filters.length, 'no other filter of ours')
  for (const { device, mtuBytes } of desired.bridges)
    assert.is(observed.interfaces.find(({ name }) => name === device)?.mtuBytes, mtuBytes)
}

/** Reconciles as the agent does: until nothing is left to do. */
const reconcile = (kernel: FakeKernel, situation: Situation): void => {
  for (let pass = 1; ; pass++) {
    const { operations } = diff(desire(kernel, situation), kernel.observe())
    if (operations.length === 0) return
    assert.ok(pass <= 3, `not at rest after 3 passes: ${operations.map(describeOperation).join('; ')}`)
    for (const operation of operations) {
      kernel.apply(operation)
      assert.is(dangling(kernel.observe().tables), undefined, `after ${describeOperation(operation)}`)
      assert.is(unguarded(kernel.observe()), undefined, `after ${describeOperation(operation)}`)
    }
  }
}

const newKernel = (): FakeKernel => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', isUp: true, addresses: ['10.9.0.1'] })
  return kernel
}

test('from any state to any other, without a moment in which a reference leads nowhere', () => {
  fc.assert(
    fc.property(fc.array(situations, { minLength: 1, maxLength: 4 }), (sequence) => {
      const kernel = newKernel()
      for (const situation of sequence) {
        place(kernel, situation.placements)
        reconcile(kernel, situation)
        assertReached(desire(kernel, situation), kernel.observe())
      }
    }),
    { numRuns: 150 },
  )
})

test('every prefix of the operations can be followed by a new start', () => {
  fc.assert(
    fc.property(situations, situations, fc.double({ min: 0, max: 1, noNaN: true }), (first, second, cut) => {
      const kernel = newKernel()
      place(kernel, first.placements)
      reconcile(kernel, first)
      place(kernel, second.placements)
      const { operations } = diff(desire(kernel, second), kernel.observe())
      for (const operation of operations.slice(0, Math.floor(operations.length * cut))) kernel.apply(operation)
      reconcile(kernel, second)
      assertReached(desire(kernel, second), kernel.observe())
    }),
    { numRuns: 100 },
  )
})

test('a port that must not speak any more is shut before anything else', () => {
  fc.assert(
    fc.property(situations, situations, (first, second) => {
      const kernel = newKernel()
      place(kernel, first.placements)
      reconcile(kernel, first)
      const desired = desire(kernel, second)
      const { operations } = diff(desired, kernel.observe())
      const isShut = ({ key, value }: { key: number; value: { open: boolean } }): boolean =>
        value.open && !desired.tables.ports.get(textOf(key))?.value.open
      const toShut = [...kernel.observe().tables.ports.values()].filter(isShut).length
      const start = operations.findIndex(({ type }) => type !== 'LoadPrograms')
      const shutFirst = operations
        .slice(Math.max(0, start))
        .slice(0, toShut)
        .every((it) => it.type === 'PutEntry' && it.table === 'ports' && !(it.entry.value as { open: boolean }).open)
      assert.ok(shutFirst, operations.map(describeOperation).join('\n'))
    }),
    { numRuns: 100 },
  )
})

test('without its record the agent knows its devices by their mark, and takes no link down', () => {
  fc.assert(
    fc.property(situations, (situation) => {
      const kernel = newKernel()
      place(kernel, situation.placements)
      reconcile(kernel, situation)
      kernel.forget()
      const desired = desire(kernel, situation)
      const { operations, problems } = diff(desired, kernel.observe())
      assert.equal(
        problems.filter(({ reason }) => reason === 'DeviceConflict'),
        [],
      )
      assert.equal(desired.tables.links, kernel.observe().tables.links)
      assert.ok(operations.some((it) => it.type === 'AdoptDevice' && it.device === 'vnet0'))
      reconcile(kernel, situation)
      assertReached(desire(kernel, situation), kernel.observe())
    }),
    { numRuns: 50 },
  )
})

test('operations are frozen data', () => {
  const [situation] = fc.sample(situations, 1)
  const { operations } = diff(desire(newKernel(), situation!), newKernel().observe())
  assert.throws(() => Object.assign(operations[0]!, { subject: 'other' }))
})

test.run()
