import { Disturbance } from './disturbance.ts'
import { greedy } from './greedy.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { seededRandom } from './random.ts'
import { restoreSnapshot, type Search } from './search.ts'

/** Disturbances tried out to learn what they usually lose. The first temperature is so many times that, the last so much of it. */
const samples = 64
const heat = 2
const coldest = 1e-4
const defaultSteps = 20_000
/** So often the number of steps is fitted to the time that is left. */
const fittedEvery = 256
/** What one unit of violation is worth while the search may still pass through broken states. */
const violationWeight = 5

/**
 * Simulated annealing as in Gupta et al., IPDPS'06 (SA + GH + B): starts from the greedy result, disturbs one path or
 * the place of one or two VMs at a time, accepts a loss with probability exp(loss / temperature) under geometric
 * cooling, and remembers the best state. At first it accepts what a disturbance usually loses; where there is no time for
 * all steps, it cools faster.
 */
export const annealing = (search: Search): void => {
  const { state, options } = search
  const random = seededRandom(options.seed)
  const moves = new Neighbourhood(search, random)
  const disturbance = new Disturbance(state, moves, random)
  greedy(search)
  restoreSnapshot(state, search.best)
  const energy = (): number => {
    const { violation, score } = search.guide()
    return violationWeight * violation - score
  }
  const limit = Math.min(defaultSteps, options.maxEvaluations ?? Number.POSITIVE_INFINITY)
  const startMs = options.now()
  let current = energy()
  const hottest = heat * usualLoss()
  let steps = limit
  for (let step = 0; step < steps && !search.over; step++) {
    if (step > 0 && step % fittedEvery === 0) steps = Math.min(limit, reachable(step))
    const temperature = hottest * coldest ** (step / steps)
    disturbance.apply()
    const next = energy()
    if (next <= current || random() < Math.exp((current - next) / temperature)) {
      current = next
      state.commit()
      search.offer()
    } else state.rollback()
  }

  /** The median of what disturbances lose, of those that lose anything and break nothing. */
  function usualLoss(): number {
    const losses: number[] = []
    for (let i = 0; i < samples && !search.over; i++) {
      disturbance.apply()
      const loss = energy() - current
      state.rollback()
      if (loss > 0 && loss < violationWeight / 100) losses.push(loss)
    }
    return losses.sort((x, y) => x - y)[losses.length >> 1] ?? 0.05
  }

  /** The step at which the deadline comes, at the speed so far. */
  function reachable(step: number): number {
    const nowMs = options.now()
    return nowMs > startMs ? Math.ceil((step * (options.deadlineMs - startMs)) / (nowMs - startMs)) : steps
  }
}
