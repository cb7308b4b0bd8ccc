import { type Random, randomBelow, shuffle } from '../random.ts'
import type { Actuator, Demand, ObjectiveName, PlannerInput, Vm } from '../types.ts'
import { flowsOf, type PatternName } from './patterns.ts'
import type { Underlay } from './underlay.ts'

/**
 * The four problems of section 5.4. Simple: the place of VMs only. Complex: links and routes too. Offline: from
 * scratch, changes are free. Online: from a present state, changes cost and are limited. `Routes`: links and routes
 * only, the VMs stay.
 */
export const variants = ['SimpleOffline', 'SimpleOnline', 'ComplexOffline', 'ComplexOnline', 'Routes'] as const
export type Variant = (typeof variants)[number]

export type ScenarioSpec = {
  underlay: Underlay
  pattern: PatternName
  vms: number
  variant: Variant
  objective: ObjectiveName
  /** Mean rate of a flow; default: an eighth of what the slower links carry. */
  bps?: number
  elastic?: boolean
  networks?: number
  linkBudget?: number
  maxHops?: number
  /** Share of demands with a latency bound; default 0. */
  bounded?: number
}

const actuatorsOf: Record<Variant, Actuator[]> = {
  SimpleOffline: ['Placement'],
  SimpleOnline: ['Placement'],
  ComplexOffline: ['Topology', 'Routes', 'Placement', 'Reservations'],
  ComplexOnline: ['Topology', 'Routes', 'Placement', 'Reservations'],
  Routes: ['Topology', 'Routes', 'Reservations'],
}

/** How much more compute there is than the VMs need. */
const spareCompute = 1.7

/** A tree that reaches every bridge from the first one, breadth first: the baseline. */
export const spanningLinks = ({ bridges, links }: Pick<Underlay, 'bridges' | 'links'>): string[] => {
  const reached = new Set([bridges[0]!.name])
  const chosen: string[] = []
  const touching = new Map<string, typeof links>(bridges.map(({ name }) => [name, []]))
  for (const link of links) {
    touching.get(link.a)!.push(link)
    touching.get(link.b)!.push(link)
  }
  for (const bridge of reached)
    for (const link of touching.get(bridge)!) {
      const next = link.a === bridge ? link.b : link.a
      if (reached.has(next)) continue
      reached.add(next)
      chosen.push(link.name)
    }
  return chosen
}

const lowerQuartile = (values: number[]): number => [...values].sort((x, y) => x - y)[values.length >> 2] ?? 1e9

/** Generated VMs and demands on an underlay; equal arguments give equal inputs. */
export const makeScenario = (spec: ScenarioSpec, random: Random): PlannerInput => {
  const { underlay, variant, objective } = spec
  const online = variant === 'SimpleOnline' || variant === 'ComplexOnline'
  const networks = Array.from({ length: spec.networks ?? 1 }, (_, n) => `team/net-${n}`)
  const width = String(spec.vms).length
  const capacities = underlay.bridges.map((bridge) => bridge.computeCapacity)
  const fair = capacities.reduce((sum, capacity) => sum + capacity, 0) / (spec.vms * spareCompute)
  const share = Math.min(fair, 0.7 * Math.min(...capacities))
  const vms: Vm[] = Array.from({ length: spec.vms }, (_, i) => ({
    name: `vm-${String(i).padStart(width, '0')}`,
    network: networks[i % networks.length]!,
    compute: Math.floor(share * (0.6 + 0.8 * random())),
    memoryBytes: 2 ** 30 * (1 + randomBelow(random, 8)),
  }))
  const usual = spec.bps ?? lowerQuartile(underlay.links.map((link) => link.aToB.capacityBps)) / 8
  const demands: Demand[] = networks.flatMap((network) => {
    const members = vms.filter((vm) => vm.network === network)
    if (members.length < 2) return []
    return flowsOf(spec.pattern, members.length, random).map((flow, i) => ({
      name: `${network} ${i} ${members[flow.source]!.name} ${members[flow.destination]!.name}`,
      source: members[flow.source]!.name,
      destination: members[flow.destination]!.name,
      bps: Math.max(1, Math.round(usual * flow.share * (0.5 + random()))),
      kind: spec.elastic ? 'Elastic' : 'Rigid',
      origin: random() < 0.5 ? 'Declared' : 'Inferred',
      ...(random() < (spec.bounded ?? 0) && { latencyMicroseconds: 20_000 + randomBelow(random, 60_000) }),
    }))
  })
  const placed = variant !== 'SimpleOffline' && variant !== 'ComplexOffline'
  const fromNothing = objective === 'MinimumCost' && actuatorsOf[variant].includes('Topology')
  const baseline = fromNothing ? [] : spanningLinks(underlay)
  return {
    bridges: underlay.bridges,
    links: underlay.links,
    bottlenecks: underlay.bottlenecks,
    networks: networks.map((name) => ({
      name,
      objective,
      actuators: actuatorsOf[variant],
      baseline,
      ...(spec.linkBudget !== undefined && { linkBudget: spec.linkBudget }),
    })),
    vms,
    demands,
    present: {
      placement: placed ? scatter(underlay, vms, random) : {},
      topology: Object.fromEntries(networks.map((name) => [name, baseline])),
      routes: [],
      reservations: [],
    },
    budgets: online ? { moves: Math.max(1, spec.vms >> 2), linkChanges: 8 } : {},
    ...(!online && { costs: { perMove: 0, perMigrationSecond: 0, perLinkChange: 0, perRouteChange: 0 } }),
    maxHops: spec.maxHops ?? 8,
  }
}

/** A random placement that respects compute, as far as there is room. */
const scatter = ({ bridges }: Underlay, vms: Vm[], random: Random): Record<string, string> => {
  const room = new Map(bridges.map((bridge) => [bridge.name, bridge.computeCapacity - (bridge.computeUsed ?? 0)]))
  const placement: Record<string, string> = {}
  for (const vm of vms) {
    const names = shuffle(random, [...room.keys()])
    const name = names.find((bridge) => room.get(bridge)! >= vm.compute) ?? names[0]!
    room.set(name, room.get(name)! - vm.compute)
    placement[vm.name] = name
  }
  return placement
}
