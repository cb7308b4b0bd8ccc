import { annealing } from './annealing.ts'
import { greedy } from './greedy.ts'
import { Interference } from './interference.ts'
import { localSearch } from './local-search.ts'
import { Evaluator, isBetter } from './objectives.ts'
import { assess, doNothing, type Outcome, settleOutcome } from './outcome.ts'
import type { Plan } from './plan.ts'
import { writePlan } from './plan-writer.ts'
import { compile, type Problem } from './problem.ts'
import { resultState } from './result.ts'
import { Routing } from './routing.ts'
import { Search, takeSnapshot } from './search.ts'
import { State } from './state.ts'
import type { PlannerInput, SearchOptions } from './types.ts'

/** Improves on `search.state` and offers what it finds to the search, until it knows no better or `search.over`. */
export type Strategy = (search: Search) => void

export const strategies: Record<string, Strategy> = { greedy, 'local-search': localSearch, annealing }

/** Those that are never to be below the published rules. */
const searches = new Set([localSearch, annealing])

/**
 * Time to keep for writing the plan, in shares of the time that it took to read the input (both grow with its size), and
 * of the whole; the latter is for trying out, for the reasons, what the plan would be worth without its changes.
 */
const writingShares = { ofReading: 2, ofWhole: 0.05 }

/** Demands and VMs together up to which the published rules are planned to their end before anything else. */
const smallSize = 600

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
  const interference = new Interference(present.state)
  const effort: Plan['search'] = { evaluations: 0, stoppedBy: 'Converged' }

  const setUpMs = options.now() - startMs
  const triedUntilMs = options.deadlineMs - writingShares.ofReading * setUpMs
  const deadlineMs = triedUntilMs - writingShares.ofWhole * (options.deadlineMs - startMs)
  const workLeft = (): number => (options.maxEvaluations ?? Number.POSITIVE_INFINITY) - effort.evaluations

  /** Whether there is time for another round that takes as long as everything so far, and work left to do in it. */
  const timeLeft = (): boolean => workLeft() > 0 && 2 * options.now() - startMs < options.deadlineMs

  const solve = (by: Strategy, prices: Evaluator, now: Outcome): Outcome => {
    const limits = { ...options, deadlineMs, maxEvaluations: workLeft() }
    const start = new State(now.state.problem, now.state.routing, () => false)
    const search = new Search(start, prices, limits, new Interference(now.state))
    by(search)
    effort.evaluations += search.evaluations
    if (search.stoppedBy !== 'Converged') effort.stoppedBy = search.stoppedBy
    return settleOutcome(prices, search.best, now)
  }
  /** Plans, and plans again from what came out, until nothing is left to change. */
  const climb = (by: Strategy, from: Outcome): Outcome => {
    let outcome = from === present ? solve(by, evaluator, present) : from
    for (let round = 1; round < maxRounds && changed(outcome) && timeLeft(); round++) {
      const next = compile({ ...problem.input, present: resultState(outcome) })
      const prices = new Evaluator(next)
      const again = solve(by, prices, doNothing(next, new Routing(next), prices))
      if (!changed(again)) break
      const combined = assess(routing, evaluator, takeSnapshot(again.state), present.state)
      if (!isBetter(combined.value, outcome.value) || interference.in(combined.state)) break
      outcome = combined
    }
    return outcome
  }

  // On small problems the published rules take no time, and are a floor under what a search finds before its limit.
  const floor = searches.has(strategy) && isSmall(problem) ? climb(greedy, present) : present
  let outcome = climb(strategy, present)
  if (isBetter(floor.value, outcome.value)) outcome = climb(strategy, floor)
  let late = false
  const over = (): boolean => {
    late ||= options.now() >= triedUntilMs
    return late
  }
  return writePlan(outcome, present, evaluator, { strategy: options.strategy, search: effort, over })
}

const isSmall = ({ demandBps, vmNetwork }: Problem): boolean => demandBps.length + vmNetwork.length <= smallSize

const changed = (outcome: Outcome): boolean => outcome.touched.some(Boolean)
