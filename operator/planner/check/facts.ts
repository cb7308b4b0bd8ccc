import type { Demand, Link, PlannerInput, PresentState } from '../types.ts'

/**
 * The input by name, for the verifier alone. Nothing here is shared with the strategies: capacities, default paths and
 * loads are computed again from the definitions in types.ts, in the plainest way.
 */
export type Hop = { link: Link; from: string; to: string }

const bothWays = (link: Link): Hop[] => [
  { link, from: link.a, to: link.b },
  { link, from: link.b, to: link.a },
]

export class Facts {
  readonly input: PlannerInput
  readonly links: Map<string, Link>
  readonly bridges: Map<string, PlannerInput['bridges'][number]>
  readonly networks: Map<string, PlannerInput['networks'][number]>
  readonly vms: Map<string, PlannerInput['vms'][number]>
  readonly demands: Map<string, Demand>
  private readonly distances = new Map<string, Map<string, { hops: number; latency: number }>>()

  constructor(input: PlannerInput) {
    this.input = input
    this.links = new Map(input.links.map((link) => [link.name, link]))
    this.bridges = new Map(input.bridges.map((bridge) => [bridge.name, bridge]))
    this.networks = new Map(input.networks.map((network) => [network.name, network]))
    this.vms = new Map(input.vms.map((vm) => [vm.name, vm]))
    this.demands = new Map(input.demands.map((demand) => [demand.name, demand]))
  }

  networkOf(demand: Demand): string {
    return demand.network ?? this.vms.get(demand.source)!.network
  }

  capacity({ link, from }: Hop): number {
    const direction = from === link.a ? link.aToB : link.bToA
    const measured = Math.min(direction.capacityBps, direction.availableBps ?? Number.POSITIVE_INFINITY)
    const confidence = Math.max(0, Math.min(1, direction.confidence ?? 1))
    const loss = Math.min(1, (direction.lossPpm ?? 0) / 1_000_000)
    return Math.floor(measured * (0.5 + confidence / 2) * (1 - loss))
  }

  latency({ link, from }: Hop): number {
    return (from === link.a ? link.aToB : link.bToA).latencyMicroseconds
  }

  /** Every link, both ways. */
  hops(): Hop[] {
    return this.input.links.flatMap((link) => bothWays(link))
  }

  /** The hops of a list of links from a bridge, or undefined where two links do not meet. */
  walk(from: string, links: string[]): Hop[] | undefined {
    const hops: Hop[] = []
    let at = from
    for (const name of links) {
      const link = this.links.get(name)
      if (!link || (link.a !== at && link.b !== at)) return undefined
      const to = link.a === at ? link.b : link.a
      hops.push({ link, from: at, to })
      at = to
    }
    return hops
  }

  mayPass(network: string, bridge: string): boolean {
    const { transit, bridges } = this.networks.get(network)!
    if (this.bridges.get(bridge)!.transit === false) return false
    return transit !== 'MembersOnly' || bridges === undefined || bridges.includes(bridge)
  }

  private open(link: Link): boolean {
    return link.state !== 'Draining' && link.state !== 'Forbidden'
  }

  private baselineHops(network: string): Hop[] {
    return this.networks
      .get(network)!
      .baseline.map((name) => this.links.get(name)!)
      .filter((link) => this.open(link))
      .flatMap(bothWays)
  }

  /** Over the baseline: fewest links, then lowest latency, then the link whose name comes first at each bridge. */
  defaultPath(network: string, from: string, to: string): Hop[] | undefined {
    const distance = this.distancesTo(network, to)
    const path: Hop[] = []
    const hops = this.hopsByStart(network)
    for (let at = from; at !== to; ) {
      const here = distance.get(at)
      if (!here) return undefined
      const next = (hops.get(at) ?? [])
        .filter((hop) => {
          const there = distance.get(hop.to)
          if (!there || (hop.to !== to && !this.mayPass(network, hop.to))) return false
          return there.hops + 1 === here.hops && this.latency(hop) + there.latency === here.latency
        })
        .sort((x, y) => (x.link.name < y.link.name ? -1 : 1))[0]!
      path.push(next)
      at = next.to
    }
    return path
  }

  private readonly starts = new Map<string, Map<string, Hop[]>>()
  private hopsByStart(network: string): Map<string, Hop[]> {
    let starts = this.starts.get(network)
    if (!starts) {
      starts = new Map()
      for (const hop of this.baselineHops(network)) starts.set(hop.from, [...(starts.get(hop.from) ?? []), hop])
      this.starts.set(network, starts)
    }
    return starts
  }

  private distancesTo(network: string, to: string): Map<string, { hops: number; latency: number }> {
    const key = `${network}\n${to}`
    const known = this.distances.get(key)
    if (known) return known
    const distance = new Map([[to, { hops: 0, latency: 0 }]])
    const all = this.hopsByStart(network)
    for (let ring = [to], hops = 1; ring.length > 0; hops++) {
      const next = new Map<string, { hops: number; latency: number }>()
      for (const reached of ring) {
        if (reached !== to && !this.mayPass(network, reached)) continue
        for (const { link, to: before } of all.get(reached) ?? []) {
          if (distance.has(before)) continue
          const latency = this.latency({ link, from: before, to: reached }) + distance.get(reached)!.latency
          if (latency < (next.get(before)?.latency ?? Number.POSITIVE_INFINITY)) next.set(before, { hops, latency })
        }
      }
      for (const [bridge, value] of next) distance.set(bridge, value)
      ring = [...next.keys()]
    }
    this.distances.set(key, distance)
    return distance
  }
}

/** What one demand meets on its way: no hops between VMs of one bridge; undefined if it has no path. */
export type Way = { demand: Demand; network: string; from: string; to: string; hops: Hop[] }

/** The way of every demand in a state; a demand with an end that is not placed, or without a path, has none. */
export const waysOf = (facts: Facts, state: PresentState): Map<string, Way> => {
  const routes = new Map(state.routes.map((route) => [`${route.network}\n${route.from}\n${route.to}`, route]))
  const ways = new Map<string, Way>()
  const defaults = new Map<string, Hop[] | undefined>()
  for (const demand of facts.input.demands) {
    const network = facts.networkOf(demand)
    const from = state.placement[demand.source]
    const to = state.placement[demand.destination]
    if (from === undefined || to === undefined) continue
    const key = `${network}\n${from}\n${to}`
    const route = routes.get(key)
    if (!route && !defaults.has(key)) defaults.set(key, facts.defaultPath(network, from, to))
    const hops = from === to ? [] : route ? facts.walk(from, route.links) : defaults.get(key)
    if (hops && (hops.at(-1)?.to ?? from) === to) ways.set(demand.name, { demand, network, from, to, hops })
  }
  return ways
}

/** Everything with a capacity that a way loads, by the name it has in a violation, once per time it is loaded. */
export type Shared = { name: string; constraint: 'Capacity' | 'Bottleneck'; capacity: number }

export const sharedBy = (facts: Facts): ((way: Way) => Shared[]) => {
  const groups = new Map<string, Shared[]>()
  for (const { name, capacityBps, links } of facts.input.bottlenecks) {
    const ends = new Set(links.map((end) => `${end.link}\n${end.from}`))
    for (const end of ends)
      groups.set(end, [...(groups.get(end) ?? []), { name, constraint: 'Bottleneck', capacity: capacityBps }])
  }
  return (way) => {
    if (way.hops.length === 0) {
      const capacity = facts.bridges.get(way.from)!.localBps ?? 40_000_000_000
      return [{ name: `inside ${way.from}`, constraint: 'Capacity', capacity }]
    }
    return way.hops.flatMap((hop) => [
      { name: `${hop.link.name} from ${hop.from}`, constraint: 'Capacity' as const, capacity: facts.capacity(hop) },
      ...(groups.get(`${hop.link.name}\n${hop.from}`) ?? []),
    ])
  }
}

export const latencyOf = (facts: Facts, way: Way): number =>
  way.hops.length === 0
    ? (facts.bridges.get(way.from)!.localLatencyMicroseconds ?? 30)
    : way.hops.reduce((sum, hop) => sum + facts.latency(hop), 0)
