import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BpfMap, createMap, type MapShape, NO_PREALLOC, openMap, possibleCpus } from '#daemonset/native/index.ts'
import { mountBpffs } from './test-bpffs.ts'

const test = suite('map')
const bpffs = mountBpffs()
const made: BpfMap[] = []
const make = (shape: Partial<MapShape> & Pick<MapShape, 'type'>): BpfMap => {
  const map = createMap({ keySize: 4, valueSize: 8, maxEntries: 8, ...shape })
  made.push(map)
  return map
}
const code =
  (expected: string, text = '') =>
  (error: Error & { code?: string; syscall?: string; errno?: number }): boolean =>
    error.code === expected && error.syscall === 'bpf' && error.errno! < 0 && error.message.includes(text)
const u32 = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number).buffer)
const filled = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (seed * 31 + index + 1) & 0xff)

test.after.each(() => {
  for (const map of made.splice(0)) map.close()
})
test.after(() => bpffs.close())

for (const type of ['hash', 'lru_hash'] as const) {
  test(`${type}: lookup, update with its modes, delete`, () => {
    const map = make({ type, valueSize: 3, maxEntries: 64, name: 'plain' })
    assert.is(map.type, type)
    assert.equal([map.keySize, map.valueSize, map.maxEntries, map.perCpu, map.name], [4, 3, 64, false, 'plain'])
    assert.is(map.lookup(u32(7)), undefined)
    assert.throws(() => map.update(u32(7), filled(3, 1), 'exist'), code('ENOENT', 'exist'))
    map.update(u32(7), filled(3, 1), 'create')
    assert.throws(() => map.update(u32(7), filled(3, 2), 'create'), code('EEXIST', 'create'))
    assert.equal(map.lookup(u32(7)), filled(3, 1))
    map.update(u32(7), filled(3, 2))
    assert.equal(map.lookup(u32(7)), filled(3, 2))
    assert.is(map.delete(u32(7)), true)
    assert.is(map.delete(u32(7)), false)
    assert.equal([...map.entries()], [])
  })
}

test('the content is the same until something changes', () => {
  for (const type of ['hash', 'percpu_hash'] as const) {
    const map = make({ type, valueSize: 8, maxEntries: 5000 })
    const put = (key: number, value: number): void => {
      const bytes = Uint8Array.from({ length: 8 }, () => value)
      if (map.perCpu) map.updatePerCpu(u32(key), Array(possibleCpus()).fill(bytes))
      else map.update(u32(key), bytes)
    }
    for (let key = 0; key < 3000; key++) put(key, 1)
    const before = map.content()!
    assert.is(before.length, 3000 * (4 + 8 * (map.perCpu ? possibleCpus() : 1)))
    assert.ok(map.content()!.equals(before))
    put(7, 2)
    assert.not(map.content()!.equals(before))
    map.delete(u32(8))
    assert.not(map.content()!.equals(before))
  }
  assert.is(make({ type: 'array', maxEntries: 4 }).content(), undefined)
})

test('array: all elements exist, none can be deleted', () => {
  const map = make({ type: 'array', valueSize: 12 })
  map.update(u32(5), filled(12, 5))
  assert.equal(map.lookup(u32(5)), filled(12, 5))
  assert.equal(map.lookup(u32(6)), new Uint8Array(12))
  assert.is(map.lookup(u32(8)), undefined)
  assert.throws(() => map.update(u32(8), new Uint8Array(12)), code('E2BIG', 'maxEntries'))
  assert.throws(() => map.update(u32(1), new Uint8Array(12), 'create'), code('EEXIST'))
  assert.throws(() => map.delete(u32(5)), code('EINVAL', 'BPF_MAP_DELETE_ELEM'))
  const pairs = [...map.entries()]
  assert.equal(
    pairs.map(([key]) => key),
    [0, 1, 2, 3, 4, 5, 6, 7].map(u32),
  )
  assert.equal(pairs[5]![1], filled(12, 5))
})

for (const type of ['percpu_hash', 'percpu_array', 'lru_percpu_hash'] as const) {
  for (const valueSize of [3, 8, 12]) {
    test(`${type} with values of ${valueSize} bytes: each CPU has its own`, () => {
      const map = make({ type, valueSize, maxEntries: 64 })
      assert.is(map.perCpu, true)
      const valuesOf = (seed: number): Uint8Array[] =>
        Array.from({ length: possibleCpus() }, (_, cpu) => filled(valueSize, seed * 100 + cpu))
      map.updatePerCpu(u32(1), valuesOf(1))
      map.updatePerCpu(u32(2), valuesOf(2))
      assert.equal(map.lookupPerCpu(u32(1)), valuesOf(1))
      assert.equal(map.lookupPerCpu(u32(2)), valuesOf(2))
      const pairs = new Map([...map.entriesPerCpu()].map(([key, values]) => [key[0], values]))
      assert.equal(pairs.get(1), valuesOf(1))
      assert.equal(pairs.get(2), valuesOf(2))
      assert.is(pairs.size, type === 'percpu_array' ? 64 : 2)
    })
  }
}

test('per-CPU and plain methods are not interchangeable', () => {
  const perCpu = make({ type: 'percpu_hash' })
  const plain = make({ type: 'hash' })
  assert.throws(() => perCpu.lookup(u32(0)), code('EINVAL', 'use lookupPerCpu'))
  assert.throws(() => perCpu.update(u32(0), new Uint8Array(8)), code('EINVAL', 'use updatePerCpu'))
  assert.throws(() => perCpu.entries(), code('EINVAL', 'use entriesPerCpu'))
  assert.throws(() => plain.lookupPerCpu(u32(0)), code('EINVAL', 'use lookup'))
  assert.throws(() => plain.updatePerCpu(u32(0), []), code('EINVAL', 'use update'))
  assert.throws(() => plain.entriesPerCpu(), code('EINVAL', 'use entries'))
  const cpus = possibleCpus()
  const values = (length: number, size: number): Uint8Array[] => Array.from({ length }, () => new Uint8Array(size))
  assert.throws(() => perCpu.updatePerCpu(u32(0), values(cpus + 1, 8)), code('EINVAL', `given ${cpus + 1}`))
  assert.throws(() => perCpu.updatePerCpu(u32(0), values(cpus, 7)), code('EINVAL', 'must be 8 bytes, given 7'))
})

test('lengths are exact, and the message names both', () => {
  const map = make({ type: 'hash', name: 'sized' })
  for (const key of [new Uint8Array(0), new Uint8Array(3), new Uint8Array(5)]) {
    const wrong = code(
      'EINVAL',
      `the key for map 'sized' (key 4 bytes, value 8 bytes) must be 4 bytes, given ${key.length}`,
    )
    assert.throws(() => map.lookup(key), wrong)
    assert.throws(() => map.update(key, new Uint8Array(8)), wrong)
    assert.throws(() => map.delete(key), wrong)
  }
  assert.throws(() => map.update(u32(0), new Uint8Array(7)), code('EINVAL', 'the value'))
  assert.throws(() => map.update(u32(0), new Uint8Array(9)), code('EINVAL', 'must be 8 bytes, given 9'))
  for (const key of [undefined, null, 4, 'abcd', [1, 2, 3, 4], new ArrayBuffer(4), new DataView(new ArrayBuffer(4))]) {
    assert.throws(() => map.lookup(key as unknown as Uint8Array), code('EINVAL', 'must be a Uint8Array'))
  }
  assert.throws(() => map.lookup(new Float32Array(4) as unknown as Uint8Array), code('EINVAL', 'must be a Uint8Array'))
  const detached = new Uint8Array(4)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  assert.throws(() => map.lookup(detached), code('EINVAL', 'given 0'))
})

test('views into larger buffers are read where they point, and results are copies', () => {
  const map = make({ type: 'hash' })
  const whole = filled(32, 9)
  map.update(whole.subarray(3, 7), whole.subarray(11, 19))
  whole.fill(0, 11, 19)
  const value = map.lookup(Buffer.from(whole.subarray(3, 7)))!
  assert.equal(value, filled(32, 9).slice(11, 19))
  assert.is(value.buffer.byteLength, 8)
  value.fill(0)
  assert.equal(map.lookup(whole.subarray(3, 7)), filled(32, 9).slice(11, 19))
  const [[key]] = [...map.entries()] as [[Uint8Array, Uint8Array]]
  assert.is(key.buffer.byteLength, 4)
})

test('a full map says so', () => {
  const map = make({ type: 'hash', maxEntries: 2 })
  map.update(u32(1), new Uint8Array(8))
  map.update(u32(2), new Uint8Array(8))
  assert.throws(() => map.update(u32(3), new Uint8Array(8)), code('E2BIG', 'the map is full'))
})

test('maps of maps: an inner map is replaced whole', () => {
  const template = make({ type: 'hash', name: 'template' })
  const outer = make({ type: 'hash_of_maps', valueSize: 4, innerMap: template })
  const [first, second] = [make({ type: 'hash' }), make({ type: 'hash' })]
  outer.updateObject(u32(1), first)
  assert.equal(outer.lookup(u32(1)), u32(first.id))
  outer.updateObject(u32(1), second, 'exist')
  assert.equal([...outer.entries()], [[u32(1), u32(second.id)]])
  assert.throws(() => outer.update(u32(1), u32(0)), code('EINVAL', 'use updateObject'))
  assert.throws(() => template.updateObject(u32(1), first), code('EINVAL', 'does not hold'))
  assert.throws(() => outer.updateObject(u32(2), make({ type: 'hash', keySize: 8 })), code('EINVAL'))
  const closed = make({ type: 'hash' })
  closed.close()
  assert.throws(() => outer.updateObject(u32(2), closed), code('EBADF', 'after close()'))
})

test('pins, and opens what is pinned', () => {
  const path = `${bpffs.path}/pinned`
  const map = make({ type: 'hash', name: 'first' })
  map.pin(path)
  map.update(u32(1), filled(8, 1))
  map.close()
  const again = openMap(path)
  made.push(again)
  assert.is(again.id, map.id)
  assert.equal(again.lookup(u32(1)), filled(8, 1))
  assert.throws(() => again.pin(path), code('EEXIST', path))
  assert.throws(() => again.lookup(new Uint8Array(5)), code('EINVAL', `'${path}' (key 4 bytes`))
  assert.throws(() => openMap(`${bpffs.path}/absent`), code('ENOENT', `${bpffs.path}/absent`))
  assert.throws(
    () => again.pin('/proc/nowhere'),
    (error: Error) => error.message.includes('/proc/nowhere'),
  )
  assert.throws(() => openMap('/etc/hostname'), code('EACCES', '/etc/hostname'))
})

test('after close() every use throws, and closing again does nothing', () => {
  const map = make({ type: 'hash', name: 'gone' })
  map.update(u32(1), new Uint8Array(8))
  map.update(u32(2), new Uint8Array(8))
  const perCpu = make({ type: 'percpu_hash' })
  const iterator = map.entries()
  map.close()
  map.close()
  perCpu.close()
  const closed = code('EBADF', 'after close(): open it again')
  assert.throws(() => map.lookup(u32(1)), closed)
  assert.throws(() => map.update(u32(1), new Uint8Array(8)), closed)
  assert.throws(() => map.delete(u32(1)), closed)
  assert.throws(() => map.entries(), closed)
  assert.throws(() => map.pin(`${bpffs.path}/closed`), closed)
  assert.throws(() => perCpu.lookupPerCpu(u32(1)), closed)
  assert.throws(() => make({ type: 'hash_of_maps', valueSize: 4, innerMap: map }), closed)
  assert.is([...iterator].length, 2, 'what the kernel had already given is still there')
})

test('refuses shapes that make no map', () => {
  assert.throws(() => make({ type: 'hash', keySize: 0 }), code('EINVAL', 'key 0 bytes'))
  assert.throws(() => make({ type: 'hash', maxEntries: 0 }), code('EINVAL', '0 entries'))
  assert.throws(() => make({ type: 'hash', maxEntries: -1 }), code('EINVAL', 'given -1'))
  assert.throws(() => make({ type: 'hash', maxEntries: 2 ** 32 }), code('EINVAL'))
  assert.throws(() => make({ type: 'hash', maxEntries: Number.NaN }), code('EINVAL'))
  assert.throws(() => make({ type: 'hash', name: 'sixteen-letters!' }), code('ENAMETOOLONG'))
  assert.throws(() => make({ type: 'lpm_trie' }), code('EINVAL'))
  assert.is(make({ type: 'lpm_trie', keySize: 8, flags: NO_PREALLOC }).type, 'lpm_trie')
})

test('a queue has no keys', () => {
  const map = make({ type: 'queue', keySize: 0 })
  map.update(new Uint8Array(0), filled(8, 1))
  assert.equal(map.lookup(new Uint8Array(0)), filled(8, 1))
  assert.throws(() => map.lookup(u32(0)), code('EINVAL', 'must be 0 bytes, given 4'))
})

test.run()
