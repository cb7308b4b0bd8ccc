import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BpfMap, createMap, type MapShape, NO_PREALLOC, possibleCpus } from '#daemonset/native/index.ts'

const test = suite('map walk')
const made: BpfMap[] = []
const make = (shape: MapShape): BpfMap => {
  const map = createMap(shape)
  made.push(map)
  return map
}
const u32 = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number).buffer)
const number = (bytes: Uint8Array): number => new DataView(bytes.buffer).getUint32(0, true)
const ascending = (left: number, right: number): number => left - right
const COUNT = 10_000
const numbers = Array.from({ length: COUNT }, (_, index) => index)

test.after.each(() => {
  for (const map of made.splice(0)) map.close()
})

for (const type of ['hash', 'array'] as const) {
  test(`${type}: ${COUNT} entries, each once, with its value`, () => {
    const map = make({ type, keySize: 4, valueSize: 4, maxEntries: COUNT })
    for (const index of numbers) map.update(u32(index), u32(index * 7))
    const pairs = [...map.entries()]
    assert.equal(pairs.map(([key]) => number(key)).sort(ascending), numbers)
    assert.ok(pairs.every(([key, value]) => number(value) === number(key) * 7))
  })
}

test(`percpu_hash: ${COUNT} entries of 12 bytes`, () => {
  const map = make({ type: 'percpu_hash', keySize: 4, valueSize: 12, maxEntries: COUNT })
  const valueAt = (index: number, cpu: number): Uint8Array =>
    new Uint8Array(Uint32Array.of(index, cpu, index ^ cpu).buffer)
  const cpus = Array.from({ length: possibleCpus() }, (_, cpu) => cpu)
  for (const index of numbers)
    map.updatePerCpu(
      u32(index),
      cpus.map((cpu) => valueAt(index, cpu)),
    )
  const seen: number[] = []
  for (const [key, values] of map.entriesPerCpu()) {
    const index = number(key)
    seen.push(index)
    if (index % 97 === 0) {
      assert.equal(
        values,
        cpus.map((cpu) => valueAt(index, cpu)),
      )
    }
  }
  assert.equal(seen.sort(ascending), numbers)
})

test('keys shorter than the cursor of the kernel', () => {
  const map = make({ type: 'hash', keySize: 1, valueSize: 1, maxEntries: 256 })
  for (let key = 0; key < 256; key++) map.update(Uint8Array.of(key), Uint8Array.of(255 - key))
  const pairs = [...map.entries()]
  assert.is(new Set(pairs.map(([key]) => key[0])).size, 256)
  assert.ok(pairs.every(([key, value]) => key[0]! + value[0]! === 255))
})

test('values so large that a batch is a few', () => {
  const map = make({ type: 'hash', keySize: 4, valueSize: 60_000, maxEntries: 200 })
  for (let key = 0; key < 200; key++) map.update(u32(key), new Uint8Array(60_000).fill(key))
  const pairs = [...map.entries()]
  assert.is(new Set(pairs.map(([key]) => number(key))).size, 200)
  assert.ok(pairs.every(([key, value]) => value[0] === number(key) && value[59_999] === number(key)))
})

test('an empty map has no entries', () => {
  assert.equal([...make({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 9 }).entries()], [])
  assert.equal([...make({ type: 'lru_hash', keySize: 4, valueSize: 4, maxEntries: 99 }).entries()], [])
})

const deletable: MapShape[] = [
  { type: 'hash', keySize: 4, valueSize: 4, maxEntries: COUNT },
  { type: 'hash', keySize: 4, valueSize: 4, maxEntries: COUNT, flags: NO_PREALLOC },
  { type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: COUNT, flags: NO_PREALLOC },
  { type: 'devmap_hash', keySize: 4, valueSize: 4, maxEntries: COUNT },
]
for (const shape of deletable) {
  // A prefix length of 32 bits, then the number.
  const keyOf = (index: number): Uint8Array =>
    shape.type === 'lpm_trie' ? new Uint8Array(Uint32Array.of(32, index).buffer) : u32(index)
  const indexOf = (key: Uint8Array): number => number(key.slice(-4))
  // The values of a devmap are numbers of devices; 1 is the loopback of every network namespace.
  const fill = (): BpfMap => {
    const map = make(shape)
    for (const index of numbers) map.update(keyOf(index), u32(1))
    return map
  }
  const title = `${shape.type}${shape.flags ? ' without preallocation' : ''}`

  test(`${title}: the caller deletes each entry as it comes`, () => {
    const map = fill()
    const seen: number[] = []
    for (const [key] of map.entries()) {
      seen.push(indexOf(key))
      assert.is(map.delete(key), true)
    }
    assert.equal(seen.sort(ascending), numbers)
    assert.equal([...map.entries()], [])
  })

  test(`${title}: others delete ahead; what stays is seen exactly once`, () => {
    const map = fill()
    const seen: number[] = []
    for (const [key] of map.entries()) {
      const index = indexOf(key)
      seen.push(index)
      const victim = (index * 7919 + 13) % COUNT
      if (victim % 2 === 1) map.delete(keyOf(victim))
    }
    assert.is(new Set(seen).size, seen.length, 'none is seen twice')
    const even = seen.filter((index) => index % 2 === 0).sort(ascending)
    assert.equal(
      even,
      numbers.filter((index) => index % 2 === 0),
    )
  })
}

test('an iteration that is left early leaves nothing open', () => {
  const map = make({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: COUNT })
  for (const index of numbers) map.update(u32(index), u32(index))
  let seen = 0
  for (const _ of map.entries()) {
    seen += 1
    if (seen === 5) break
  }
  assert.is(seen, 5)
  map.close()
})

test.run()
