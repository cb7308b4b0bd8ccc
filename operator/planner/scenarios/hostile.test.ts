import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { undeclared } from '../check/check.ts'
import { plan } from '../planner.ts'
import { seededRandom } from '../random.ts'
import { byWork } from '../testing/random-input.ts'
import { readGraphml, UnusableGraphError } from './graphml.ts'
import { readIntercloud } from './intercloud.ts'
import { makeScenario } from './scenario.ts'
import type { Underlay } from './underlay.ts'

const test = suite('files that nobody has seen before')

const node = (id: string, data = ''): string => `<node id="${id}">${data}</node>`
const edge = (source: string, target: string, bps = ''): string =>
  `<edge source="${source}" target="${target}">${bps && `<data key="d1">${bps}</data>`}</edge>`
const file = (inside: string, graph = 'edgedefault="undirected"'): string =>
  `<graphml><key attr.name="LinkSpeedRaw" id="d1"/><key attr.name="label" id="d2"/>` +
  `<key attr.name="Latitude" id="d3"/><key attr.name="Longitude" id="d4"/><graph ${graph}>${inside}</graph></graphml>`
const place = (label: string, latitude: string, longitude: string): string =>
  `<data key="d2">${label}</data><data key="d3">${latitude}</data><data key="d4">${longitude}</data>`

const rates = ({ links }: Underlay): number[][] => links.map(({ aToB, bToA }) => [aToB.capacityBps, bToA.capacityBps])

test('GraphML: numbers that are none, or of no link on earth, are guessed and noted', () => {
  const nodes = node('0', place('a', '1e999', '14')) + node('1', place('b', '', '')) + node('2', place('c', '10', '20'))
  const odd = ['Infinity', '-5', '1e40', 'fast', '0.2'].map((bps) => edge('0', '1', bps)).join('')
  const { links, notes } = readGraphml('odd', file(nodes + odd + edge('1', '2', '5e8')))
  assert.equal(
    links.map(({ aToB }) => aToB),
    [
      { capacityBps: 2.5e9, latencyMicroseconds: 2000, reservableBps: 1.25e9 },
      { capacityBps: 5e8, latencyMicroseconds: 2000, reservableBps: 2.5e8 },
    ],
  )
  assert.equal(notes, ['5 of 6 link speeds guessed', '2 latencies guessed'])
})

test('GraphML: a directed graph keeps the speed of each direction', () => {
  const nodes = node('0') + node('1') + node('2')
  const directed = readGraphml(
    'd',
    file(nodes + edge('0', '1', '100') + edge('1', '0', '30') + edge('1', '2', '7'), 'edgedefault="directed"'),
  )
  assert.equal(rates(directed), [
    [100, 30],
    [7, 7],
  ])
})

test('GraphML: names stay unique, whatever labels and ids repeat; entities and CDATA are text', () => {
  const nodes = [
    node('1', '<data key="d2">X</data>'),
    node('2', '<data key="d2">X</data>'),
    node('3', '<data key="d2">X-1</data>'),
    node('3', '<data key="d2">again</data>'),
    node('4', '<data key="d2"><![CDATA[A & B]]></data>'),
    node('5', '<data key="d2">&#xffffffff; &constructor; &lt;</data>'),
  ]
  const edges = ['2', '3', '4', '5'].map((id) => edge('1', id)).join('')
  const { bridges, notes } = readGraphml('n', file(nodes.join('') + edges))
  assert.equal(
    bridges.map(({ name }) => name),
    ['n/X-1', 'n/X-2', 'n/again', 'n/A-B', 'n/-xffffffff-constructor-'],
  )
  assert.ok(notes.includes('1 nodes with the id of another, left out'))
})

test('CSV: byte order mark, quotes, other order and case of columns, odd line ends, repeated rows', () => {
  const csv =
    '\uFEFF"RTT_ms",Target,"note, if any",source,throughput_bps\r\n1,"b, c",,a,100\r\n\r\n2,a,,"b, c",50\r1,"b, c",x,a,200\n,,,,\n'
  const read = readIntercloud(csv)
  assert.equal(
    read.bridges.map(({ name }) => name),
    ['a/a', 'b, c/b, c'],
  )
  assert.equal(rates(read), [[200, 50]])
  assert.equal(read.notes, ['1 rows without usable numbers left out', '1 rows measured again later, left out'])
})

test('GraphML that was cut off is refused, not taken for a smaller graph; closed elements count as such in any form', () => {
  const nodes = ['0', '1', '2'].map((id) => node(id)).join('')
  const whole = file(`${nodes}<edge source="0" target="1"/><edge source="1" target="2" ></edge ><!-- <edge -->`)
  assert.is(readGraphml('whole', whole).links.length, 2)
  assert.throws(
    () => readGraphml('cut', whole.slice(0, -20)),
    /Reading cut: not all of the elements graphml, graph are/,
  )
  assert.throws(() => readGraphml('open', whole.replace('</edge >', '')), /elements edge are closed/)
})

test('CSV: regions whose names would be the same are told apart; a file without pairs says what it has', () => {
  const { bridges } = readIntercloud(
    'source,target,throughput_bps,rtt_ms\na/b:c,a:b/c,100,1\na:b/c,a/b:c,100,1\na:b/c,x,,\n',
  )
  assert.equal(
    bridges.map(({ name }) => name),
    ['a/b/c', 'a/b/c-2'],
  )
  const oneWay = 'source,target,throughput_bps,rtt_ms\na,b,100,1\na,c,-5,1\na,d,NaN,1\n'
  assert.throws(() => readIntercloud(oneWay), /\(1 rows of one direction, 2 without usable numbers\)/)
  assert.throws(() => readIntercloud(''), /no column source, target, throughput_bps, rtt_ms; there are none/)
})

test('CSV: infinite, negative and missing numbers are no measurements', () => {
  const rows = ['a,b,Infinity,1', 'b,a,5,-1', 'a,b,0x,1', 'b,a,1e300,1', 'a,a,5,1', 'a,b']
  const csv = `source,target,throughput_bps,rtt_ms\n${rows.join('\n')}\n`
  assert.throws(() => readIntercloud(csv), /no pair is measured both ways/)
  assert.throws(
    () => readIntercloud('source;target;throughput_bps;rtt_ms\n'),
    /no column source.* there are source;target/,
  )
})

/** Cuts, doubles and overwrites parts of a text. */
const damage = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(60),
    by: fc.constantFrom(
      '',
      '<',
      '>',
      '"',
      '&',
      ',',
      '\n',
      '/>',
      '-1',
      '1e400',
      'NaN',
      '<edge source="0" target="1"/>',
      '\0',
      'é',
    ),
    keep: fc.boolean(),
  }),
  { maxLength: 6 },
)
const damaged = (text: string, steps: { at: number; length: number; by: string; keep: boolean }[]): string =>
  steps.reduce((whole, { at, length, by, keep }) => {
    const start = Math.floor(at * whole.length)
    const part = whole.slice(start, start + length)
    return whole.slice(0, start) + (keep ? part + part : '') + by + whole.slice(start + length)
  }, text)

const bigGraph = file(
  Array.from({ length: 9 }, (_, i) => node(String(i), place(`city ${i >> 1}`, String(40 + i), String(i)))).join('') +
    Array.from({ length: 14 }, (_, i) => edge(String(i % 9), String((3 * i + 1) % 9), i % 3 === 0 ? '' : '1e9')).join(
      '',
    ),
)
const regions = ['aws:x', 'aws:y', 'gcp:x', 'azure:z', 'solo']
const bigCsv = `source,target,throughput_bps,rtt_ms\n${regions
  .flatMap((a, i) => regions.filter((b) => b !== a).map((b, j) => `${a},${b},${(i + 1) * (j + 2) * 1e8},${10 * i + j}`))
  .join('\n')}\n`

/** Reads, and plans on what was read. `undefined`: refused, with the reason. */
const use = (read: () => Underlay): Underlay | undefined => {
  let underlay: Underlay
  try {
    underlay = read()
  } catch (error) {
    assert.instance(error, UnusableGraphError)
    return undefined
  }
  const random = seededRandom(1)
  const input = makeScenario(
    { underlay, pattern: 'Ring', vms: 5, variant: 'ComplexOffline', objective: 'Balanced' },
    random,
  )
  const result = plan(input, byWork('greedy'))
  assert.equal(undeclared(result, input), [])
  assert.ok(Number.isFinite(result.score.after))
  return underlay
}

test('whatever is done to a file, it is refused with a reason, or makes a graph that can be planned on', () => {
  const used = { graphs: 0, tables: 0 }
  fc.assert(
    fc.property(damage, (steps) => {
      if (use(() => readGraphml('damaged', damaged(bigGraph, steps)))) used.graphs++
      if (use(() => readIntercloud(damaged(bigCsv, steps)))) used.tables++
    }),
    { numRuns: 500 },
  )
  assert.ok(used.graphs > 20 && used.tables > 20, `of 500 each, only ${JSON.stringify(used)} could be used`)
})

test.run()
