import type { DemandMetrics, DemandPrediction, NetworkPrediction, Plan, Violation } from '../plan.ts'
import { costOf, scoreOf } from './costs.ts'
import type { Facts } from './facts.ts'
import type { Traffic } from './traffic.ts'
import { narrowest, objectiveOf } from './values.ts'

const close = (x: number, y: number): boolean => Math.abs(x - y) <= 1e-6 * Math.max(1, Math.abs(x))

/** Whether what the plan says of itself is so: objectives and demands before and after, what it costs, what it is worth. */
export const checkPromises = (facts: Facts, plan: Plan, before: Traffic, after: Traffic): Violation[] => [
  ...plan.networks.flatMap((prediction) => checkNetwork(facts, plan, prediction, before, after)),
  ...plan.demands.flatMap((prediction) => checkDemand(prediction, before, after)),
  ...missing(
    'networks',
    plan.networks.map(({ network }) => network),
    [...facts.networks.keys()],
  ),
  ...missing(
    'demands',
    plan.demands.map(({ demand }) => demand),
    [...facts.demands.keys()],
  ),
  ...checkCost(facts, plan, after),
  ...checkScore(facts, plan, before, after),
  ...((plan.violations.length === 0) === (plan.status === 'Feasible') ? [] : [wrong('status', 1, '')]),
]

const wrong = (subject: string, amount: number, unit: string): Violation => ({
  constraint: 'Prediction',
  subject,
  amount,
  unit,
})

/** Everything is predicted once. */
const missing = (what: string, said: string[], all: string[]): Violation[] =>
  [...said].sort().join('\n') === [...all].sort().join('\n')
    ? []
    : [wrong(what, Math.abs(all.length - said.length), what)]

/** A network has a value when each of its demands has a way. */
const hasValue = (facts: Facts, traffic: Traffic, network: string): boolean =>
  facts.input.demands.every((demand) => facts.networkOf(demand) !== network || traffic.ways.has(demand.name))

const topologyBefore = (facts: Facts, network: string): string[] => [
  ...new Set([...facts.networks.get(network)!.baseline, ...(facts.input.present.topology[network] ?? [])]),
]

const checkNetwork = (
  facts: Facts,
  plan: Plan,
  prediction: NetworkPrediction,
  before: Traffic,
  after: Traffic,
): Violation[] => {
  const { network, unit, objective, gainPercent } = prediction
  if (facts.networks.get(network)?.objective !== objective) return [wrong(network, 1, 'objectives')]
  const [old, next] = [
    hasValue(facts, before, network)
      ? objectiveOf(facts, topologyBefore(facts, network), before, prediction)
      : undefined,
    hasValue(facts, after, network)
      ? objectiveOf(facts, plan.result.topology[network] ?? [], after, prediction)
      : undefined,
  ]
  const differ = (said: number | undefined, real: number | undefined, what: string): Violation[] =>
    said === real || (said !== undefined && real !== undefined && close(real, said))
      ? []
      : [wrong(network, Math.abs((real ?? 0) - (said ?? 0)), what)]
  return [
    ...differ(prediction.before, old, unit),
    ...differ(prediction.after, next, unit),
    ...differ(gainPercent, gainOf(prediction), '%'),
  ]
}

/** Gain in percent of the old value, positive if better; none if there is nothing to compare with. */
const gainOf = ({ objective, before, after }: NetworkPrediction): number | undefined => {
  if (before === undefined || after === undefined) return undefined
  const gain = objective === 'Latency' || objective === 'MinimumCost' ? before - after : after - before
  return before === 0 ? (gain === 0 ? 0 : undefined) : (100 * gain) / Math.abs(before)
}

const checkDemand = ({ demand, before, after }: DemandPrediction, past: Traffic, future: Traffic): Violation[] =>
  matches(before, past, demand) && matches(after, future, demand) ? [] : [wrong(demand, 1, 'demands')]

const matches = (said: DemandMetrics | undefined, traffic: Traffic, demand: string): boolean => {
  const way = traffic.ways.get(demand)
  if (!way || !said) return !way && !said
  const path = way.hops.length === 0 ? [way.from] : [way.from, ...way.hops.map(({ to }) => to)]
  const room = narrowest(traffic, way, () => 0)
  const left = narrowest(traffic, way, (name) => traffic.load.get(name)!)
  return (
    path.join('\n') === said.path.join('\n') &&
    close(room, said.pathBps) &&
    close(left, said.residualBps) &&
    close(traffic.latency.get(demand)!, said.latencyMicroseconds)
  )
}

const checkCost = (facts: Facts, plan: Plan, after: Traffic): Violation[] => {
  const { seconds, ...real } = costOf(facts, plan, after)
  const said = plan.actions.flatMap((action) => (action.type === 'MoveVm' ? [action] : []))
  return [
    ...Object.entries(real).flatMap(([name, value]) => {
      const promised = plan.cost[name as keyof typeof real]
      return close(value, promised) ? [] : [wrong(`cost: ${name}`, Math.abs(value - promised), '')]
    }),
    ...said.flatMap(({ vm, migrationSeconds }) => {
      const value = seconds.get(vm) ?? 0
      return close(value, migrationSeconds) ? [] : [wrong(vm, Math.abs(value - migrationSeconds), 's')]
    }),
  ]
}

/** Where a network has no value, the score counts the demands that have one; that is not promised to anyone. */
const checkScore = (
  facts: Facts,
  { score, cost, networks, result }: Plan,
  before: Traffic,
  after: Traffic,
): Violation[] => {
  const differ = (what: string, said: number, real: number): Violation[] =>
    close(real, said) ? [] : [wrong(`score: ${what}`, Math.abs(real - said), '')]
  const valued = (traffic: Traffic): boolean => networks.every(({ network }) => hasValue(facts, traffic, network))
  const now = (network: string): string[] => topologyBefore(facts, network)
  const then = (network: string): string[] => result.topology[network] ?? []
  return [
    ...(valued(before) ? differ('before', score.before, scoreOf(facts, networks, before, now)) : []),
    ...(valued(after) ? differ('after', score.after, scoreOf(facts, networks, after, then)) : []),
    ...differ('net', score.net, score.after - cost.score - score.before),
  ]
}
