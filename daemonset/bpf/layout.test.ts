// The C side of the layouts, as the compiler laid it out, against the codecs of ../wire.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { StructCodec } from '#daemonset/wire/codec.ts'
import { DROP_REASONS, dropReasonOf, dropReasons } from '#daemonset/wire/drop-reasons.ts'
import * as labels from '#daemonset/wire/labels.ts'
import {
  GENERATIONS,
  LAYOUT_VERSION,
  MAX_NETWORK_PORTS,
  MAX_TREE_LINKS,
  mapLayouts,
  OUTER_IPV4_BYTES,
  OUTER_IPV6_BYTES,
  pathStats,
} from '#daemonset/wire/map-layouts.ts'
import { SOURCE_PORT_END, SOURCE_PORT_FIRST } from '#daemonset/wire/vxlan-header.ts'
import { built } from './test-maps.ts'

type BtfType = {
  id: number
  kind: string
  name: string
  size?: number
  type_id?: number
  nr_elems?: number
  members?: { name: string; type_id: number; bits_offset: number }[]
  vars?: { type_id: number }[]
}

const test = suite('layout')
const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', built('vnet.bpf.o')], { maxBuffer: 1 << 26 })
const types = new Map((JSON.parse(dump.toString()) as { types: BtfType[] }).types.map((type) => [type.id, type]))
const header = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8')
const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** The type behind typedefs, qualifiers and pointers. */
const resolve = (id: number): BtfType => {
  const type = types.get(id)!
  return ['TYPEDEF', 'CONST', 'VOLATILE', 'PTR', 'VAR'].includes(type.kind) ? resolve(type.type_id!) : type
}
const sizeOf = (id: number): number => {
  const type = resolve(id)
  return type.kind === 'ARRAY' ? type.nr_elems! * sizeOf(type.type_id!) : type.size!
}

/** Key and value types of each map, by the map's name. */
const maps = new Map(
  [...types.values()]
    .filter(({ kind, name }) => kind === 'DATASEC' && name === '.maps')
    .flatMap(({ vars }) => vars!.map(({ type_id }) => types.get(type_id)!))
    .map((variable) => {
      const member = (name: string) =>
        resolve(variable.type_id!).members!.find((candidate) => candidate.name === name)!.type_id
      return [variable.name, { key: resolve(member('key')), value: resolve(member('value')) }] as const
    }),
)

test('the object and the codecs have the same maps, with names that the kernel keeps whole', () => {
  assert.equal([...maps.keys()].sort(), Object.keys(mapLayouts).sort())
  for (const name of maps.keys()) assert.ok(name.length <= 15, name)
})

for (const [name, layout] of Object.entries(mapLayouts))
  for (const side of ['key', 'value'] as const)
    test(`${name}: the ${side} has the same size and members on both sides`, () => {
      const type = maps.get(name)![side]
      const codec = layout[side]
      assert.is(codec.size, type.size)
      assert.is('fields' in codec, type.kind === 'STRUCT')
      if (type.kind !== 'STRUCT') return
      assert.equal(
        (codec as StructCodec<unknown>).fields,
        type.members!.map((member) => ({
          name: camel(member.name),
          offset: member.bits_offset / 8,
          size: sizeOf(member.type_id),
        })),
      )
    })

test('limits, label ranges and flags are the same numbers', () => {
  const defines = new Map(
    ['layout.h', 'labels.h', 'outer-header.h', 'drop-reasons.h'].flatMap((file) =>
      [...header(file).matchAll(/^#define (\w+) (?:\(1u << (\d+)\)|(\d+)u?)/gm)].map(
        ([, name, shift, value]) => [name, shift ? 1 << Number(shift) : Number(value)] as const,
      ),
    ),
  )
  const expected = {
    ...labels,
    LAYOUT_VERSION,
    MAX_NETWORK_PORTS,
    MAX_TREE_LINKS,
    DROP_REASONS,
    GENERATIONS,
    OUTER_IPV4_BYTES,
    OUTER_IPV6_BYTES,
    SOURCE_PORT_FIRST,
    SOURCE_PORT_END,
  }
  const numbers = Object.entries(expected).filter(([, value]) => typeof value === 'number')
  assert.ok(numbers.length >= 11)
  for (const [name, value] of numbers) assert.is(defines.get(name), value, name)
})

test('path_stats: one list', () => {
  const [, listed] = header('layout.h').match(/enum path_stat \{ (.*), PATH_STATS \}/)!
  assert.equal(
    listed!.split(', '),
    pathStats.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()),
  )
})

test('drop reasons: one list, and every reason is used by a program', () => {
  const listed = [...header('drop-reasons.h').matchAll(/^\tDROP_(\w+) = (\d+),$/gm)]
  assert.equal(
    listed.map(([, name, number]) => [name, Number(number)]),
    Object.entries(dropReasons).map(([name, { number }]) => [name, number]),
  )
  const sources = execFileSync('sh', ['-c', 'cat *.h *.c'], { cwd: import.meta.dirname }).toString()
  for (const [, name, number] of listed) {
    assert.ok(sources.match(new RegExp(`DROP_${name}\\b`, 'g'))!.length > 1, `DROP_${name} is never counted`)
    assert.is(dropReasonOf(Number(number)), name)
  }
  assert.is(dropReasonOf(DROP_REASONS - 1), undefined)
})

test.run()
