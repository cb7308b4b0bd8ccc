import type { Problem } from './problem.ts'
import type { State } from './state.ts'
import type { ObjectiveName } from './types.ts'

/**
 * One objective of one network. `value` is in `unit`; `reference` is a magnitude of it that depends on the network, its
 * demands and the underlay, never on the present state, so that values of different objectives can be added, and two
 * plans for the same input are compared on one scale.
 */
export type Objective = {
  unit: string
  /** 1: higher is better; -1: lower is better. */
  sense: 1 | -1
  reference: (problem: Problem, network: number) => number
  /** What `value` needs and no state changes: c of `Balanced`, the sum of rates of `Latency`. */
  constant?: (problem: Problem, network: number) => number
  value: (state: State, network: number, constant: number) => number
}

const demandsOf = (problem: Problem, network: number): number[] =>
  Array.from(problem.demandNetwork.keys()).filter((demand) => problem.demandNetwork[demand] === network)

const linkArcs = (problem: Problem): Float64Array => problem.capacity.subarray(0, problem.arcs)
const largest = (values: Iterable<number>): number => {
  let most = 0
  for (const value of values) most = Math.max(most, value)
  return most
}
const mean = (values: ArrayLike<number>): number =>
  values.length === 0 ? 0 : Array.from(values).reduce((sum, value) => sum + value, 0) / values.length

/** The capacity of the best link, or 1 Gbit/s where no link has any. */
const referenceBps = (problem: Problem): number => largest(linkArcs(problem)) || 1e9

/**
 * c of `Balanced`, in bit/s × µs: given, or such that a path with the latency of the fastest link gains as much as the
 * residual bandwidth of the best empty link.
 */
export const latencyWeight = (problem: Problem, network: number): number => {
  const given = problem.input.networks[network]!.latencyWeightBits
  if (given !== undefined) return given * 1e6
  const fastest = Array.from(problem.arcLatency)
    .filter((latency) => latency > 0)
    .reduce((least, latency) => Math.min(least, latency), Number.POSITIVE_INFINITY)
  return referenceBps(problem) * (fastest === Number.POSITIVE_INFINITY ? 1 : fastest)
}

const rateOf = (problem: Problem, network: number): number =>
  demandsOf(problem, network).reduce((sum, demand) => sum + problem.demandBps[demand]!, 0)

/** The factor at which the VM with the largest elastic traffic, in or out, would fill the best link. */
const referenceFactor = (problem: Problem, network: number): number => {
  const out = new Map<number, number>()
  const into = new Map<number, number>()
  for (const demand of demandsOf(problem, network)) {
    if (problem.demandElastic[demand] === 0) continue
    const add = (sums: Map<number, number>, vm: number): void =>
      void sums.set(vm, (sums.get(vm) ?? 0) + problem.demandBps[demand]!)
    add(out, problem.demandSource[demand]!)
    add(into, problem.demandDestination[demand]!)
  }
  const most = Math.max(largest(out.values()), largest(into.values()))
  return most > 0 ? referenceBps(problem) / most : 1
}

export const objectives: Record<ObjectiveName, Objective> = {
  /** Sum over demands of min over the path's resources of (capacity - load): room for what was not measured yet. */
  ResidualBandwidth: {
    unit: 'bit/s',
    sense: 1,
    reference: (problem, network) => Math.max(1, demandsOf(problem, network).length) * referenceBps(problem),
    value: (state, network) => state.residuals.sums[network]!,
  },
  /** The same plus c / path latency of every demand. */
  Balanced: {
    unit: 'bit/s',
    sense: 1,
    reference: (problem, network) => Math.max(1, demandsOf(problem, network).length) * referenceBps(problem),
    constant: latencyWeight,
    value: (state, network, c) => state.residuals.sums[network]! + c * state.inverseLatency[network]!,
  },
  /** Sum of rate × path latency over the sum of rates. */
  Latency: {
    unit: 'µs',
    sense: -1,
    reference: (problem) => mean(problem.arcLatency) || mean(problem.localLatency) || 1,
    constant: (problem, network) => Math.max(1, rateOf(problem, network)),
    value: (state, network, rate) => state.weightedLatency[network]! / rate,
  },
  /** The factor by which all elastic demands can grow together on their paths, all else being as measured. */
  Throughput: {
    unit: '×',
    sense: 1,
    reference: referenceFactor,
    value: (state, network) => state.concurrency.factor(network),
  },
  /** Sum of the costs of the links in the network's topology. */
  MinimumCost: {
    unit: 'cost',
    sense: -1,
    reference: (problem) => (mean(problem.linkCost) || 1) * Math.max(1, problem.bridges - 1),
    value: (state, network) => state.topology.cost[network]!,
  },
}

/** What a search climbs where `Throughput` is flat: this share of the smooth stand-in is added to the score. */
const smoothShare = 0.1

/** What decides between two states: less violation first, then more score. */
export type Value = { violation: number; score: number }

const tolerance = 1e-9
export const isBetter = (x: Value, y: Value): boolean =>
  x.violation < y.violation - tolerance ||
  (x.violation <= y.violation + tolerance && x.score > y.score + tolerance * Math.max(1, Math.abs(y.score)))

/** Computes the score of states: the sum over networks of weight × sense × value ÷ reference, minus the cost of change. */
export class Evaluator {
  private readonly problem: Problem
  private readonly objectives: Objective[]
  /** Score per unit of each network's objective. */
  readonly perUnit: number[]
  private readonly constants: number[]
  private readonly flat: number[]

  constructor(problem: Problem) {
    const { networks } = problem.input
    this.problem = problem
    this.objectives = networks.map((network) => objectives[network.objective])
    this.perUnit = networks.map((network, n) => {
      const { sense, reference } = objectives[network.objective]
      return ((network.weight ?? 1) * sense) / reference(problem, n)
    })
    this.constants = this.objectives.map((objective, n) => objective.constant?.(problem, n) ?? 0)
    this.flat = Array.from(networks.keys()).filter((n) => networks[n]!.objective === 'Throughput')
  }

  /** The objective of one network in its own unit. */
  valueOf(state: State, network: number): number {
    state.residuals.settle()
    state.concurrency.settle()
    return this.objectives[network]!.value(state, network, this.constants[network]!)
  }

  changeCost(state: State): number {
    const { perLinkChange, perRouteChange } = this.problem.costs
    return state.placement.moveCost + perLinkChange * state.topology.changes + perRouteChange * state.routeChanges
  }

  /** Objectives before the cost of change is taken off. */
  gross(state: State): number {
    let sum = 0
    for (let n = 0; n < this.objectives.length; n++) sum += this.perUnit[n]! * this.valueOf(state, n)
    return sum
  }

  value(state: State): Value {
    return { violation: state.violations.total, score: this.gross(state) - this.changeCost(state) }
  }

  /** Like `value`, with a slope where `Throughput` has plateaus. */
  guide(state: State): Value {
    const value = this.value(state)
    for (const n of this.flat) value.score += smoothShare * this.perUnit[n]! * state.concurrency.smoothFactor(n)
    return value
  }
}
