import type { Plan, Violation } from '../plan.ts'
import type { Demand, PresentState } from '../types.ts'
import { type Facts, latencyOf, type Shared, sharedBy, type Way, waysOf } from './facts.ts'
import { checkPromises } from './promises.ts'

/** Loads of a state, computed from its ways. */
export type Traffic = {
  ways: Map<string, Way>
  shared: Map<string, Shared[]>
  load: Map<string, number>
  /** The part of each network in it. */
  loadOf: Map<string, Map<string, number>>
  latency: Map<string, number>
}

export const trafficOf = (facts: Facts, state: PresentState): Traffic => {
  const ways = waysOf(facts, state)
  const share = sharedBy(facts)
  const traffic: Traffic = { ways, shared: new Map(), load: new Map(), loadOf: new Map(), latency: new Map() }
  for (const [name, way] of ways) {
    const shared = share(way)
    traffic.shared.set(name, shared)
    traffic.latency.set(name, latencyOf(facts, way))
    const own = traffic.loadOf.get(way.network) ?? new Map<string, number>()
    traffic.loadOf.set(way.network, own)
    for (const { name: resource } of shared)
      for (const load of [traffic.load, own]) load.set(resource, (load.get(resource) ?? 0) + way.demand.bps)
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

/** Whether a demand gets what it needs, with so much on each resource. */
const isSatisfied = (traffic: Traffic, demand: Demand, loadOf: (resource: string) => number): boolean => {
  const latency = traffic.latency.get(demand.name)
  if (latency === undefined || latency > (demand.latencyMicroseconds ?? Number.POSITIVE_INFINITY)) return false
  return traffic.shared.get(demand.name)!.every(({ name, capacity }) => loadOf(name) <= capacity)
}

/**
 * No network has more demands unsatisfied than before, and no demand loses to other networks what it had: it did, if it
 * would be satisfied with the loads of the others as they were.
 */
const checkInterference = (facts: Facts, after: Traffic, before: Traffic): Violation[] => {
  const lost = new Map(facts.input.networks.map(({ name }) => [name, 0]))
  const found: Violation[] = []
  const broken = (subject: string, amount: number): void =>
    void found.push({ constraint: 'Interference', subject, amount, unit: 'demands' })
  for (const demand of facts.input.demands) {
    const had = isSatisfied(before, demand, (resource) => before.load.get(resource)!)
    const has = isSatisfied(after, demand, (resource) => after.load.get(resource)!)
    const network = facts.networkOf(demand)
    lost.set(network, lost.get(network)! + Number(had) - Number(has))
    if (!had || has) continue
    const own = (traffic: Traffic, resource: string): number => traffic.loadOf.get(network)?.get(resource) ?? 0
    const othersAsBefore = (resource: string): number =>
      own(after, resource) + (before.load.get(resource) ?? 0) - own(before, resource)
    if (isSatisfied(after, demand, othersAsBefore)) broken(demand.name, 1)
  }
  for (const [network, count] of lost) if (count > 0) broken(network, count)
  return found
}
