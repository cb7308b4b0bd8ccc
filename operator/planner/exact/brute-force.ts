import { Evaluator, isBetter, type Value } from '../objectives.ts'
import { doNothing, settleOutcome } from '../outcome.ts'
import { compile } from '../problem.ts'
import { Routing } from '../routing.ts'
import { activeGroups, takeSnapshot } from '../search.ts'
import { type Snapshot, State } from '../state.ts'
import type { PlannerInput } from '../types.ts'
import { freeVms, pathsOf } from './items.ts'

/** The best of all placements with all combinations of paths, by evaluating every one; what the exact solver is tested by. */
export const bruteForce = (input: PlannerInput): Value => {
  const problem = compile(input)
  const routing = new Routing(problem)
  const evaluator = new Evaluator(problem)
  const present = doNothing(problem, routing, evaluator)
  const state = new State(problem, routing, () => false)
  let best = undefined as { value: Value; snapshot: Snapshot } | undefined
  const routes = (position: number, groups: ReturnType<typeof activeGroups>): void => {
    const group = groups[position]
    if (!group) {
      const value = evaluator.value(state)
      if (!best || isBetter(value, best.value)) best = { value, snapshot: takeSnapshot(state) }
      return
    }
    for (const path of pathsOf(state, group.network, group.from, group.to)) {
      state.setPath(group, path)
      routes(position + 1, groups)
    }
  }
  const vms = freeVms(problem)
  const places = (position: number): void => {
    const vm = vms[position]
    if (vm === undefined) {
      routes(0, activeGroups(state))
      return
    }
    for (let bridge = 0; bridge < problem.bridges; bridge++) {
      if (!state.placement.mayHost(vm, bridge)) continue
      state.place(vm, bridge)
      places(position + 1)
    }
  }
  places(0)
  return best ? settleOutcome(evaluator, best.snapshot, present).value : present.value
}
