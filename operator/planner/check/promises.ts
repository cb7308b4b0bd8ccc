import type { DemandMetrics, DemandPrediction, NetworkPrediction, Plan, Violation } from '../plan.ts'
import type { Facts, Way } from './facts.ts'
import type { Traffic } from './traffic.ts'

const close = (x: number, y: number): boolean => Math.abs(x - y) <= 1e-6 * Math.max(1, Math.abs(x))

/** Whether what the plan says of itself is so: objectives and demands before and after, and what it costs. */
export const checkPromises = (facts: Facts, plan: Plan, before: Traffic, after: Traffic): Violation[] => [
  ...plan.networks.flatMap((prediction) => checkNetwork(facts, plan, prediction, before, after)),
  ...plan.demands.flatMap((prediction) => checkDemand(prediction, before, after)),
  ...checkCost(facts, plan),
]

const wrong = (subject: string, amount: number, unit: string): Violation => ({
  constraint: 'Prediction',
  subject,
  amount,
  unit,
})

const checkNetwork = (
  facts: Facts,
  plan: Plan,
  prediction: NetworkPrediction,
  before: Traffic,
  after: Traffic,
): Violation[] => {
  const { network, unit } = prediction
  const { baseline } = facts.networks.get(network)!
  const now = [...new Set([...baseline, ...(facts.input.present.topology[network] ?? [])])]
  const differ = (said: number | undefined, topology: string[], traffic: Traffic): Violation[] => {
    if (said === undefined) return []
    const real = objectiveOf(facts, topology, traffic, prediction)
    return close(real, said) ? [] : [wrong(network, Math.abs(real - said), unit)]
  }
  return [
    ...differ(prediction.before, now, before),
    ...differ(prediction.after, plan.result.topology[network] ?? [], after),
  ]
}

const checkDemand = ({ demand, before, after }: DemandPrediction, past: Traffic, future: Traffic): Violation[] =>
  matches(before, past, demand) && matches(after, future, demand) ? [] : [wrong(demand, 1, 'demands')]

const matches = (said: DemandMetrics | undefined, traffic: Traffic, demand: string): boolean => {
  const way = traffic.ways.get(demand)
  if (!way || !said) return !way && !said
  const path = way.hops.length === 0 ? [way.from] : [way.from, ...way.hops.map(({ to }) => to)]
  return (
    path.join('\n') === said.path.join('\n') &&
    close(
      narrowest(traffic, way, () => 0),
      said.pathBps,
    ) &&
    close(
      narrowest(traffic, way, (name) => traffic.load.get(name)!),
      said.residualBps,
    ) &&
    close(traffic.latency.get(demand)!, said.latencyMicroseconds)
  )
}

/** What the way's tightest resource has left when `used` is taken off each. */
const narrowest = (traffic: Traffic, way: Way, used: (name: string) => number): number =>
  Math.min(...traffic.shared.get(way.demand.name)!.map(({ name, capacity }) => capacity - used(name)))

const checkCost = (facts: Facts, { actions, cost }: Plan): Violation[] => {
  const counted = { moves: 0, migrationSeconds: 0, linkChanges: 0, routeChanges: 0 }
  for (const action of actions) {
    if (action.type === 'MoveVm') {
      counted.moves++
      counted.migrationSeconds += action.migrationSeconds
    } else if (action.type === 'AddLink') counted.linkChanges += facts.links.get(action.link)?.exists === false ? 2 : 1
    else if (action.type === 'RemoveLink') counted.linkChanges++
    else if (action.type === 'SetRoute' || action.type === 'ClearRoute') counted.routeChanges++
  }
  return Object.entries(counted).flatMap(([name, value]) => {
    const said = cost[name as keyof typeof counted]
    return close(value, said) ? [] : [wrong(`cost: ${name}`, Math.abs(value - said), '')]
  })
}

/** The objectives of objectives.ts, from their definitions. */
const objectiveOf = (
  facts: Facts,
  topology: string[],
  traffic: Traffic,
  { network, objective }: NetworkPrediction,
): number => {
  const ways = [...traffic.ways.values()].filter((way) => way.network === network)
  const residual = (way: Way): number => narrowest(traffic, way, (name) => traffic.load.get(name)!)
  const latency = (way: Way): number => traffic.latency.get(way.demand.name)!
  const sum = (term: (way: Way) => number): number => ways.reduce((total, way) => total + term(way), 0)
  switch (objective) {
    case 'ResidualBandwidth':
      return sum(residual)
    case 'Balanced':
      return sum(residual) + sum((way) => latencyWeight(facts, network) / Math.max(1, latency(way)))
    case 'Latency':
      return (
        sum((way) => way.demand.bps * latency(way)) /
        Math.max(
          1,
          sum((way) => way.demand.bps),
        )
      )
    case 'MinimumCost':
      return topology.reduce((total, link) => total + (facts.links.get(link)!.cost ?? 1), 0)
    case 'Throughput':
      return growth(traffic, ways)
  }
}

const latencyWeight = (facts: Facts, network: string): number => {
  const given = facts.networks.get(network)!.latencyWeightBits
  if (given !== undefined) return given * 1e6
  const hops = facts.input.links.flatMap((link) => [
    { link, from: link.a, to: link.b },
    { link, from: link.b, to: link.a },
  ])
  const latencies = hops.map((hop) => facts.latency(hop)).filter((latency) => latency > 0)
  const best = hops.reduce((most, hop) => Math.max(most, facts.capacity(hop)), 0) || 1e9
  return best * (latencies.length > 0 ? latencies.reduce((least, latency) => Math.min(least, latency)) : 1)
}

/** The factor by which the elastic ways can grow before something is full. */
const growth = (traffic: Traffic, ways: Way[]): number => {
  const elastic = new Map<string, { bps: number; capacity: number }>()
  for (const way of ways) {
    if (way.demand.kind !== 'Elastic') continue
    for (const { name, capacity } of traffic.shared.get(way.demand.name)!)
      elastic.set(name, { bps: (elastic.get(name)?.bps ?? 0) + way.demand.bps, capacity })
  }
  const factors = [...elastic]
    .filter(([, { bps }]) => bps > 0)
    .map(([name, { bps, capacity }]) => Math.max(0, capacity - (traffic.load.get(name)! - bps)) / bps)
  return factors.length === 0 ? 0 : factors.reduce((least, factor) => Math.min(least, factor))
}
