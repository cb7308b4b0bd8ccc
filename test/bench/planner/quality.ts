import { undeclared } from '#operator/planner/check/check.ts'
import { loadExact, type Proof } from '#operator/planner/exact/exact.ts'
import { objectives } from '#operator/planner/objectives.ts'
import type { Plan } from '#operator/planner/plan.ts'
import { plan, type Strategy } from '#operator/planner/planner.ts'
import type { SearchOptions } from '#operator/planner/types.ts'
import type { Instance } from './instances.ts'

export const compared = ['greedy', 'annealing', 'local-search'] as const
export type Compared = (typeof compared)[number]

/** What became of one instance. `ratio`: objective net of change ÷ exact optimum (or its bound), 1 is best. */
export type Verdict = {
  instance: Instance
  /** `Undecided`: neither a feasible plan nor a proof that there is none; `Degenerate`: the optimum is 0. */
  outcome: 'Proven' | 'Bounded' | 'Infeasible' | 'Undecided' | 'TooLarge' | 'Degenerate'
  ratio: Partial<Record<Compared, number>>
  /** Local search found no feasible plan although there is one, or one that the verifier rejects. */
  failures: string[]
  belowGreedy: boolean
  exactMs: number
}

const workLimit = 60_000

export const solve = (
  instance: Instance,
  strategy: SearchOptions['strategy'],
  more: Record<string, Strategy> = {},
): Plan =>
  plan(
    instance.input,
    {
      strategy,
      seed: 1,
      now: () => performance.now(),
      deadlineMs: performance.now() + (strategy === 'exact' ? 0 : 20_000),
      maxEvaluations: workLimit,
    },
    more,
  )

/** The score that strategies compete for: objectives minus the cost of change. */
const net = (result: Plan): number => result.score.after - result.cost.score

/** Scores of objectives that are minimised are negative: there the optimum is the numerator. */
const ratioTo = (optimum: number, reached: number, sense: 1 | -1): number | undefined => {
  if (Math.abs(optimum) < 1e-9) return Math.abs(reached) < 1e-9 ? 1 : undefined
  if (Math.sign(optimum) !== sense) return undefined
  return sense === 1 ? reached / optimum : optimum / reached
}

export const judge = async (
  instances: Instance[],
  timeLimitSeconds: number,
  progress: (done: number) => void,
): Promise<Verdict[]> => {
  let proof = undefined as Proof | undefined
  const exact = await loadExact({
    timeLimitSeconds,
    onProof: (found) => {
      proof ??= found
    },
  })
  return instances.map((instance, i) => {
    progress(i)
    const verdict: Verdict = { instance, outcome: 'Proven', ratio: {}, failures: [], belowGreedy: false, exactMs: 0 }
    proof = undefined
    const startedMs = performance.now()
    let best: Plan
    try {
      best = solve(instance, 'exact', { exact })
    } catch (error) {
      if (error instanceof Error && error.name === 'TooLargeError')
        return { ...verdict, outcome: 'TooLarge', failures: [error.message] }
      throw error
    }
    verdict.exactMs = performance.now() - startedMs
    const plans = Object.fromEntries(compared.map((name) => [name, solve(instance, name)])) as Record<Compared, Plan>
    for (const [name, result] of [...Object.entries(plans), ['exact', best] as const])
      for (const { constraint, subject } of undeclared(result, instance.input))
        verdict.failures.push(`${name} breaks ${constraint} of ${subject}`)

    const { status, bound } = proof as unknown as Proof
    if (status === 'Infeasible') return { ...verdict, outcome: 'Infeasible' }
    if (status === 'Stopped' && plans['local-search'].status !== 'Feasible') return { ...verdict, outcome: 'Undecided' }
    const optimum = status === 'Optimal' ? net(best) : bound
    const { sense } = objectives[instance.objective]
    for (const name of compared) {
      const ratio = plans[name].status === 'Feasible' ? ratioTo(optimum, net(plans[name]), sense) : 0
      if (ratio === undefined) return { ...verdict, outcome: 'Degenerate' }
      verdict.ratio[name] = ratio
    }
    if (plans['local-search'].status !== 'Feasible' && status === 'Optimal')
      verdict.failures.push('local-search found no feasible plan')
    verdict.belowGreedy = verdict.ratio['local-search']! < verdict.ratio.greedy! - 1e-9
    return { ...verdict, outcome: status === 'Optimal' ? 'Proven' : 'Bounded' }
  })
}
