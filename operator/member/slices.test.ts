import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NetworkEndpoint } from '#crds/network-endpoint-slice.ts'
import { SLICE_CAPACITY, spread } from './slices.ts'

const endpoint = (number: number): NetworkEndpoint => ({
  mac: `02:00:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
  podUID: `uid-${number}`,
  pod: `team-a/vm-${number}`,
  node: 'node-1',
  role: 'Active',
  sequence: 1,
  first: 1,
})
const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { maxLength: 350 })

test('each endpoint is in exactly one slice, no slice is too large, and none is empty', () => {
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const slices = spread(after.map(endpoint), spread(before.map(endpoint), new Map()))
      const all = [...slices.values()].flat().map(({ podUID }) => podUID)
      assert.equal([...all].sort(), after.map((number) => `uid-${number}`).sort())
      for (const list of slices.values()) assert.ok(list.length > 0 && list.length <= SLICE_CAPACITY)
    }),
  )
})

test('what comes or goes changes one slice alone', () => {
  const before = spread(
    Array.from({ length: 250 }, (_, index) => endpoint(index)),
    new Map(),
  )
  const without = spread(
    Array.from({ length: 250 }, (_, index) => endpoint(index)).filter(({ podUID }) => podUID !== 'uid-17'),
    before,
  )
  const changed = [...before].filter(([index, list]) => JSON.stringify(without.get(index)) !== JSON.stringify(list))
  assert.is(changed.length, 1)
})

test.run()
