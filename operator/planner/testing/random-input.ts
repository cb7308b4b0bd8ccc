import { pick, randomBelow, seededRandom } from '../random.ts'
import { patternNames } from '../scenarios/patterns.ts'
import { makeScenario, type Variant, variants } from '../scenarios/scenario.ts'
import { generateUnderlay, graphKinds } from '../scenarios/underlay.ts'
import { objectiveNames, type PlannerInput, type SearchOptions } from '../types.ts'

/** A small input with a bit of everything: all graphs, patterns, objectives and variants, some of it infeasible. */
export const randomInput = (seed: number, variant?: Variant): PlannerInput => {
  const random = seededRandom(seed)
  const underlay = generateUnderlay(pick(random, graphKinds), 3 + randomBelow(random, 4), random, random() < 0.5)
  const input = makeScenario(
    {
      underlay,
      pattern: pick(random, patternNames),
      vms: 3 + randomBelow(random, 5),
      variant: variant ?? pick(random, variants),
      objective: pick(random, objectiveNames),
      elastic: random() < 0.5,
      networks: random() < 0.3 ? 2 : 1,
      bounded: 0.2,
      maxHops: 4,
      ...(random() < 0.3 && { linkBudget: 1 + randomBelow(random, 3) }),
    },
    random,
  )
  const link = input.links.at(-1)!
  if (random() < 0.2 && !input.networks[0]!.baseline.includes(link.name)) link.state = 'Draining'
  if (random() < 0.3 && input.vms.length > 2) input.vms[0]!.antiAffinity = [input.vms[1]!.name]
  if (random() < 0.2) input.vms[2]!.forbidden = [input.bridges[0]!.name]
  return input
}

/** A search that is limited by work alone, so that its result does not depend on the machine. */
export const byWork = (strategy: SearchOptions['strategy'], maxEvaluations = 3000): SearchOptions => ({
  strategy,
  seed: 1,
  now: () => 0,
  deadlineMs: 1,
  maxEvaluations,
})

export const heuristics = ['greedy', 'local-search', 'annealing'] as const
