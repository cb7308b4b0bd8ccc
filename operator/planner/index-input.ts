import type { PlannerInput, Route } from './types.ts'

/** The input contradicts itself; `problems` lists every contradiction found, not only the first. */
export class InvalidInputError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(`The planner's input is not usable (${problems.length} problems); first: ${problems[0]}`)
    this.name = 'InvalidInputError'
    this.problems = problems
  }
}

export const byName = <T extends { name: string }>(items: readonly T[]): T[] =>
  [...items].sort((x, y) => (x.name < y.name ? -1 : x.name > y.name ? 1 : 0))

/** Name → position in the sorted list: the integer ids of everything inside the planner. */
export type NameIndex = Map<string, number>

export type InputIndex = {
  bridges: NameIndex
  links: NameIndex
  networks: NameIndex
  vms: NameIndex
  demands: NameIndex
}

/** Whether a route's links lead from one end to the other, link after link. */
const leads = (sorted: PlannerInput['links'], ids: NameIndex, { from, to, links }: Route): boolean => {
  let at: string | undefined = from
  for (const name of links) {
    const link = sorted[ids.get(name)!]!
    at = link.a === at ? link.b : link.b === at ? link.a : undefined
  }
  return at === to && links.length > 0
}

/**
 * Checks that every name refers to something, that names are unique, and that quantities are not negative.
 * @throws InvalidInputError naming each wrong entry.
 */
export const indexInput = (input: PlannerInput): InputIndex => {
  const problems: string[] = []
  const index = (kind: string, items: readonly { name: string }[]): NameIndex => {
    const ids: NameIndex = new Map()
    byName(items).forEach(({ name }, id) => {
      if (ids.has(name)) problems.push(`${kind} ${name} is listed twice; names must be unique`)
      ids.set(name, id)
    })
    return ids
  }
  const ids = {
    bridges: index('bridge', input.bridges),
    links: index('link', input.links),
    networks: index('network', input.networks),
    vms: index('VM', input.vms),
    demands: index('demand', input.demands),
  }
  index('bottleneck', input.bottlenecks)
  const know = (kind: keyof InputIndex, name: string | undefined, where: string): void => {
    if (name !== undefined && !ids[kind].has(name)) problems.push(`${where} names ${name}, which is not in ${kind}`)
  }
  const notNegative = (value: number | undefined, what: string): void => {
    if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
      problems.push(`${what} is ${value}; it must be a finite number >= 0`)
  }
  const atMost = (limit: number, value: number | undefined, what: string): void => {
    notNegative(value, what)
    if (value !== undefined && value > limit) problems.push(`${what} is ${value}; it must be at most ${limit}`)
  }

  for (const bridge of input.bridges)
    for (const field of ['computeCapacity', 'computeUsed', 'localBps', 'localLatencyMicroseconds'] as const)
      notNegative(bridge[field], `${field} of ${bridge.name}`)
  for (const link of input.links) {
    know('bridges', link.a, `link ${link.name}`)
    know('bridges', link.b, `link ${link.name}`)
    if (link.a === link.b) problems.push(`link ${link.name} joins ${link.a} with itself; remove it`)
    for (const name of link.networks ?? []) know('networks', name, `link ${link.name}`)
    for (const direction of [link.aToB, link.bToA]) {
      for (const field of ['capacityBps', 'availableBps', 'latencyMicroseconds', 'reservableBps'] as const)
        notNegative(direction[field], `${field} of link ${link.name}`)
      atMost(1e6, direction.lossPpm, `lossPpm of link ${link.name}`)
      atMost(1, direction.confidence, `confidence of link ${link.name}`)
    }
    notNegative(link.cost, `cost of link ${link.name}`)
  }
  const byLinkName = new Map(input.links.map((link) => [link.name, link]))
  for (const bottleneck of input.bottlenecks) {
    notNegative(bottleneck.capacityBps, `capacityBps of bottleneck ${bottleneck.name}`)
    for (const end of bottleneck.links) {
      know('links', end.link, `bottleneck ${bottleneck.name}`)
      know('bridges', end.from, `bottleneck ${bottleneck.name}`)
      const link = byLinkName.get(end.link)
      if (link && link.a !== end.from && link.b !== end.from)
        problems.push(`bottleneck ${bottleneck.name} names ${end.from}, where link ${end.link} does not start`)
    }
  }
  for (const network of input.networks) {
    for (const field of ['weight', 'linkBudget', 'minimumGainPercent', 'latencyWeightBits'] as const)
      notNegative(network[field], `${field} of network ${network.name}`)
    for (const link of network.baseline) know('links', link, `baseline of network ${network.name}`)
    for (const bridge of network.bridges ?? []) know('bridges', bridge, `network ${network.name}`)
  }
  for (const vm of input.vms) {
    know('networks', vm.network, `VM ${vm.name}`)
    notNegative(vm.compute, `compute of VM ${vm.name}`)
    notNegative(vm.memoryBytes, `memoryBytes of VM ${vm.name}`)
    for (const bridge of [vm.pinnedTo, ...(vm.allowed ?? []), ...(vm.forbidden ?? [])])
      know('bridges', bridge, `VM ${vm.name}`)
    for (const other of [...(vm.affinity ?? []), ...(vm.antiAffinity ?? [])]) know('vms', other, `VM ${vm.name}`)
  }
  for (const demand of input.demands) {
    know('vms', demand.source, `demand ${demand.name}`)
    know('vms', demand.destination, `demand ${demand.name}`)
    know('networks', demand.network, `demand ${demand.name}`)
    notNegative(demand.bps, `bps of demand ${demand.name}`)
    notNegative(demand.latencyMicroseconds, `latencyMicroseconds of demand ${demand.name}`)
    if (demand.source === demand.destination) problems.push(`demand ${demand.name} goes from a VM to itself; remove it`)
  }
  for (const [field, value] of Object.entries(input.budgets)) notNegative(value, `budget ${field}`)
  for (const [field, value] of Object.entries(input.costs ?? {})) notNegative(value, `cost ${field}`)
  if (input.maxHops !== undefined && !(Number.isInteger(input.maxHops) && input.maxHops >= 1))
    problems.push(`maxHops is ${input.maxHops}; it must be a whole number >= 1`)
  const { placement, topology, routes } = input.present
  const links = byName(input.links)
  for (const [vm, bridge] of Object.entries(placement)) {
    know('vms', vm, 'present placement')
    know('bridges', bridge, `present placement of ${vm}`)
  }
  for (const [network, links] of Object.entries(topology)) {
    know('networks', network, 'present topology')
    for (const link of links) know('links', link, `present topology of ${network}`)
  }
  for (const route of routes) {
    know('networks', route.network, 'present route')
    for (const bridge of [route.from, route.to]) know('bridges', bridge, `present route of ${route.network}`)
    for (const link of route.links) know('links', link, `present route of ${route.network}`)
    if (problems.length === 0 && !leads(links, ids.links, route)) {
      const path = route.links.join(', ')
      problems.push(`present route of ${route.network} from ${route.from} to ${route.to} is no path: ${path}`)
    }
  }
  if (problems.length > 0) throw new InvalidInputError(problems)
  return ids
}
