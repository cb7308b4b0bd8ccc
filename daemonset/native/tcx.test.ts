import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  attachTcx,
  detachTcx,
  hasTcx,
  openProgram,
  readTcxLink,
  tcxPrograms,
  updateTcx,
} from '#daemonset/native/index.ts'
import { enterTestNamespace, ip } from '../kernel/test-namespace.ts'
import { loadTestPrograms, mountBpffs } from './test-bpffs.ts'

enterTestNamespace(import.meta.filename)

const test = suite('tcx')
const bpffs = mountBpffs()
const pins = loadTestPrograms(bpffs)
const [first, second] = ['lengthen', 'unspecified'].map((name) => openProgram(`${pins}/${name}`)) as [
  ReturnType<typeof openProgram>,
  ReturnType<typeof openProgram>,
]
const ifindex = 2
const pin = (name: string): string => `${bpffs.path}/${name}`
const code = (expected: string) => (error: Error & { code?: string }) => error.code === expected

/** On an older kernel there is nothing to test. */
const withTcx = hasTcx() ? test : test.skip

test.before(() => {
  ip(`link add name dev0 index ${ifindex} type bridge`)
})
test.after(() => {
  for (const program of [first, second]) program.close()
  bpffs.close()
})

test('is there since Linux 6.6', () => {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  assert.is(hasTcx(), major > 6 || (major === 6 && minor >= 6))
})

withTcx('a program is put before those that are there, and lives by its pin', () => {
  assert.equal(tcxPrograms(ifindex, 'ingress'), [])
  attachTcx(first, { ifindex, direction: 'ingress', pin: pin('one') })
  attachTcx(second, { ifindex, direction: 'ingress', pin: pin('two') })
  assert.equal(tcxPrograms(ifindex, 'ingress'), [second.id, first.id])
  assert.equal(tcxPrograms(ifindex, 'egress'), [])
  const { id: programId, name: programName } = first
  assert.equal(readTcxLink(pin('one')), { ifindex, direction: 'ingress', programId, programName })
  detachTcx(pin('two'))
  assert.not(existsSync(pin('two')))
  assert.equal(tcxPrograms(ifindex, 'ingress'), [first.id])
})

withTcx('is replaced in its place', () => {
  updateTcx(pin('one'), second)
  assert.equal(tcxPrograms(ifindex, 'ingress'), [second.id])
  updateTcx(pin('one'), first)
})

withTcx('a place that is taken, a device that is not there, and something else under the pin are refused', () => {
  assert.throws(() => attachTcx(second, { ifindex, direction: 'egress', pin: pin('one') }), code('EEXIST'))
  assert.equal(tcxPrograms(ifindex, 'egress'), [], 'without its pin nothing is left')
  assert.throws(() => attachTcx(second, { ifindex: 99, direction: 'egress', pin: pin('none') }), code('ENODEV'))
  assert.not(existsSync(pin('none')))
  assert.throws(() => updateTcx(`${pins}/lengthen`, second), code('EINVAL'))
  assert.throws(() => readTcxLink(pin('absent')), code('ENOENT'))
  assert.equal(tcxPrograms(99, 'ingress'), [])
})

withTcx('says when its device is gone', () => {
  ip('link delete dev dev0')
  assert.is(readTcxLink(pin('one')), undefined)
})

test.run()
