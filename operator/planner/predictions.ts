import type { Group } from './group.ts'
import { type Evaluator, objectives } from './objectives.ts'
import { gainPercent } from './outcome.ts'
import type { DemandMetrics, DemandPrediction, NetworkPrediction } from './plan.ts'
import { bridgeName } from './result.ts'
import type { State } from './state.ts'

/** Bridges of a group's path in order, both ends included. */
export const pathBridges = (state: State, group: Group, path = group.path): string[] =>
  path
    ? [group.from, ...Array.from(path.arcs, (arc) => state.problem.arcTo[arc]!)].map((b) => bridgeName(state, b))
    : []

const metrics = (state: State, group: Group | undefined): DemandMetrics | undefined => {
  if (!group?.path) return undefined
  const { capacity } = state.problem
  let pathBps = Number.POSITIVE_INFINITY
  let residualBps = Number.POSITIVE_INFINITY
  for (const resource of group.path.resources) {
    pathBps = Math.min(pathBps, capacity[resource]!)
    residualBps = Math.min(residualBps, capacity[resource]! - state.load[resource]!)
  }
  return { path: pathBridges(state, group), pathBps, residualBps, latencyMicroseconds: group.path.latency }
}

export const predictDemands = (before: State, after: State): DemandPrediction[] =>
  after.problem.input.demands.map((demand, id) => {
    const prediction: DemandPrediction = { demand: demand.name }
    const old = metrics(before, before.groupOfDemand[id])
    const next = metrics(after, after.groupOfDemand[id])
    if (old) prediction.before = old
    if (next) prediction.after = next
    return prediction
  })

/** A network has a value when each of its demands has a path. */
const hasValue = (state: State, network: number): boolean =>
  state.problem.demandNetwork.every((n, demand) => n !== network || state.groupOfDemand[demand]?.path !== undefined)

export const predictNetworks = (before: State, after: State, evaluator: Evaluator): NetworkPrediction[] =>
  after.problem.input.networks.map(({ name, objective }, n) => {
    const prediction: NetworkPrediction = { network: name, objective, unit: objectives[objective].unit }
    if (hasValue(before, n)) prediction.before = evaluator.valueOf(before, n)
    if (hasValue(after, n)) prediction.after = evaluator.valueOf(after, n)
    if (prediction.before === undefined || prediction.after === undefined) return prediction
    const gain = gainPercent(evaluator, before, after, n)
    return gain === undefined ? prediction : { ...prediction, gainPercent: gain }
  })
