import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Plan } from './plan.ts'
import { patternNames } from './scenarios/patterns.ts'
import { star } from './testing/small.ts'
import type { PlannerInput } from './types.ts'

const test = suite('npm run plan')
const folder = mkdtempSync(join(tmpdir(), 'vnet-plan-'))
test.after(() => rmSync(folder, { recursive: true }))

const run = (...args: string[]): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...args], {
    encoding: 'utf8',
  })
  return { status, out: stdout, err: stderr }
}
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const exampleOf = (name: string): string => join(import.meta.dirname, '../../examples/planner', name)

test('an input as JSON: a plan as JSON, in words, or as what the verifier says', () => {
  const example = exampleOf('star.json')
  const planned = run(example)
  assert.is(planned.status, 0, planned.err)
  const { status, networks } = JSON.parse(planned.out) as Plan
  assert.equal([status, networks[0]!.after], ['Feasible', 2.5])
  assert.match(run(example, '--explain').out, /^blue: Throughput 1.25 × now, 2.5 × after/)
  for (const strategy of ['greedy', 'annealing', 'exact'])
    assert.is(run(example, '--check', '--strategy', strategy).out, '0 violations\n')
  const { out } = run(exampleOf('two-domains.json'), '--explain')
  assert.match(out, /^team\/blue: Throughput 1.25 × now, 10 × after/)
  assert.match(out, /Migrate v3 from east\/f1 to west\/s\d, about 4470 s: for v1 to v3/)
})

test('a graph of the Topology Zoo, or measurements between regions, with generated VMs and demands', () => {
  const edges = [0, 1, 2, 3].map((i) => `<edge source="${i}" target="${(i + 1) % 4}"/>`).join('')
  const nodes = [0, 1, 2, 3].map((i) => `<node id="${i}"/>`).join('')
  const zoo = write('Square.graphml', `<graphml><graph edgedefault="undirected">${nodes}${edges}</graph></graphml>`)
  const pairs = ['x', 'y', 'z'].flatMap((a) => ['x', 'y', 'z'].filter((b) => b !== a).map((b) => `${a},${b},1e9,20`))
  const csv = write('regions.csv', `source,target,throughput_bps,rtt_ms\n${pairs.join('\n')}\n`)
  for (const [i, pattern] of patternNames.entries()) {
    const file = i % 2 === 0 ? zoo : csv
    const { status, out, err } = run(
      file,
      '--pattern',
      pattern,
      '--vms',
      '5',
      '--bps',
      '1e6',
      '--seconds',
      '1',
      '--check',
    )
    assert.equal([status, out], [0, '0 violations\n'], `${pattern}: ${err}`)
  }
})

test('a name in a folder of data, planned for or printed', () => {
  const nodes = '<node id="0"/><node id="1"/>'
  mkdirSync(join(folder, 'zoo'))
  write('zoo/Pair.graphml', `<graphml><graph>${nodes}<edge source="0" target="1"/></graph></graphml>`)
  write('intercloud.csv', 'source,target,throughput_bps,rtt_ms\na,b,1e9,20\nb,a,1e9,20\n')
  const bridgesOf = (...args: string[]): string[] => {
    const input = JSON.parse(run(...args, '--data', folder, '--print-input').out) as PlannerInput
    return input.bridges.map(({ name }) => name)
  }
  assert.equal(bridgesOf('Pair'), ['Pair/node-0', 'Pair/node-1'])
  assert.equal(bridgesOf('Pair.graphml'), ['Pair/node-0', 'Pair/node-1'])
  assert.equal(bridgesOf('intercloud'), ['a/a', 'b/b'])
})

test('what is wrong is named, with what to do', () => {
  const { maxHops: _, ...broken } = { ...star(), budgets: { moves: 'two' }, hops: 3, vms: [{ name: 'one' }] }
  const refused = run(write('broken.json', JSON.stringify(broken)))
  assert.is(refused.status, 2)
  assert.match(refused.err, /^vms\[0\]\.network is missing; it must be a string$/m)
  assert.match(refused.err, /^budgets\.moves is "two"; it must be a number$/m)
  assert.match(refused.err, /^hops is unknown; there is bridges,/m)
  assert.match(run(write('null.json', 'null')).err, /the input is null; it must be an object/)
  assert.match(run(join(folder, 'null.json'), '--strategy', 'magic').err, /null|--strategy magic/)
  assert.match(run(join(folder, 'absent.json')).err, /no such file/)
  assert.is(run().status, 2)
  assert.match(run('x', '--nonsense').err, /^Unknown option '--nonsense'/)
  const pair = write(
    'Pair.graphml',
    '<graphml><graph><node id="0"/><node id="1"/><edge source="0" target="1"/></graph></graphml>',
  )
  assert.match(run(pair, '--vms', '2.5').err, /^--vms 2.5: it must be a whole number from 2 to 20000$/m)
  assert.match(run(pair, '--pattern', 'circle').err, /^--pattern circle: it must be one of Ring, /m)
})

test.run()
