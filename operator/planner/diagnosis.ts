import type { Violation } from './plan.ts'
import { localResource, may, mayRelink, type Problem, trustedShare } from './problem.ts'
import { atLeast } from './quantity.ts'
import { bridgeName } from './result.ts'
import type { State } from './state.ts'
import type { Link } from './types.ts'

/** What a resource is called, for people: `east/a > east/b`, the bottleneck's name, or `inside east/a`. */
export const resourceName = (problem: Problem, resource: number): string => {
  const { bridges, bottlenecks } = problem.input
  if (resource < problem.arcs)
    return `${bridges[problem.arcFrom[resource]!]!.name} > ${bridges[problem.arcTo[resource]!]!.name}`
  const first = localResource(problem, 0)
  return resource < first ? bottlenecks[resource - problem.arcs]!.name : `inside ${bridges[resource - first]!.name}`
}

/** The name that `Violation.subject` has for a resource; an arc is its link and the bridge where it starts. */
const subjectOf = (problem: Problem, resource: number): string => {
  const link: Link | undefined = problem.input.links[resource >> 1]
  if (resource >= problem.arcs || !link) return resourceName(problem, resource)
  return `${link.name} from ${problem.input.bridges[problem.arcFrom[resource]!]!.name}`
}

/** Everything that the state breaks, and what would make it hold. Changes beyond a budget cannot occur in an outcome. */
export const diagnose = (state: State): Violation[] => [
  ...placementViolations(state),
  ...capacityViolations(state),
  ...demandViolations(state),
  ...linkViolations(state),
]

/** Budgets that are used up, as a remedy: with more of them there might be a plan that breaks less. */
const largerBudgets = ({ problem, placement, topology }: State): string => {
  const { budgets, networks } = problem.input
  const hints: string[] = []
  if (budgets.moves !== undefined && placement.moves >= budgets.moves && problem.frozen.includes(0))
    hints.push(`a budget of more than ${budgets.moves} moves`)
  if (budgets.linkChanges !== undefined && topology.changes >= budgets.linkChanges)
    hints.push(`a budget of more than ${budgets.linkChanges} link changes`)
  networks.forEach(({ name, linkBudget }, n) => {
    if (linkBudget !== undefined && topology.spare(n) <= 0 && mayRelink(problem, n))
      hints.push(`a link budget of more than ${linkBudget} for ${name}`)
  })
  return hints.length > 0 ? `, or perhaps ${hints.join(', or ')}` : ''
}

/** How much more capacity is how much more that can be trusted: a part of it is lost, or not believed. */
const moreCapacity = (problem: Problem, resource: number, amount: number): string => {
  if (resource >= problem.arcs) return `${atLeast(amount, 'bit/s')} more capacity`
  const link = problem.input.links[resource >> 1]!
  const direction = resource % 2 === 0 ? link.aToB : link.bToA
  const share = trustedShare(direction)
  if (share === 0) return 'a direction without loss'
  const limited = (direction.availableBps ?? direction.capacityBps) < direction.capacityBps
  return `${atLeast(amount / share, 'bit/s')} more ${limited ? 'available bandwidth' : 'capacity'}`
}

const capacityViolations = (state: State): Violation[] => {
  const { problem, load } = state
  const found: Violation[] = []
  const more = largerBudgets(state)
  load.forEach((used, resource) => {
    const amount = used - problem.capacity[resource]!
    if (amount <= 0) return
    const subject = subjectOf(problem, resource)
    const constraint =
      resource >= problem.arcs && resource < problem.arcs + problem.input.bottlenecks.length ? 'Bottleneck' : 'Capacity'
    const remedy = `${moreCapacity(problem, resource, amount)} of ${subject}, or ${atLeast(amount, 'bit/s')} less demand across it${more}`
    found.push({ constraint, subject, amount, unit: 'bit/s', remedy })
  })
  return found
}

const placementViolations = (state: State): Violation[] => {
  const { problem, placement } = state
  const { vms } = problem.input
  const found: Violation[] = []
  const more = largerBudgets(state)
  problem.computeRoom.forEach((room, bridge) => {
    const amount = placement.compute[bridge]! - room
    if (amount <= 0) return
    const subject = bridgeName(state, bridge)
    const remedy = `${Math.ceil(amount)} millicores more on ${subject}, or on another bridge that its VMs may use${more}`
    found.push({ constraint: 'Compute', subject, amount, unit: 'millicores', remedy })
  })
  const one = (constraint: Violation['constraint'], vm: number, remedy: string): void =>
    void found.push({ constraint, subject: vms[vm]!.name, amount: 1, unit: 'VMs', remedy })
  placement.bridgeOf.forEach((bridge, vm) => {
    if (bridge < 0) {
      one('Complete', vm, 'a bridge that may host the VM')
      return
    }
    const stuck = problem.frozen[vm] === 1 ? 'permission to move the VM' : 'another bridge that may host the VM'
    if (!placement.mayHost(vm, bridge)) one('Compliant', vm, stuck)
    if (placement.splits(vm)) one('Affinity', vm, `${stuck}, or less affinity`)
    if (placement.collides(vm)) one('AntiAffinity', vm, `${stuck}, or less anti-affinity`)
  })
  return found
}

const demandViolations = (state: State): Violation[] => {
  const { problem } = state
  const found: Violation[] = []
  const more = largerBudgets(state)
  problem.input.demands.forEach((demand, id) => {
    const group = state.groupOfDemand[id]
    const placed = group !== undefined
    if (!group?.path) {
      const remedy = placed
        ? `a link towards ${bridgeName(state, group.to)} that network ${problem.input.networks[group.network]!.name} may use`
        : 'a place for both of its VMs'
      found.push({ constraint: 'Routable', subject: demand.name, amount: 1, unit: 'demands', remedy })
      return
    }
    const amount = group.path.latency - problem.demandBound[id]!
    if (amount > 0) {
      const remedy = `a bound of ${Math.ceil(group.path.latency)} µs, or a faster path from ${bridgeName(state, group.from)} to ${bridgeName(state, group.to)}${more}`
      found.push({ constraint: 'Latency', subject: demand.name, amount, unit: 'µs', remedy })
    }
  })
  return found
}

const linkViolations = (state: State): Violation[] => {
  const { problem, routing, topology } = state
  const found: Violation[] = []
  problem.input.networks.forEach((network, n) => {
    const amount = -topology.spare(n)
    if (amount > 0)
      found.push({
        constraint: 'LinkBudget',
        subject: network.name,
        amount,
        unit: 'links',
        remedy: `a link budget of ${(network.linkBudget ?? 0) + amount}${may(problem, n, 'Topology') ? '' : ', or the actuator Topology'}`,
      })
  })
  const broken = new Map<string, number>()
  for (const group of state.groups.values()) {
    if (group.demands.length === 0 || !group.path) continue
    const usable = routing.usable(group.network)
    for (const arc of new Set(Array.from(group.path.arcs, (a) => a >> 1)))
      if (usable[2 * arc] === 0) {
        const name = problem.input.links[arc]!.name
        broken.set(name, (broken.get(name) ?? 0) + 1)
      }
  }
  for (const [subject, amount] of [...broken].sort(([x], [y]) => (x < y ? -1 : 1)))
    found.push({
      constraint: 'LinkState',
      subject,
      amount,
      unit: 'routes',
      remedy: 'another path, or permission to change routes',
    })
  return found
}
