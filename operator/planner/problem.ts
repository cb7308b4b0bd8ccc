import { byName, type InputIndex, indexInput } from './index-input.ts'
import type { Actuator, ChangeCosts, Link, LinkDirection, PlannerInput, PresentState } from './types.ts'

/**
 * The input as numbers: everything sorted by name and replaced by its position, so that the order of the input cannot
 * matter. Link k gives the two *arcs* 2k (a → b) and 2k + 1 (b → a). A *resource* is anything with a capacity that
 * traffic shares: the arcs (same ids), then the bottlenecks, then the inside of each bridge (`localResource`).
 */
export type Problem = {
  /** The input, each list sorted by name. */
  input: PlannerInput
  ids: InputIndex
  bridges: number
  arcs: number
  resources: number
  arcFrom: Int32Array
  arcTo: Int32Array
  /** Microseconds, per arc. */
  arcLatency: Float64Array
  /** Arcs that leave bridge b: `outArc[outStart[b] … outStart[b + 1])`. */
  outStart: Int32Array
  outArc: Int32Array
  /** Bit/s, per resource. */
  capacity: Float64Array
  /** Resources of arc i, itself first: `arcResource[arcResourceStart[i] …)`. */
  arcResourceStart: Int32Array
  arcResource: Int32Array
  localLatency: Float64Array
  /** Millicores left for the VMs of the input, per bridge. */
  computeRoom: Float64Array
  linkCost: Float64Array
  vmNetwork: Int32Array
  /** Where each VM runs now; -1: nowhere yet. */
  presentBridge: Int32Array
  /** 1 if the VM has to stay where it is. */
  frozen: Uint8Array
  demandSource: Int32Array
  demandDestination: Int32Array
  demandNetwork: Int32Array
  demandBps: Float64Array
  demandElastic: Uint8Array
  /** Microseconds; Infinity without a bound. */
  demandBound: Float64Array
  demandsOfVm: Int32Array[]
  costs: Required<ChangeCosts>
  maxHops: number
}

export const defaultCosts: Required<ChangeCosts> = {
  perMove: 0.002,
  perMigrationSecond: 0.0005,
  perLinkChange: 0.0005,
  perRouteChange: 0.0001,
  dirtyPageFactor: 1.3,
}

const defaultLocalBps = 40e9
const defaultLocalLatencyMicroseconds = 30
const defaultMaxHops = 8

export const may = (problem: Problem, network: number, actuator: Actuator): boolean =>
  problem.input.networks[network]!.actuators.includes(actuator)

/** Links are added for routes to use, so changing the topology takes both permissions. */
export const mayRelink = (problem: Problem, network: number): boolean =>
  may(problem, network, 'Topology') && may(problem, network, 'Routes')

export const linkOfArc = (arc: number): number => arc >> 1
export const localResource = (problem: Problem, bridge: number): number => problem.resources - problem.bridges + bridge

/** How far a measurement counts: less the less it is believed, half at confidence 0. */
const belief = ({ confidence = 1 }: LinkDirection): number => 0.5 + 0.5 * Math.min(1, Math.max(0, confidence))
const arriving = ({ lossPpm = 0 }: LinkDirection): number => 1 - Math.min(1, lossPpm / 1e6)

/** The share of a direction's available bandwidth that it can be trusted to carry. */
export const trustedShare = (direction: LinkDirection): number => belief(direction) * arriving(direction)

const trustedBps = (direction: LinkDirection): number => {
  const available = Math.min(direction.availableBps ?? direction.capacityBps, direction.capacityBps)
  return Math.floor(available * belief(direction) * arriving(direction))
}

const directions = (link: Link): [LinkDirection, LinkDirection] => [link.aToB, link.bToA]

/** Lists per key as one flat array with starts ("compressed rows"). */
const compress = (lists: number[][]): { start: Int32Array; list: Int32Array } => {
  const start = new Int32Array(lists.length + 1)
  lists.forEach((list, i) => {
    start[i + 1] = start[i]! + list.length
  })
  return { start, list: Int32Array.from(lists.flat()) }
}

const byText = <T>(items: readonly T[], text: (item: T) => string): T[] =>
  [...items].sort((x, y) => (text(x) < text(y) ? -1 : text(x) > text(y) ? 1 : 0))

const sortedPresent = ({ placement, topology, routes, reservations }: PresentState): PresentState => ({
  placement,
  topology: Object.fromEntries(Object.entries(topology).map(([network, links]) => [network, [...links].sort()])),
  routes: byText(routes, ({ network, from, to }) => `${network}\n${from}\n${to}`),
  reservations: byText(reservations, ({ demand }) => demand),
})

/** Without an order that could matter: lists by name. */
const sorted = (input: PlannerInput): PlannerInput => ({
  ...input,
  bridges: byName(input.bridges),
  links: byName(input.links),
  bottlenecks: byName(input.bottlenecks),
  networks: byName(input.networks).map((network) => ({ ...network, baseline: [...network.baseline].sort() })),
  vms: byName(input.vms),
  demands: byName(input.demands),
  present: sortedPresent(input.present),
})

/** @throws InvalidInputError if a name refers to nothing or a quantity is negative. */
export const compile = (unsorted: PlannerInput): Problem => {
  const ids = indexInput(unsorted)
  const input = sorted(unsorted)
  const { bridges, links, bottlenecks, networks, vms, demands } = input
  const arcs = 2 * links.length
  const resources = arcs + bottlenecks.length + bridges.length
  const bridge = (name: string): number => ids.bridges.get(name)!

  const ends = links.flatMap((link) => [bridge(link.a), bridge(link.b)])
  const arcFrom = Int32Array.from(ends)
  const arcTo = Int32Array.from(ends.map((_, arc) => ends[arc ^ 1]!))
  const measured = links.flatMap(directions)
  const arcsOut: number[][] = bridges.map(() => [])
  arcFrom.forEach((from, arc) => void arcsOut[from]!.push(arc))
  const out = compress(arcsOut)

  const resourcesOfArc: number[][] = measured.map((_, arc) => [arc])
  bottlenecks.forEach((bottleneck, k) => {
    const members = new Set<number>()
    for (const end of bottleneck.links) {
      const link = ids.links.get(end.link)!
      members.add(2 * link + (links[link]!.a === end.from ? 0 : 1))
    }
    for (const arc of members) resourcesOfArc[arc]!.push(arcs + k)
  })
  const arcResources = compress(resourcesOfArc)

  const demandsOfVm: number[][] = vms.map(() => [])
  demands.forEach((demand, id) => {
    demandsOfVm[ids.vms.get(demand.source)!]!.push(id)
    demandsOfVm[ids.vms.get(demand.destination)!]!.push(id)
  })
  const presentBridge = Int32Array.from(vms, (vm) => {
    const name = input.present.placement[vm.name]
    return name === undefined ? -1 : bridge(name)
  })
  const now = input.timeMs ?? 0
  const frozen = Uint8Array.from(vms, (vm, id) => {
    if (presentBridge[id]! < 0) return 0
    const consents = networks[ids.networks.get(vm.network)!]!.actuators.includes('Placement')
    const cooling = vm.lastMovedMs !== undefined && now - vm.lastMovedMs < (input.budgets.cooldownMs ?? 0)
    return !consents || vm.movable === false || cooling ? 1 : 0
  })
  const vmNetwork = Int32Array.from(vms, (vm) => ids.networks.get(vm.network)!)

  return {
    input,
    ids,
    bridges: bridges.length,
    arcs,
    resources,
    arcFrom,
    arcTo,
    arcLatency: Float64Array.from(measured, (direction) => direction.latencyMicroseconds),
    outStart: out.start,
    outArc: out.list,
    capacity: Float64Array.from([
      ...measured.map(trustedBps),
      ...bottlenecks.map((bottleneck) => bottleneck.capacityBps),
      ...bridges.map((b) => b.localBps ?? defaultLocalBps),
    ]),
    arcResourceStart: arcResources.start,
    arcResource: arcResources.list,
    localLatency: Float64Array.from(bridges, (b) => b.localLatencyMicroseconds ?? defaultLocalLatencyMicroseconds),
    computeRoom: Float64Array.from(bridges, (b) => Math.max(0, b.computeCapacity - (b.computeUsed ?? 0))),
    linkCost: Float64Array.from(links, (link) => link.cost ?? 1),
    vmNetwork,
    presentBridge,
    frozen,
    demandSource: Int32Array.from(demands, (demand) => ids.vms.get(demand.source)!),
    demandDestination: Int32Array.from(demands, (demand) => ids.vms.get(demand.destination)!),
    demandNetwork: Int32Array.from(demands, (demand) =>
      demand.network === undefined ? vmNetwork[ids.vms.get(demand.source)!]! : ids.networks.get(demand.network)!,
    ),
    demandBps: Float64Array.from(demands, (demand) => demand.bps),
    demandElastic: Uint8Array.from(demands, (demand) => (demand.kind === 'Elastic' ? 1 : 0)),
    demandBound: Float64Array.from(demands, (demand) => demand.latencyMicroseconds ?? Number.POSITIVE_INFINITY),
    demandsOfVm: demandsOfVm.map((list) => Int32Array.from(list)),
    costs: { ...defaultCosts, ...input.costs },
    maxHops: input.maxHops ?? defaultMaxHops,
  }
}
