import { annealing } from './annealing.ts'
import { greedy } from './greedy.ts'
import { localSearch } from './local-search.ts'
import { Evaluator, isBetter } from './objectives.ts'
import { assess, type Outcome, settleOutcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { writePlan } from './plan-writer.ts'
import { compile, type Problem } from './problem.ts'
import { resultState } from './result.ts'
import { Routing } from './routing.ts'
import { Search, type Snapshot, takeSnapshot } from './search.ts'
import { State } from './state.ts'
import type { PlannerInput, SearchOptions } from './types.ts'

/** Improves on `search.state` and offers what it finds to the search, until it knows no better or `search.over`. */
export type Strategy = (search: Search) => void

export const strategies: Record<string, Strategy> = { greedy, 'local-search': localSearch, annealing }

/** How often the plan's own result is planned again, until nothing is left to change. */
const maxRounds = 6

/**
 * Decides what to change. Pure: same input (in any order), same options, same plan, as long as the search ends before
 * its deadline; `now` is only compared with `deadlineMs`.
 * @param more strategies that are not part of the library, by name (`exact`).
 * @throws InvalidInputError if the input contradicts itself; Error if there is no such strategy.
 */
export const plan = (input: PlannerInput, options: SearchOptions, more: Record<string, Strategy> = {}): Plan => {
  const strategy = { ...strategies, ...more }[options.strategy]
  if (!strategy)
    throw new Error(`Planning with strategy ${options.strategy}: there is no such strategy; use local-search`)
  const problem = compile(input)
  const routing = new Routing(problem)
  const evaluator = new Evaluator(problem)
  let evaluations = 0
  let stoppedBy: Plan['search']['stoppedBy'] = 'Converged'

  const solve = (from: Problem, paths: Routing): Outcome => {
    const prices = new Evaluator(from)
    const search = new Search(new State(from, paths, () => false), prices, options)
    strategy(search)
    evaluations += search.evaluations
    if (search.stoppedBy !== 'Converged') stoppedBy = search.stoppedBy
    return settleOutcome(paths, prices, search.best)
  }

  let outcome = solve(problem, routing)
  for (let round = 1; round < maxRounds && changed(outcome) && options.now() < options.deadlineMs; round++) {
    const next = compile({ ...problem.input, present: resultState(outcome) })
    const again = solve(next, new Routing(next))
    if (!changed(again)) break
    const combined = assess(problem, routing, evaluator, snapshotOf(again))
    if (!isBetter(combined.value, outcome.value)) break
    outcome = combined
  }
  return writePlan(outcome, evaluator, options.strategy, { evaluations, stoppedBy })
}

const changed = (outcome: Outcome): boolean => outcome.touched.some(Boolean)
const snapshotOf = (outcome: Outcome): Snapshot => takeSnapshot(outcome.state)
