import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { plan } from '../planner.ts'
import { seededRandom } from '../random.ts'
import { byWork } from '../testing/random-input.ts'
import { objectiveNames } from '../types.ts'
import { readGraphml } from './graphml.ts'
import { readIntercloud } from './intercloud.ts'
import { flowsOf, patternNames } from './patterns.ts'
import { makeScenario, spanningLinks, variants } from './scenario.ts'
import { cutOut, generateUnderlay, graphKinds } from './underlay.ts'

const test = suite('scenarios')

const graphml = `<?xml version="1.0"?><graphml>
  <key attr.name="LinkSpeedRaw" for="edge" id="d1" /><key attr.name="label" for="node" id="d2" />
  <key attr.name="Latitude" for="node" id="d3" /><key attr.name="Longitude" for="node" id="d4" />
  <!-- <edge source="0" target="9"/> -->
  <graph edgedefault="undirected">
    <node id="0"><data key="d2">Praha &amp; Brno</data><data key="d3">50.1</data><data key="d4">14.4</data></node>
    <node id="1"><data key="d2">Wien</data><data key="d3">48.2</data><data key="d4">16.4</data></node>
    <node id='2'><data key="d2">Wien</data></node>
    <node id="3"/>
    <edge source="0" target="1"><data key="d1">1000000000.0</data></edge>
    <edge source="1" target="0"><data key="d1">2.0E9</data></edge>
    <edge source="1" target="2"/>
    <edge source="3" target="3"/>
  </graph></graphml>`

test('GraphML: speeds summed over parallel edges, latencies by distance, guesses noted, strays left out', () => {
  const { bridges, links, notes } = readGraphml('Demo', graphml)
  assert.equal(
    bridges.map(({ name }) => name),
    ['Demo/Praha-Brno', 'Demo/Wien-1', 'Demo/Wien-2'],
  )
  assert.equal(
    links.map(({ aToB }) => aToB.capacityBps),
    [3e9, 2e9],
  )
  const latency = links[0]!.aToB.latencyMicroseconds
  assert.ok(latency > 1200 && latency < 1350, `${latency} µs for about 255 km`)
  assert.equal(notes, [
    '1 of 3 link speeds guessed',
    '1 edges without two different nodes, left out',
    '1 nodes not connected, left out',
    '1 latencies guessed',
  ])
})

test('GraphML that is no graph, or has no link, is refused with the reason', () => {
  assert.throws(() => readGraphml('x', '<html></html>'), /Reading x: there is no <graph>/)
  assert.throws(() => readGraphml('x', '<graph><node id="1"/><node id="2"/></graph>'), /no two nodes are connected/)
})

const csv = `source,target,throughput_bps,rtt_ms
aws:a,gcp:b,1000000000,20
gcp:b,aws:a,500000000,22
aws:a,azure:c,300000000,50
azure:c,aws:a,,50
`

test('inter-cloud CSV: pairs measured both ways, egress caps as NICs, unusable rows counted', () => {
  const { bridges, links, bottlenecks, notes } = readIntercloud(csv)
  assert.equal(
    bridges.map(({ name, cluster }) => [name, cluster]),
    [
      ['aws/a', 'aws'],
      ['gcp/b', 'gcp'],
    ],
  )
  assert.is(links.length, 1)
  assert.equal(links[0]!.bToA, { capacityBps: 5e8, latencyMicroseconds: 10_500, reservableBps: 25e7 })
  assert.is(bottlenecks.find(({ name }) => name === 'nic-out aws/a')!.capacityBps, 1e9)
  assert.equal(notes, [
    '1 rows without usable numbers left out',
    '1 rows without the other direction left out',
    '1 regions not connected, left out',
  ])
  assert.throws(() => readIntercloud('from,to\na,b'), /no column source, target, throughput_bps, rtt_ms/)
})

test('every pattern joins existing VMs, and all of them except where some only listen', () => {
  for (const pattern of patternNames)
    for (const count of [2, 5, 9]) {
      const flows = flowsOf(pattern, count, seededRandom(1))
      assert.ok(
        flows.every(({ source, destination }) => source !== destination && source < count && destination < count),
        pattern,
      )
      const seen = new Set(flows.flatMap(({ source, destination }) => [source, destination]))
      if (count > 2 || pattern !== 'HotSpots') assert.is(seen.size, count, `${pattern} ${count}`)
    }
})

test('every generated graph is connected, and a cut of it too', () => {
  for (const kind of graphKinds) {
    const underlay = generateUnderlay(kind, 12, seededRandom(2), true)
    assert.is(spanningLinks(underlay).length, 11, kind)
    const part = cutOut(underlay, 5, seededRandom(3))
    assert.is(part.bridges.length, 5)
    assert.is(spanningLinks(part).length, 4, kind)
    assert.ok(part.bottlenecks.every((bottleneck) => bottleneck.links.length > 0))
  }
})

test('every variant with every objective gives an input that can be planned', () => {
  for (const variant of variants)
    for (const objective of objectiveNames) {
      const random = seededRandom(4)
      const input = makeScenario({ underlay: readIntercloud(csv), pattern: 'Bus', vms: 3, variant, objective }, random)
      assert.ok(plan(input, byWork('greedy')).networks.length === 1)
    }
})

test.run()
