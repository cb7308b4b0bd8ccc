import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '#runtime/digest.ts'
import { gatherClaims } from '../desired/claims.ts'
import { desiredState } from '../desired/desired-state.ts'
import { diff } from '../desired/diff.ts'
import { FakeKernel } from '../desired/fake-kernel.ts'
import { slices, specs } from '../desired/generators.ts'
import type { ObservedState } from '../desired/observed-state.ts'
import type { Operation } from '../desired/operation.ts'
import { textOf } from '../desired/tables.ts'
import { applyAll } from './apply.ts'

const test = suite('apply')
const silent = { debug: () => {}, warn: () => {} } as never
const facts = { nodeUID: 'node', underlayDevice: 'eth0', underlayMTUBytes: 1500, addresses: ['10.9.0.1', 'fd09::1'] }
const situations = fc.record({ spec: specs, slices, programs: fc.constantFrom('one', 'two', 'three') })
type Situation = typeof situations extends fc.Arbitrary<infer T> ? T : never

const operationsFor = (kernel: FakeKernel, { spec, slices: list, programs }: Situation): readonly Operation[] => {
  const observed = kernel.observe()
  const claims = gatherClaims(list, 'east')
  const input = { spec, claims, attachments: [], facts, observed, programs, fastPath: 'Auto', digest: sha256 } as const
  return diff(desiredState(input), observed).operations
}

/** Applies with some of the steps failing. */
const applyFaulty = (kernel: FakeKernel, operations: readonly Operation[], fails: (index: number) => boolean) => {
  let index = 0
  const apply = async (operation: Operation): Promise<void> => {
    if (fails(index++)) throw new Error('no memory')
    kernel.apply(operation)
  }
  return applyAll({ apply }, operations, silent)
}

const newKernel = (): FakeKernel => {
  const kernel = new FakeKernel()
  kernel.add({ name: 'eth0', isUp: true, addresses: ['10.9.0.1'] })
  return kernel
}

const settle = async (kernel: FakeKernel, situation: Situation): Promise<void> => {
  for (let pass = 0; pass < 4; pass++) await applyFaulty(kernel, operationsFor(kernel, situation), () => false)
}

const danglingPath = ({ tables }: ObservedState): string | undefined => {
  const missing = [...tables.paths.values(), ...tables.labels.values()].find(
    ({ value }) => !tables.links.has(textOf(value.link)),
  )
  const mac = [...tables.macs.values()].find(
    ({ key, value }) => !value.ifindex && !tables.paths.has(textOf({ bridge: value.bridge, vni: key.vni })),
  )
  return missing || mac ? textOf(missing ?? mac) : undefined
}

test('whatever steps fail: no reference leads nowhere, no device is up without its program, programs at work stay pinned', () =>
  fc.assert(
    fc.asyncProperty(situations, situations, fc.array(fc.nat(60), { maxLength: 8 }), async (first, second, faults) => {
      const kernel = newKernel()
      await settle(kernel, first)
      for (let round = 0; round < 3; round++) {
        await applyFaulty(kernel, operationsFor(kernel, second), (index) => faults.includes(index))
        const observed = kernel.observe()
        assert.is(danglingPath(observed), undefined)
        const pinned = new Set([observed.programs, ...observed.oldPrograms])
        for (const { programs } of observed.filters) assert.ok(pinned.has(programs), `${programs} is at work`)
        for (const { name, isUp, kind } of observed.interfaces)
          if (isUp && kind !== '')
            assert.ok(
              observed.filters.some(({ device, program }) => device === name && program),
              `${name} is guarded`,
            )
      }
      await settle(kernel, second)
      assert.equal(operationsFor(kernel, second), [])
    }),
    { numRuns: 150 },
  ))

test('an eBPF object that is refused changes nothing of what is at work', async () => {
  const kernel = newKernel()
  const [situation] = fc.sample(situations, { numRuns: 1, seed: 4 })
  await settle(kernel, { ...situation!, programs: 'one' })
  const { filters } = kernel.observe()
  const operations = operationsFor(kernel, { ...situation!, programs: 'two' })
  const failures = await applyFaulty(kernel, operations, (index) => operations[index]?.type === 'LoadPrograms')
  assert.ok(failures.some(({ type }) => type === 'LoadPrograms'))
  assert.equal(kernel.observe().filters, filters)
  assert.is(kernel.observe().programs, 'one')
})

test.run()
