import { Disturbance } from './disturbance.ts'
import { greedy } from './greedy.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { seededRandom } from './random.ts'
import { restoreSnapshot, type Search } from './search.ts'

/** Temperatures in units of the score: a loss of a twentieth of a reference value, and of a millionth. */
const hottest = 0.05
const coldest = 1e-6
const defaultSteps = 20_000
/** What one unit of violation is worth while the search may still pass through broken states. */
const violationWeight = 5

/**
 * Simulated annealing as in Gupta et al., IPDPS'06 (SA + GH + B): starts from the greedy result, disturbs one path or
 * the place of one or two VMs at a time, accepts a loss with probability exp(loss / temperature) under geometric
 * cooling, and remembers the best state.
 */
export const annealing = (search: Search): void => {
  const { state, evaluator, options } = search
  const random = seededRandom(options.seed)
  const moves = new Neighbourhood(search, random)
  const disturbance = new Disturbance(state, moves, random)
  greedy(search)
  restoreSnapshot(state, search.best)
  const steps = Math.min(defaultSteps, options.maxEvaluations ?? Number.POSITIVE_INFINITY)
  const energy = (): number => {
    search.evaluations++
    const { violation, score } = evaluator.value(state)
    return violationWeight * violation - score
  }
  let current = energy()
  for (let step = 0; step < steps && !search.over; step++) {
    const temperature = hottest * (coldest / hottest) ** (step / steps)
    disturbance.apply()
    const next = energy()
    if (next <= current || random() < Math.exp((current - next) / temperature)) {
      current = next
      state.commit()
      search.offer()
    } else state.rollback()
  }
}
