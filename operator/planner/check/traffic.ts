import type { Plan, Violation } from '../plan.ts'
import type { PresentState } from '../types.ts'
import { type Facts, latencyOf, type Shared, sharedBy, type Way, waysOf } from './facts.ts'
import { checkPromises } from './promises.ts'

/** Loads of a state, computed from its ways. */
export type Traffic = {
  ways: Map<string, Way>
  shared: Map<string, Shared[]>
  load: Map<string, number>
  latency: Map<string, number>
}

export const trafficOf = (facts: Facts, state: PresentState): Traffic => {
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
  const [before, after] = [trafficOf(facts, facts.input.present), trafficOf(facts, plan.result)]
  return [
    ...checkLoads(after),
    ...checkDemands(facts, after),
    ...checkInterference(facts, after, before),
    ...checkPromises(facts, plan, before, after),
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
