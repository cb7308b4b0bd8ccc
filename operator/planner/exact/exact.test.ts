import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { undeclared } from '../check/check.ts'
import { Interference } from '../interference.ts'
import { Evaluator } from '../objectives.ts'
import { plan } from '../planner.ts'
import { compile } from '../problem.ts'
import { randomBelow, seededRandom } from '../random.ts'
import { Routing } from '../routing.ts'
import { makeScenario, variants } from '../scenarios/scenario.ts'
import { generateUnderlay, graphKinds } from '../scenarios/underlay.ts'
import { Search } from '../search.ts'
import { State } from '../state.ts'
import { byWork } from '../testing/random-input.ts'
import { objectiveNames, type PlannerInput } from '../types.ts'
import { bruteForce } from './brute-force.ts'
import { loadExact } from './exact.ts'

const test = suite('exact')

const tiny = (seed: number): PlannerInput => {
  const random = seededRandom(seed)
  const underlay = generateUnderlay(graphKinds[seed % graphKinds.length]!, 3 + (seed % 2), random, seed % 3 === 0)
  const objective = objectiveNames[seed % objectiveNames.length]!
  const input = makeScenario(
    {
      underlay,
      pattern: seed % 2 === 0 ? 'Ring' : 'Star',
      vms: 3,
      variant: variants[seed % variants.length]!,
      objective,
      elastic: seed % 4 < 2,
      maxHops: 3,
      ...(seed % 5 === 0 && { linkBudget: randomBelow(random, 2) }),
    },
    random,
  )
  return seed % 7 === 0 ? { ...input, budgets: { moves: 1 } } : input
}

test('the exact solver finds what trying everything finds, on tiny instances of every kind', async () => {
  const exact = await loadExact({ timeLimitSeconds: 20 })
  let compared = 0
  for (let seed = 0; seed < 35; seed++) {
    const input = tiny(seed)
    const all = bruteForce(input)
    const result = plan(input, byWork('exact'), { exact })
    assert.equal(undeclared(result, input), [], `seed ${seed}`)
    assert.is(result.status === 'Feasible', all.violation === 0, `seed ${seed}`)
    if (all.violation > 0) continue
    compared++
    const net = result.score.after - result.cost.score
    assert.ok(
      Math.abs(net - all.score) <= 1e-5 * Math.max(1, Math.abs(all.score)),
      `seed ${seed}: ${net} is not ${all.score}`,
    )
  }
  assert.ok(compared >= 18, `only ${compared} feasible instances`)
})

test('with a budget of one move already spent, local search still finds that another VM should have it', async () => {
  const exact = await loadExact({ timeLimitSeconds: 20 })
  for (const seed of [62, 110, 146]) {
    const random = seededRandom(seed)
    const underlay = generateUnderlay('TwoDomains', 4 + (seed % 3), random, seed % 5 === 0)
    const input = makeScenario(
      {
        underlay,
        pattern: 'Ring',
        vms: 4 + (seed % 4),
        variant: 'ComplexOnline',
        objective: 'ResidualBandwidth',
        maxHops: 3,
        linkBudget: 2,
      },
      random,
    )
    const net = ({ score, cost }: ReturnType<typeof plan>): number => score.after - cost.score
    const best = net(plan(input, byWork('exact'), { exact }))
    const found = net(plan(input, byWork('local-search', 20_000)))
    assert.ok(found >= 0.99 * best, `seed ${seed}: ${found} of ${best}`)
  }
})

test('what the solver proves is a bound on every plan', async () => {
  const bounds: number[] = []
  const exact = await loadExact({ timeLimitSeconds: 20, onProof: ({ bound }) => void bounds.push(bound) })
  for (const seed of [1, 2, 3, 4]) {
    const input = tiny(seed)
    const problem = compile(input)
    const evaluator = new Evaluator(problem)
    const state = (): State => new State(problem, new Routing(problem), () => false)
    const search = new Search(state(), evaluator, byWork('exact'), new Interference(state()))
    exact(search)
    const searched = plan(input, byWork('local-search'))
    if (searched.status === 'Feasible')
      assert.ok(
        searched.score.after - searched.cost.score <= bounds.at(-1)! + 1e-5 * Math.max(1, Math.abs(bounds.at(-1)!)),
      )
  }
  assert.ok(bounds.length >= 4)
})

test('a graph with too many paths is refused by name, not half modelled', async () => {
  const exact = await loadExact({ timeLimitSeconds: 1 })
  const random = seededRandom(3)
  const underlay = generateUnderlay('Mesh', 9, random, false)
  const input = makeScenario({ underlay, pattern: 'Ring', vms: 9, variant: 'Routes', objective: 'Latency' }, random)
  assert.throws(() => plan(input, byWork('exact'), { exact }), /more than \d+ paths of at most 8 links from east\/n\d/)
})

test.run()
