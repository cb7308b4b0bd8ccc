import type { PlannerInput } from './types.ts'

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

/** What is wrong with the input, and the names that there are. */
class Findings {
  readonly problems: string[] = []
  readonly ids: InputIndex

  constructor(input: PlannerInput) {
    this.ids = {
      bridges: this.index('bridge', input.bridges),
      links: this.index('link', input.links),
      networks: this.index('network', input.networks),
      vms: this.index('VM', input.vms),
      demands: this.index('demand', input.demands),
    }
    this.index('bottleneck', input.bottlenecks)
  }

  private index(kind: string, items: readonly { name: string }[]): NameIndex {
    this.once(
      kind,
      items.map(({ name }) => name),
    )
    return new Map(byName(items).map(({ name }, id) => [name, id]))
  }

  once(kind: string, names: string[]): void {
    const seen = new Set<string>()
    for (const name of names) {
      if (seen.has(name)) this.problems.push(`${kind} ${name} is listed twice; names must be unique`)
      seen.add(name)
    }
  }

  know(kind: keyof InputIndex, name: string | undefined, where: string): void {
    if (name !== undefined && !this.ids[kind].has(name))
      this.problems.push(`${where} names ${name}, which is not in ${kind}`)
  }

  notNegative(value: number | undefined, what: string): void {
    if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
      this.problems.push(`${what} is ${value}; it must be a finite number >= 0`)
  }

  atMost(limit: number, value: number | undefined, what: string): void {
    this.notNegative(value, what)
    if (value !== undefined && value > limit) this.problems.push(`${what} is ${value}; it must be at most ${limit}`)
  }
}

const checkBridges = ({ bridges }: PlannerInput, findings: Findings): void => {
  for (const bridge of bridges)
    for (const field of ['computeCapacity', 'computeUsed', 'localBps', 'localLatencyMicroseconds'] as const)
      findings.notNegative(bridge[field], `${field} of ${bridge.name}`)
}

const checkLinks = ({ links }: PlannerInput, findings: Findings): void => {
  for (const link of links) {
    findings.know('bridges', link.a, `link ${link.name}`)
    findings.know('bridges', link.b, `link ${link.name}`)
    if (link.a === link.b) findings.problems.push(`link ${link.name} joins ${link.a} with itself; remove it`)
    for (const name of link.networks ?? []) findings.know('networks', name, `link ${link.name}`)
    for (const direction of [link.aToB, link.bToA]) {
      for (const field of ['capacityBps', 'availableBps', 'latencyMicroseconds', 'reservableBps'] as const)
        findings.notNegative(direction[field], `${field} of link ${link.name}`)
      findings.atMost(1e6, direction.lossPpm, `lossPpm of link ${link.name}`)
      findings.atMost(1, direction.confidence, `confidence of link ${link.name}`)
    }
    findings.notNegative(link.cost, `cost of link ${link.name}`)
  }
}

const checkBottlenecks = ({ bottlenecks, links }: PlannerInput, findings: Findings): void => {
  const named = new Map(links.map((link) => [link.name, link]))
  for (const { name, capacityBps, links: ends } of bottlenecks) {
    findings.notNegative(capacityBps, `capacityBps of bottleneck ${name}`)
    for (const end of ends) {
      findings.know('links', end.link, `bottleneck ${name}`)
      findings.know('bridges', end.from, `bottleneck ${name}`)
      const link = named.get(end.link)
      if (link && link.a !== end.from && link.b !== end.from)
        findings.problems.push(`bottleneck ${name} names ${end.from}, where link ${end.link} does not start`)
    }
  }
}

const checkNetworks = ({ networks }: PlannerInput, findings: Findings): void => {
  for (const network of networks) {
    for (const field of ['weight', 'linkBudget', 'minimumGainPercent', 'latencyWeightBits'] as const)
      findings.notNegative(network[field], `${field} of network ${network.name}`)
    for (const link of network.baseline) findings.know('links', link, `baseline of network ${network.name}`)
    for (const bridge of network.bridges ?? []) findings.know('bridges', bridge, `network ${network.name}`)
  }
}

const checkVms = ({ vms }: PlannerInput, findings: Findings): void => {
  for (const vm of vms) {
    findings.know('networks', vm.network, `VM ${vm.name}`)
    for (const field of ['compute', 'memoryBytes', 'lastMovedMs'] as const)
      findings.notNegative(vm[field], `${field} of VM ${vm.name}`)
    for (const bridge of [vm.pinnedTo, ...(vm.allowed ?? []), ...(vm.forbidden ?? [])])
      findings.know('bridges', bridge, `VM ${vm.name}`)
    for (const other of [...(vm.affinity ?? []), ...(vm.antiAffinity ?? [])]) {
      findings.know('vms', other, `VM ${vm.name}`)
      if (other === vm.name) findings.problems.push(`VM ${vm.name} names itself in a rule about others; remove it`)
    }
  }
}

const checkDemands = ({ demands }: PlannerInput, findings: Findings): void => {
  for (const demand of demands) {
    findings.know('vms', demand.source, `demand ${demand.name}`)
    findings.know('vms', demand.destination, `demand ${demand.name}`)
    findings.know('networks', demand.network, `demand ${demand.name}`)
    findings.notNegative(demand.bps, `bps of demand ${demand.name}`)
    findings.notNegative(demand.latencyMicroseconds, `latencyMicroseconds of demand ${demand.name}`)
    if (demand.source === demand.destination)
      findings.problems.push(`demand ${demand.name} goes from a VM to itself; remove it`)
  }
}

/** Where links lead from a bridge, one after the other; undefined where two do not meet. */
const endOf = (named: Map<string, PlannerInput['links'][number]>, from: string, links: string[]): string | undefined =>
  links.reduce<string | undefined>((at, name) => {
    const link = named.get(name)
    return link?.a === at ? link?.b : link?.b === at ? link?.a : undefined
  }, from)

const checkPresent = ({ present, links }: PlannerInput, findings: Findings): void => {
  const { placement, topology, routes, reservations } = present
  const named = new Map(links.map((link) => [link.name, link]))
  for (const [vm, bridge] of Object.entries(placement)) {
    findings.know('vms', vm, 'present placement')
    findings.know('bridges', bridge, `present placement of ${vm}`)
  }
  for (const [network, names] of Object.entries(topology)) {
    findings.know('networks', network, 'present topology')
    for (const link of names) findings.know('links', link, `present topology of ${network}`)
  }
  findings.once(
    'present route',
    routes.map(({ network, from, to }) => `of ${network} from ${from} to ${to}`),
  )
  findings.once(
    'present reservation for',
    reservations.map(({ demand }) => demand),
  )
  for (const { network, from, to, links: path } of routes) {
    findings.know('networks', network, 'present route')
    if (path.length === 0 || endOf(named, from, path) !== to)
      findings.problems.push(`present route of ${network} from ${from} to ${to} is no path: ${path.join(', ')}`)
  }
  for (const { demand, bps, from, links: path } of reservations) {
    findings.notNegative(bps, `present reservation for ${demand}`)
    if (endOf(named, from, path) === undefined)
      findings.problems.push(`present reservation for ${demand} from ${from} is no path: ${path.join(', ')}`)
  }
}

const checkLimits = ({ budgets, costs, maxHops, timeMs }: PlannerInput, findings: Findings): void => {
  for (const [field, value] of Object.entries(budgets)) findings.notNegative(value, `budget ${field}`)
  for (const [field, value] of Object.entries(costs ?? {})) findings.notNegative(value, `cost ${field}`)
  findings.notNegative(timeMs, 'timeMs')
  if (maxHops !== undefined && !(Number.isInteger(maxHops) && maxHops >= 1))
    findings.problems.push(`maxHops is ${maxHops}; it must be a whole number >= 1`)
}

/**
 * Checks that every name refers to something, that names are unique, that quantities are not negative, and that what is
 * in force now is possible.
 * @throws InvalidInputError naming each wrong entry.
 */
export const indexInput = (input: PlannerInput): InputIndex => {
  const findings = new Findings(input)
  const checks = [checkBridges, checkLinks, checkBottlenecks, checkNetworks, checkVms, checkDemands]
  for (const check of [...checks, checkPresent, checkLimits]) check(input, findings)
  if (findings.problems.length > 0) throw new InvalidInputError(findings.problems)
  return findings.ids
}
