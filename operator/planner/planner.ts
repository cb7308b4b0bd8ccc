import { annealing } from './annealing.ts'
import { greedy } from './greedy.ts'
import { localSearch } from './local-search.ts'
import { Evaluator, isBetter } from './objectives.ts'
import { assess, doNothing, type Outcome, settleOutcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { writePlan } from './plan-writer.ts'
import { compile } from './problem.ts'
import { resultState } from './result.ts'
import { Routing } from './routing.ts'
import { Search, takeSnapshot } from './search.ts'
import { State } from './state.ts'
import type { PlannerInput, SearchOptions } from './types.ts'

/** Improves on `search.state` and offers what it finds to the search, until it knows no better or `search.over`. */
export type Strategy = (search: Search) => void

export const strategies: Record<string, Strategy> = { greedy, 'local-search': localSearch, annealing }

/**
 * Time to keep for writing the plan: in shares of the time that it took to read the input (both grow with its size), and
 * of the whole (the longer the search, the more changes there are to give reasons for).
 */
const writingShares = { ofReading: 2.5, ofWhole: 0.1 }

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
  const startMs = options.now()
  const problem = compile(input)
  const routing = new Routing(problem)
  const evaluator = new Evaluator(problem)
  const present = doNothing(problem, routing, evaluator)
  const effort: Plan['search'] = { evaluations: 0, stoppedBy: 'Converged' }

  const setUpMs = options.now() - startMs
  const writingMs = writingShares.ofReading * setUpMs + writingShares.ofWhole * (options.deadlineMs - startMs)
  const deadlineMs = options.deadlineMs - writingMs
  const workLeft = (): number => (options.maxEvaluations ?? Number.POSITIVE_INFINITY) - effort.evaluations

  const solve = (prices: Evaluator, now: Outcome): Outcome => {
    const limits = { ...options, deadlineMs, maxEvaluations: workLeft() }
    const search = new Search(new State(now.state.problem, now.state.routing, () => false), prices, limits)
    strategy(search)
    effort.evaluations += search.evaluations
    if (search.stoppedBy !== 'Converged') effort.stoppedBy = search.stoppedBy
    return settleOutcome(prices, search.best, now)
  }
  /** Whether there is time for another round that takes as long as everything so far, and work left to do in it. */
  const timeLeft = (): boolean => workLeft() > 0 && 2 * options.now() - startMs < options.deadlineMs

  let outcome = solve(evaluator, present)
  for (let round = 1; round < maxRounds && changed(outcome) && timeLeft(); round++) {
    const next = compile({ ...problem.input, present: resultState(outcome) })
    const prices = new Evaluator(next)
    const again = solve(prices, doNothing(next, new Routing(next), prices))
    if (!changed(again)) break
    const combined = assess(routing, evaluator, takeSnapshot(again.state), present.state)
    if (!isBetter(combined.value, outcome.value)) break
    outcome = combined
  }
  return writePlan(outcome, present, evaluator, { strategy: options.strategy, search: effort })
}

const changed = (outcome: Outcome): boolean => outcome.touched.some(Boolean)
