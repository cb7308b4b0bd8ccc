import type { NetworkPrediction } from '../plan.ts'
import type { Facts, Way } from './facts.ts'
import type { Traffic } from './traffic.ts'

/** What the way's tightest resource has left when `used` is taken off each. */
export const narrowest = (traffic: Traffic, way: Way, used: (name: string) => number): number =>
  Math.min(...traffic.shared.get(way.demand.name)!.map(({ name, capacity }) => capacity - used(name)))

/** The value of a network's objective, from its definition in docs/planner.md. */
export const objectiveOf = (
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
    case 'Balanced': {
      const weight = latencyWeight(facts, network)
      return sum(residual) + sum((way) => weight / Math.max(1, latency(way)))
    }
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
  const latencies = facts
    .hops()
    .map((hop) => facts.latency(hop))
    .filter((latency) => latency > 0)
  return bestBps(facts) * (latencies.length > 0 ? latencies.reduce((least, latency) => Math.min(least, latency)) : 1)
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

const bestBps = (facts: Facts): number =>
  facts.hops().reduce((most, hop) => Math.max(most, facts.capacity(hop)), 0) || 1e9

/** What one unit of score stands for: the magnitude that values of the objective are divided by. */
export const referenceOf = (facts: Facts, { network, objective }: NetworkPrediction): number => {
  const demands = facts.input.demands.filter((demand) => facts.networkOf(demand) === network)
  const mean = (values: number[]): number =>
    values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
  switch (objective) {
    case 'ResidualBandwidth':
    case 'Balanced':
      return Math.max(1, demands.length) * bestBps(facts)
    case 'Latency':
      return (
        mean(facts.hops().map((hop) => facts.latency(hop))) ||
        mean(facts.input.bridges.map((bridge) => bridge.localLatencyMicroseconds ?? 30)) ||
        1
      )
    case 'MinimumCost':
      return (mean(facts.input.links.map((link) => link.cost ?? 1)) || 1) * Math.max(1, facts.input.bridges.length - 1)
    case 'Throughput': {
      const sums = new Map<string, number>()
      for (const { source, destination, kind, bps } of demands)
        for (const end of kind === 'Elastic' ? [`out of ${source}`, `into ${destination}`] : [])
          sums.set(end, (sums.get(end) ?? 0) + bps)
      const most = [...sums.values()].reduce((largest, sum) => Math.max(largest, sum), 0)
      return most > 0 ? bestBps(facts) / most : 1
    }
  }
}
