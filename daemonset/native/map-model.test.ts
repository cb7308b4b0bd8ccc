import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMap, type MapType, type UpdateMode } from '#daemonset/native/index.ts'

const test = suite('map model')
const MOST = 12

type Step =
  | { do: 'update'; key: number; value: number; mode: UpdateMode }
  | { do: 'delete'; key: number }
  | { do: 'lookup'; key: number }
  | { do: 'entries' }

const key = fc.nat({ max: 19 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('update' as const),
      key,
      value: fc.nat(),
      mode: fc.constantFrom<UpdateMode>('any', 'create', 'exist'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lookup' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('entries' as const) }) },
)

/** Spreads a number over as many bytes as wanted. */
const bytes = (number: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (number + index * 17) & 0xff)

/** What the kernel's rules make of an update: the errno's name, or undefined where it succeeds. */
const refusal = (model: Map<string, Uint8Array>, name: string, mode: UpdateMode): string | undefined => {
  if (mode === 'create' && model.has(name)) return 'EEXIST'
  if (mode === 'exist' && !model.has(name)) return 'ENOENT'
  return !model.has(name) && model.size >= MOST ? 'E2BIG' : undefined
}

const outcome = (act: () => void): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

const agree = (type: MapType, keySize: number, valueSize: number, steps: Step[]): void => {
  const map = createMap({ type, keySize, valueSize, maxEntries: MOST })
  const model = new Map<string, Uint8Array>()
  const check = (one: Step): void => {
    if (one.do === 'entries') {
      const actual = [...map.entries()].map(([k, value]) => [Buffer.from(k).toString('hex'), value] as const)
      assert.is(actual.length, model.size)
      assert.equal(new Map(actual), model)
      return
    }
    const bytesOfKey = bytes(one.key, keySize)
    const name = Buffer.from(bytesOfKey).toString('hex')
    if (one.do === 'lookup') assert.equal(map.lookup(bytesOfKey), model.get(name))
    else if (one.do === 'delete') assert.is(map.delete(bytesOfKey), model.delete(name))
    else {
      const value = bytes(one.value, valueSize)
      const expected = refusal(model, name, one.mode)
      assert.is(
        outcome(() => map.update(bytesOfKey, value, one.mode)),
        expected,
      )
      if (expected === undefined) model.set(name, value)
    }
  }
  try {
    for (const one of steps) check(one)
    check({ do: 'entries' })
  } finally {
    map.close()
  }
}

for (const [keySize, valueSize] of [
  [1, 1],
  [4, 8],
  [6, 3],
  [19, 40],
] as const) {
  test(`a hash with keys of ${keySize} and values of ${valueSize} bytes agrees with a Map`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => agree('hash', keySize, valueSize, steps)),
      { numRuns: 60 },
    )
  })
}

test.run()
