import { undeclared } from '#operator/planner/check/check.ts'
import { loadExact, type Proof } from '#operator/planner/exact/exact.ts'
import { TooLargeError } from '#operator/planner/exact/items.ts'
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
  /**
   * `Undecided`: neither a feasible plan nor a proof that there is none, or no bound. `Degenerate`: the optimum has no
   * sign to take a ratio of (0, or less than the cost of the changes that repair the present). `Failed`: the solver or a
   * strategy threw.
   */
  outcome: 'Proven' | 'Bounded' | 'Infeasible' | 'Undecided' | 'TooLarge' | 'Degenerate' | 'Failed'
  ratio: Partial<Record<Compared, number>>
  /**
   * What must not happen: no feasible plan although there is one, a plan that the verifier rejects, a plan that is better
   * than what the solver proved to be best, an exception.
   */
  failures: string[]
  belowGreedy: boolean
  exactMs: number
}

const workLimit = 200_000
/** What the solver gives as a bound when it has none. */
const noBound = 1e20
/** Relative error of the solver (its gap is 1e-6) and of what is computed from its solution. */
const tolerance = 1e-5

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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Solves each instance exactly and with every strategy; an instance on which something throws is a verdict as well. */
export const judge = async (
  instances: Instance[],
  timeLimitSeconds: number,
  progress: (done: number) => void,
): Promise<Verdict[]> => {
  const verdicts: Verdict[] = []
  for (const instance of instances) {
    progress(verdicts.length)
    const verdict: Verdict = { instance, outcome: 'Failed', ratio: {}, failures: [], belowGreedy: false, exactMs: 0 }
    verdicts.push(verdict)
    try {
      await compare(verdict, timeLimitSeconds)
    } catch (error) {
      if (error instanceof TooLargeError) verdict.outcome = 'TooLarge'
      verdict.failures.push(messageOf(error))
    }
  }
  return verdicts
}

const compare = async (verdict: Verdict, timeLimitSeconds: number): Promise<void> => {
  const { instance } = verdict
  const proofs: Proof[] = []
  // A solver of its own for each instance: memory of the last one is not kept, and a failure spoils no other.
  const exact = await loadExact({ timeLimitSeconds, onProof: (proof) => void proofs.push(proof) })
  const startedMs = performance.now()
  const best = solve(instance, 'exact', { exact })
  verdict.exactMs = performance.now() - startedMs
  const plans = Object.fromEntries(compared.map((name) => [name, solve(instance, name)])) as Record<Compared, Plan>
  for (const [name, result] of [...Object.entries(plans), ['exact', best] as const])
    for (const { constraint, subject } of undeclared(result, instance.input))
      verdict.failures.push(`${name} breaks ${constraint} of ${subject}`)

  const { status, bound } = proofs[0]!
  const found = plans['local-search'].status === 'Feasible'
  if (status === 'Infeasible') verdict.outcome = 'Infeasible'
  else if (status === 'Stopped' && (!found || !(Math.abs(bound) < noBound))) verdict.outcome = 'Undecided'
  else {
    verdict.outcome = status === 'Optimal' ? 'Proven' : 'Bounded'
    const optimum = status === 'Optimal' ? net(best) : bound
    for (const name of compared)
      if (plans[name].status === 'Feasible' && net(plans[name]) > optimum + tolerance * Math.max(1, Math.abs(optimum)))
        verdict.failures.push(`${name} reaches ${net(plans[name])}, more than the best there is, ${optimum}`)
    rate(verdict, plans, optimum)
  }
  if (!found && status === 'Optimal') verdict.failures.push('local-search found no feasible plan')
  if (found && status === 'Infeasible')
    verdict.failures.push('local-search found a plan where the solver proved there is none')
}

const rate = (verdict: Verdict, plans: Record<Compared, Plan>, optimum: number): void => {
  const { sense } = objectives[verdict.instance.objective]
  for (const name of compared) {
    const ratio = plans[name].status === 'Feasible' ? ratioTo(optimum, net(plans[name]), sense) : 0
    if (ratio === undefined) {
      verdict.outcome = 'Degenerate'
      verdict.ratio = {}
      break
    }
    verdict.ratio[name] = ratio
  }
  const [searched, published] = [plans['local-search'], plans.greedy]
  const worse = searched.status !== 'Feasible' || net(searched) < net(published) - 1e-9
  verdict.belowGreedy = published.status === 'Feasible' && worse
}
