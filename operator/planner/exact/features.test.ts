import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { undeclared } from '../check/check.ts'
import { plan } from '../planner.ts'
import { pick, seededRandom } from '../random.ts'
import { makeScenario, variants } from '../scenarios/scenario.ts'
import { generateUnderlay, graphKinds } from '../scenarios/underlay.ts'
import { byWork } from '../testing/random-input.ts'
import { enriched } from '../testing/rich-input.ts'
import type { PlannerInput } from '../types.ts'
import { bruteForce } from './brute-force.ts'
import { loadExact } from './exact.ts'

const test = suite('exact, with everything that an input can say')

const tiny = (seed: number): PlannerInput => {
  const random = seededRandom(seed)
  const networks = 1 + (seed % 2)
  const underlay = generateUnderlay(graphKinds[seed % graphKinds.length]!, 3, random, random() < 0.3)
  const input = makeScenario(
    {
      underlay,
      pattern: 'Ring',
      vms: 2 + networks,
      networks,
      variant: pick(random, variants),
      objective: 'Latency',
      elastic: random() < 0.5,
      maxHops: 2,
    },
    random,
  )
  return enriched(input, random)
}

test('the exact solver finds what trying everything finds, from adapted presents, under every rule and budget', async () => {
  const exact = await loadExact({ timeLimitSeconds: 20 })
  let compared = 0
  for (let seed = 0; seed < 150; seed++) {
    const input = tiny(seed)
    const all = bruteForce(input)
    const result = plan(input, byWork('exact'), { exact })
    assert.equal(undeclared(result, input), [], `seed ${seed}`)
    assert.is(result.status === 'Feasible', all.violation === 0, `seed ${seed}`)
    if (all.violation > 0) continue
    compared++
    const net = result.score.after - result.cost.score
    const near = Math.abs(net - all.score) <= 1e-5 * Math.max(1, Math.abs(all.score))
    assert.ok(near, `seed ${seed}: ${net} is not ${all.score}`)
  }
  assert.ok(compared >= 80, `only ${compared} feasible instances`)
})

test.run()
