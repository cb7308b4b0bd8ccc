import type { Group } from './group.ts'
import type { Interference } from './interference.ts'
import { type Evaluator, isBetter, type Value } from './objectives.ts'
import type { Path } from './routing.ts'
import type { Snapshot, State } from './state.ts'
import type { SearchOptions } from './types.ts'

export const takeSnapshot = (state: State): Snapshot => {
  const paths = new Map<number, Path | undefined>()
  for (const group of state.groups.values()) if (group.demands.length > 0) paths.set(group.key, group.path)
  return { bridgeOf: Int32Array.from(state.placement.bridgeOf), paths }
}

export const restoreSnapshot = (state: State, snapshot: Snapshot): void => {
  snapshot.bridgeOf.forEach((bridge, vm) => void state.place(vm, bridge))
  for (const [key, path] of snapshot.paths) state.setPath(state.groups.get(key)!, path)
  state.commit()
}

/** Groups that carry something, in the order of network and bridges, whatever the history of the search. */
export const activeGroups = (state: State): Group[] =>
  [...state.groups.values()].filter((group) => group.demands.length > 0).sort((x, y) => x.key - y.key)

/**
 * The limits of a search and the best state that it met. A state that breaks constraints counts only if it takes from
 * nobody what they have now.
 */
export class Search {
  readonly state: State
  readonly evaluator: Evaluator
  readonly options: SearchOptions
  best: Snapshot
  bestValue: Value
  evaluations = 0
  private readonly interference: Interference
  private outOfTime = false
  private sinceClock = 0

  constructor(state: State, evaluator: Evaluator, options: SearchOptions, interference: Interference) {
    this.interference = interference
    this.state = state
    this.evaluator = evaluator
    this.options = options
    this.best = takeSnapshot(state)
    this.bestValue = evaluator.value(state)
  }

  /** Whether to stop; reads the clock at every 8th call only. */
  get over(): boolean {
    if (this.evaluations >= (this.options.maxEvaluations ?? Number.POSITIVE_INFINITY)) return true
    if (!this.outOfTime && ++this.sinceClock >= 8) {
      this.sinceClock = 0
      this.outOfTime = this.options.now() >= this.options.deadlineMs
    }
    return this.outOfTime
  }

  get stoppedBy(): 'Converged' | 'Deadline' | 'Evaluations' {
    if (this.outOfTime) return 'Deadline'
    return this.evaluations >= (this.options.maxEvaluations ?? Number.POSITIVE_INFINITY) ? 'Evaluations' : 'Converged'
  }

  /** The value that the search climbs. */
  guide(): Value {
    this.evaluations++
    return this.evaluator.guide(this.state)
  }

  /** Remembers the present state of the search if it is the best one so far. */
  offer(): void {
    const value = this.evaluator.value(this.state)
    if (!isBetter(value, this.bestValue) || (value.violation > 0 && this.interference.in(this.state))) return
    this.best = takeSnapshot(this.state)
    this.bestValue = value
    this.options.onImprovement?.({ atMs: this.options.now(), evaluations: this.evaluations, ...value })
  }
}
