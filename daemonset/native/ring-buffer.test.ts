import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createMap, openProgram, openRingBuffer, type RingBuffer } from '#daemonset/native/index.ts'
import { loadTestPrograms, mountBpffs } from './test-bpffs.ts'

const test = suite('ring buffer')
const bpffs = mountBpffs()
const pins = loadTestPrograms(bpffs)
const program = openProgram(`${pins}/emit`)
const opened: RingBuffer[] = []
const open = (): RingBuffer => {
  const ring = openRingBuffer(`${pins}/events`)
  opened.push(ring)
  return ring
}
const code =
  (expected: string, text = '') =>
  (error: Error & { code?: string; syscall?: string }): boolean =>
    error.code === expected && error.syscall === 'bpf' && error.message.includes(text)
/** A record's bytes tell records apart; 1 to 64 of them. */
const record = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (seed + index * 3) & 0xff)
/** Lets the program put the bytes into the ring; whether there was room. */
const emit = (bytes: Uint8Array, discard = false): boolean => {
  const data = new Uint8Array(100)
  data[12] = bytes.length - 1
  data[13] = discard ? 1 : 0
  data.set(bytes, 14)
  return program.testRun({ data }).returnValue === 0
}
/** What a promise is after the event loop went round: its value, or 'pending'. */
const settled = async <T>(promise: Promise<T>): Promise<T | 'pending'> => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  return Promise.race([promise, Promise.resolve('pending' as const)])
}

/** The reader's position, reached as another process that maps the ring could: through the page that this one can write. */
const consumer = (): { read(): bigint; write(position: bigint): void } => {
  const mappings = readFileSync('/proc/self/maps', 'utf8').split('\n')
  const writable = mappings.filter((line) => / rw-s .*anon_inode:bpf-map/.test(line))
  assert.is(writable.length, 1, 'one ring is open')
  const address = Number.parseInt(writable[0]!, 16) // below 2^47
  const access = (act: (memory: number) => void): void => {
    const memory = openSync('/proc/self/mem', 'r+')
    act(memory)
    closeSync(memory)
  }
  const position = new BigUint64Array(1)
  return {
    read: () => {
      access((memory) => readSync(memory, position, 0, 8, address))
      return position[0]!
    },
    write: (to) => {
      position[0] = to
      access((memory) => writeSync(memory, position, 0, 8, address))
    },
  }
}

test.before.each(() => {
  const ring = open()
  while (ring.drain().length > 0);
  ring.close()
})
test.after.each(() => {
  for (const ring of opened.splice(0)) ring.close()
})
test.after(() => {
  program.close()
  bpffs.close()
})

test('drains records of any length in their order', () => {
  const ring = open()
  assert.is(ring.sizeBytes, 4096)
  assert.equal(ring.drain(), [])
  const records = [1, 7, 8, 9, 63, 64].map((length, index) => record(index, length))
  for (const bytes of records) assert.ok(emit(bytes))
  assert.equal(ring.drain(4), records.slice(0, 4))
  assert.equal(ring.drain(0), [])
  assert.equal(ring.drain(), records.slice(4))
  assert.equal(ring.drain(), [])
})

test('goes round the ring many times, over its edge', () => {
  const ring = open()
  for (let round = 0; round < 300; round++) {
    const records = Array.from({ length: 5 }, (_, index) => record(round + index, ((round * 5 + index) % 64) + 1))
    for (const bytes of records) assert.ok(emit(bytes))
    assert.equal(ring.drain(), records)
  }
})

test('a full ring refuses records, and takes them again once drained', () => {
  const ring = open()
  const count = Math.floor(4096 / 72)
  for (let index = 0; index < count; index++) assert.ok(emit(record(index, 64)))
  assert.not(emit(record(0, 64)))
  const records = ring.drain(1000)
  assert.is(records.length, count)
  assert.equal(records.at(-1), record(count - 1, 64))
  assert.ok(emit(record(1, 64)))
})

test('skips discarded records', () => {
  const ring = open()
  for (let index = 0; index < 5; index++) {
    assert.ok(emit(record(0, 1), true))
    assert.ok(emit(record(index, 9)))
    assert.ok(emit(record(0, 1), true))
  }
  assert.equal(
    ring.drain(),
    [0, 1, 2, 3, 4].map((index) => record(index, 9)),
  )
  assert.equal(ring.drain(), [])
})

test('records are copies', () => {
  const ring = open()
  emit(record(1, 8))
  const [first] = ring.drain()
  for (let index = 0; index < 200; index++) {
    emit(record(index, 64))
    ring.drain()
  }
  assert.equal(first, record(1, 8))
  assert.is(first!.buffer.byteLength, 8)
})

test('waits until a program puts something in', async () => {
  const ring = open()
  for (let round = 0; round < 20; round++) {
    const wait = ring.wait()
    assert.is(await settled(wait), 'pending')
    emit(record(round, 10))
    assert.is(await wait, true)
    assert.equal(ring.drain(), [record(round, 10)])
  }
})

test('what is there already is readable at once, as often as one asks', async () => {
  const ring = open()
  emit(record(3, 4))
  assert.is(await ring.wait(), true)
  assert.is(await ring.wait(), true)
  assert.is(ring.drain().length, 1)
  assert.is(await settled(ring.wait()), 'pending')
})

test('several waits are woken together', async () => {
  const ring = open()
  const waits = [ring.wait(), ring.wait(new AbortController().signal), ring.wait()]
  emit(record(3, 4))
  assert.equal(await Promise.all(waits), [true, true, true])
})

test('close() ends a wait with false', async () => {
  const ring = open()
  const wait = ring.wait()
  assert.is(await settled(wait), 'pending')
  ring.close()
  assert.is(await wait, false)
  assert.is(await ring.wait(), false)
  ring.close()
  assert.throws(() => ring.drain(), code('EBADF', 'after close()'))
})

test('a signal ends a wait with false, and the ring stays usable', async () => {
  const ring = open()
  const controller = new AbortController()
  const wait = ring.wait(controller.signal)
  assert.is(await settled(wait), 'pending')
  controller.abort()
  assert.is(await wait, false)
  assert.is(await ring.wait(controller.signal), false)
  emit(record(1, 1))
  assert.is(await ring.wait(), true)
  assert.is(ring.drain().length, 1)
})

test('closing in the very turn in which it becomes readable', async () => {
  for (let round = 0; round < 50; round++) {
    const ring = open()
    const wait = ring.wait()
    emit(record(round, 5))
    if (round % 2 === 0) setImmediate(() => ring.close())
    else queueMicrotask(() => ring.close())
    assert.type(await wait, 'boolean')
    ring.close()
  }
})

test('a broken position or header drops what is unread with EBADMSG, then goes on', () => {
  const breakages = {
    'a header of bytes that a program chose': 8n,
    'a position within a header': 4n,
    'a position beyond what was written': 80n,
    'a position further back than the ring is long': -8192n,
    'a position in the last four bytes': 68n,
  }
  const ring = open()
  const reader = consumer()
  for (const [name, offset] of Object.entries(breakages)) {
    const start = reader.read()
    // 0x7f7f7f7f is a length of a gigabyte.
    assert.ok(emit(new Uint8Array(64).fill(0x7f)))
    const broken = BigInt.asUintN(64, start + offset)
    reader.write(broken)
    assert.throws(() => ring.drain(), code('EBADMSG', `at position ${broken};`), name)
    assert.is(reader.read(), start + 72n, name)
    assert.equal(ring.drain(), [], name)
    assert.ok(emit(record(1, 20)))
    assert.equal(ring.drain(), [record(1, 20)], name)
  }
})

test('records before a broken one are still given', () => {
  const ring = open()
  const reader = consumer()
  const start = reader.read()
  // The payload of the first is itself a record of 8 bytes, then a header that is too long.
  const payload = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 63, 0, 0, 0, 0)
  assert.ok(emit(payload))
  reader.write(start + 8n)
  assert.equal(ring.drain(), [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)])
  assert.throws(() => ring.drain(), code('EBADMSG'))
  assert.equal(ring.drain(), [])
})

test('refuses what is no ring buffer', () => {
  assert.throws(() => openRingBuffer(`${pins}/runs`), code('EINVAL', 'as a ring buffer'))
  assert.throws(() => openRingBuffer(`${pins}/emit`), code('EINVAL', 'not a bpf-map'))
  assert.throws(() => openRingBuffer(`${pins}/absent`), code('ENOENT', '/absent'))
  const user = createMap({ type: 'user_ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 })
  user.pin(`${pins}/user`)
  assert.throws(() => openRingBuffer(`${pins}/user`), code('EINVAL', 'as a ring buffer'))
  user.close()
})

test.run()
