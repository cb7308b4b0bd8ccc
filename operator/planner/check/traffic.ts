import type { Plan, Violation } from '../plan.ts'
import type { ObjectiveName, PresentState } from '../types.ts'
import { type Facts, latencyOf, type Shared, sharedBy, type Way, waysOf } from './facts.ts'

/** Loads of a state, computed from its ways. */
type Traffic = {
  ways: Map<string, Way>
  shared: Map<string, Shared[]>
  load: Map<string, number>
  latency: Map<string, number>
}

const trafficOf = (facts: Facts, state: PresentState): Traffic => {
  const ways = waysOf(facts, state)
  const share = sharedBy(facts)
  const traffic: Traffic = { ways, shared: new Map(), load: new Map(), latency: new Map() }
  for (const [name, way] of ways) {
    const shared = share(way)
    traffic.shared.set(name, shared)
    traffic.latency.set(name, latencyOf(facts, way))
    for (const { name: resource } of shared)
      traffic.load.set(resource, (traffic.load.get(resource) ?? 0) + way.demand.bps)
  }
  return traffic
}

/** Routable, comm-feasible (Latency, Capacity, Bottleneck), no network worse off, and the promised objectives. */
export const checkTraffic = (facts: Facts, plan: Plan): Violation[] => {
  const traffic = trafficOf(facts, plan.result)
  return [
    ...checkLoads(traffic),
    ...checkDemands(facts, traffic),
    ...checkInterference(facts, traffic, trafficOf(facts, facts.input.present)),
    ...checkPredictions(facts, plan, traffic),
  ]
}

const checkLoads = (traffic: Traffic): Violation[] => {
  const all = new Map([...traffic.shared.values()].flat().map((shared) => [shared.name, shared]))
  return [...all.values()].flatMap(({ name, constraint, capacity }) => {
    const amount = traffic.load.get(name)! - capacity
    return amount > 0 ? [{ constraint, subject: name, amount, unit: 'bit/s' }] : []
  })
}

const checkDemands = (facts: Facts, traffic: Traffic): Violation[] =>
  facts.input.demands.flatMap((demand): Violation[] => {
    const latency = traffic.latency.get(demand.name)
    if (latency === undefined) return [{ constraint: 'Routable', subject: demand.name, amount: 1, unit: 'demands' }]
    const amount = latency - (demand.latencyMicroseconds ?? Number.POSITIVE_INFINITY)
    return amount > 0 ? [{ constraint: 'Latency', subject: demand.name, amount, unit: 'µs' }] : []
  })

/** Demands of each network that do not get what they need. */
const unsatisfied = (facts: Facts, traffic: Traffic): Map<string, number> => {
  const counts = new Map(facts.input.networks.map(({ name }) => [name, 0]))
  for (const demand of facts.input.demands) {
    const latency = traffic.latency.get(demand.name)
    const fits =
      latency !== undefined &&
      latency <= (demand.latencyMicroseconds ?? Number.POSITIVE_INFINITY) &&
      traffic.shared.get(demand.name)!.every(({ name, capacity }) => traffic.load.get(name)! <= capacity)
    const network = facts.networkOf(demand)
    if (!fits) counts.set(network, counts.get(network)! + 1)
  }
  return counts
}

const checkInterference = (facts: Facts, after: Traffic, before: Traffic): Violation[] => {
  const old = unsatisfied(facts, before)
  return [...unsatisfied(facts, after)].flatMap(([subject, count]): Violation[] => {
    const amount = count - old.get(subject)!
    return amount > 0 ? [{ constraint: 'Interference', subject, amount, unit: 'demands' }] : []
  })
}

const checkPredictions = (facts: Facts, plan: Plan, traffic: Traffic): Violation[] =>
  plan.networks.flatMap(({ network, objective, after, unit }): Violation[] => {
    if (after === undefined) return []
    const real = objectiveOf(facts, plan, traffic, network, objective)
    const amount = Math.abs(real - after)
    const close = amount <= 1e-6 * Math.max(1, Math.abs(real))
    return close ? [] : [{ constraint: 'Prediction', subject: network, amount, unit }]
  })

/** The objectives of objectives.ts, from their definitions. */
const objectiveOf = (facts: Facts, plan: Plan, traffic: Traffic, network: string, objective: ObjectiveName): number => {
  const ways = [...traffic.ways.values()].filter((way) => way.network === network)
  const residual = (way: Way): number =>
    Math.min(...traffic.shared.get(way.demand.name)!.map(({ name, capacity }) => capacity - traffic.load.get(name)!))
  const latency = (way: Way): number => traffic.latency.get(way.demand.name)!
  const sum = (term: (way: Way) => number): number => ways.reduce((total, way) => total + term(way), 0)
  switch (objective) {
    case 'ResidualBandwidth':
      return sum(residual)
    case 'Balanced':
      return sum(residual) + sum((way) => latencyWeight(facts, network) / latency(way))
    case 'Latency':
      return (
        sum((way) => way.demand.bps * latency(way)) /
        Math.max(
          1,
          sum((way) => way.demand.bps),
        )
      )
    case 'MinimumCost':
      return plan.result.topology[network]!.reduce((total, link) => total + (facts.links.get(link)!.cost ?? 1), 0)
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
