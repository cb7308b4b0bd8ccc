import { type Evaluator, isBetter, type Value } from './objectives.ts'
import { mayRelink, type Problem } from './problem.ts'
import { type Routing, samePath } from './routing.ts'
import { type Snapshot, State } from './state.ts'

/** A state that may be adopted, with the networks that it changes. */
export type Outcome = { state: State; touched: boolean[]; value: Value }

/** Exactly what is in force now, unused links included. */
export const doNothing = (problem: Problem, routing: Routing, evaluator: Evaluator): Outcome => {
  const state = new State(problem, routing, () => true)
  return { state, touched: problem.input.networks.map(() => false), value: evaluator.value(state) }
}

/** Unused links are worth a change of their own if they cost, are to be vacated, or exceed the budget. */
const hasWasteful = (problem: Problem, routing: Routing, network: number): boolean => {
  if (!mayRelink(problem, network)) return false
  const { objective, linkBudget } = problem.input.networks[network]!
  const extra = [...routing.presentLinks[network]!].filter((link) => !routing.baselineLinks[network]!.has(link))
  const vacated = extra.some((link) => ['Draining', 'Forbidden'].includes(problem.input.links[link]!.state ?? 'Up'))
  return vacated || objective === 'MinimumCost' || extra.length > (linkBudget ?? Number.POSITIVE_INFINITY)
}

/**
 * The snapshot as a state in which networks that it leaves alone keep everything they have.
 * @param present what `doNothing` gives for the same problem.
 */
export const assess = (routing: Routing, evaluator: Evaluator, snapshot: Snapshot, present: State): Outcome => {
  const { problem } = routing
  const touched = problem.input.networks.map((_, n) => hasWasteful(problem, routing, n))
  snapshot.bridgeOf.forEach((bridge, vm) => {
    if (bridge !== problem.presentBridge[vm]) touched[problem.vmNetwork[vm]!] = true
  })
  for (const [key, path] of snapshot.paths) {
    const { network, from, to } = routing.pairOf(key)
    if (!samePath(path, present.presentPath(network, from, to))) touched[network] = true
  }
  const state = new State(problem, routing, (network) => !touched[network], snapshot)
  return { state, touched, value: evaluator.value(state) }
}

/** Gain of a network's objective over the present, in percent of the present value; undefined if there is none. */
export const gainPercent = (evaluator: Evaluator, before: State, after: State, network: number): number | undefined => {
  const old = evaluator.valueOf(before, network)
  const change = (evaluator.valueOf(after, network) - old) * Math.sign(evaluator.perUnit[network]!)
  if (old === 0) return change === 0 ? 0 : undefined
  return (100 * change) / Math.abs(old)
}

/** The snapshot without the changes to one network. */
const without = (outcome: Outcome, network: number): Snapshot => {
  const { problem } = outcome.state
  const bridgeOf = Int32Array.from(outcome.state.placement.bridgeOf, (bridge, vm) =>
    problem.vmNetwork[vm] === network ? problem.presentBridge[vm]! : bridge,
  )
  const paths: Snapshot['paths'] = new Map()
  for (const group of outcome.state.groups.values())
    if (group.demands.length > 0 && group.network !== network) paths.set(group.key, group.path)
  return { bridgeOf, paths }
}

/**
 * What is adopted of a search's result: changes to a network that gain less than its minimum are dropped, and all of it
 * if it is not better than doing nothing.
 */
export const settleOutcome = (evaluator: Evaluator, snapshot: Snapshot, present: Outcome): Outcome => {
  const { problem, routing } = present.state
  let outcome = assess(routing, evaluator, snapshot, present.state)
  for (let n = 0; n < problem.input.networks.length && present.value.violation === 0; n++) {
    const minimum = problem.input.networks[n]!.minimumGainPercent ?? 0
    const gain = gainPercent(evaluator, present.state, outcome.state, n)
    if (!outcome.touched[n] || minimum <= 0 || gain === undefined || gain >= minimum) continue
    const rest = assess(routing, evaluator, without(outcome, n), present.state)
    if (rest.value.violation === 0) outcome = rest
  }
  return isBetter(outcome.value, present.value) ? outcome : present
}
