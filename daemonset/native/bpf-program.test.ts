import { existsSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BpfProgram, createMap, openMap, openProgram } from '#daemonset/native/index.ts'
import { loadTestPrograms, mountBpffs } from './test-bpffs.ts'

const test = suite('program')
const bpffs = mountBpffs()
const pins = loadTestPrograms(bpffs)
const opened: BpfProgram[] = []
const open = (name: string): BpfProgram => {
  const program = openProgram(`${pins}/${name}`)
  opened.push(program)
  return program
}
const code =
  (expected: string, text = '') =>
  (error: Error & { code?: string; syscall?: string }): boolean =>
    error.code === expected && error.syscall === 'bpf' && error.message.includes(text)
const frame = (length = 60): Uint8Array => Uint8Array.from({ length }, (_, index) => index & 0xff)
const key = new Uint8Array(4)

test.after.each(() => {
  for (const program of opened.splice(0)) program.close()
})
test.after(() => {
  bpffs.close()
  assert.not(existsSync(bpffs.path))
})

test('says what a program is', () => {
  const program = open('lengthen')
  assert.is(program.type, 'sched_cls')
  assert.is(program.name, 'lengthen')
  assert.match(program.tag, /^[0-9a-f]{16}$/)
  assert.ok(program.id > 0)
  assert.is(open('pass').type, 'xdp')
})

test('runs a tc program on a frame: the changed frame, context, return value and duration come back', () => {
  const program = open('lengthen')
  const context = new Uint8Array(192)
  new DataView(context.buffer).setUint32(8, 41, true)
  const before = frame()
  const outcome = program.testRun({ data: before, context })
  assert.is(outcome.returnValue, 60)
  assert.is(outcome.data.length, 68)
  assert.equal(outcome.data.subarray(0, 60), frame())
  assert.equal(before, frame(), 'the input is not written to')
  assert.ok(outcome.context && outcome.context.length >= 192)
  const view = new DataView(outcome.context.buffer, outcome.context.byteOffset)
  assert.is(view.getUint32(8, true), 42, '__sk_buff.mark')
  assert.type(outcome.durationNs, 'number')
})

test('gives a context back where none was passed in, for a __sk_buff only', () => {
  const { context } = open('lengthen').testRun({ data: frame() })
  assert.is(new DataView(context!.buffer).getUint32(8, true), 1)
  const outcome = open('pass').testRun({ data: frame() })
  assert.is(outcome.context, undefined)
  assert.is(outcome.returnValue, 2)
  assert.equal(outcome.data, frame())
})

test('repeats, and counts in a per-CPU map of the program', () => {
  const map = openMap(`${pins}/runs`)
  const total = (): bigint =>
    map.lookupPerCpu(key)!.reduce((sum, value) => sum + new DataView(value.buffer).getBigUint64(0, true), 0n)
  const before = total()
  const outcome = open('lengthen').testRun({ data: frame(), repeat: 5 })
  assert.is(total() - before, 5n)
  assert.is(outcome.data.length, 60 + 5 * 8)
  map.close()
})

test('takes frames of all sizes', () => {
  for (const length of [14, 1514, 3000]) {
    assert.is(open('lengthen').testRun({ data: frame(length) }).data.length, length + 8)
  }
})

test('shows a return value of -1 as unsigned', () => {
  assert.is(open('unspecified').testRun({ data: frame() }).returnValue, 0xffff_ffff)
})

test('refuses frames and contexts that the kernel does not take', () => {
  const program = open('lengthen')
  assert.throws(() => program.testRun({ data: new Uint8Array(13) }), code('EINVAL', "/lengthen' on 13 bytes"))
  assert.throws(() => program.testRun({ data: new Uint8Array(0) }), code('EINVAL', 'on 0 bytes'))
  assert.throws(() => program.testRun({ data: new Uint8Array(1024 * 1024 + 1) }), code('E2BIG'))
  assert.throws(() => program.testRun({ data: frame(), context: new Uint8Array(1025) }), code('E2BIG'))
  const context = new Uint8Array(192)
  context[0] = 1 // __sk_buff.len, which is the kernel's to fill in
  assert.throws(() => program.testRun({ data: frame(), context }), code('EINVAL', 'context of 192 bytes'))
  assert.throws(() => program.testRun({ data: 'text' as unknown as Uint8Array }), code('EINVAL', 'Uint8Array'))
  assert.throws(() => program.testRun({ data: new Uint16Array(60) as unknown as Uint8Array }), code('EINVAL'))
  assert.throws(() => program.testRun({ data: frame(), repeat: -1 }), code('EINVAL', 'given -1'))
  assert.throws(() => program.testRun({ data: frame(), repeat: 1.5 }), code('EINVAL', 'given 1.5'))
})

test('puts a program into a prog_array, where it is jumped to', () => {
  const jumps = openMap(`${pins}/jumps`)
  const program = open('jump')
  assert.is(program.testRun({ data: frame() }).returnValue, 77)
  jumps.updateObject(key, open('unspecified'))
  assert.is(program.testRun({ data: frame() }).returnValue, 0xffff_ffff)
  assert.ok(jumps.delete(key))
  assert.is(program.testRun({ data: frame() }).returnValue, 77)
  const map = createMap({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
  assert.throws(() => jumps.updateObject(key, map), code('EINVAL', 'program handle'))
  assert.throws(() => jumps.update(key, new Uint8Array(4)), code('EINVAL', 'use updateObject'))
  map.close()
  jumps.close()
})

test('an absent pin, a pin of another kind, and use after close', () => {
  assert.throws(() => open('absent'), code('ENOENT', `${pins}/absent`))
  assert.throws(() => open('runs'), code('EINVAL', 'not a bpf-prog'))
  assert.throws(() => openMap(`${pins}/lengthen`), code('EINVAL', 'not a bpf-map'))
  assert.throws(() => open('a\0b'), code('EINVAL', 'NUL'))
  assert.throws(() => open('x'.repeat(5000)), code('ENAMETOOLONG'))
  const program = open('pass')
  program.close()
  program.close()
  assert.throws(() => program.testRun({ data: frame() }), code('EBADF', "/pass' after close()"))
})

test.run()
