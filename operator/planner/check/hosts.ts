import type { Constraint, Plan, Violation } from '../plan.ts'
import type { Facts } from './facts.ts'

/** Complete, compliant, comp-feasible, affinity, and who may move at all and how many. */
export const checkHosts = (facts: Facts, plan: Plan): Violation[] => {
  const { vms, bridges, budgets, present } = facts.input
  const { placement } = plan.result
  const found: Violation[] = []
  const broken = (constraint: Constraint, subject: string, amount = 1, unit = 'VMs'): void =>
    void found.push({ constraint, subject, amount, unit })
  const apart = new Map(vms.map((vm) => [vm.name, new Set(vm.antiAffinity)]))
  const together = new Map(vms.map((vm) => [vm.name, new Set(vm.affinity)]))
  for (const vm of vms) {
    for (const other of vm.antiAffinity ?? []) apart.get(other)!.add(vm.name)
    for (const other of vm.affinity ?? []) together.get(other)!.add(vm.name)
  }

  const used = new Map<string, number>()
  const movesAt = new Map<string, number>()
  let moves = 0
  for (const vm of vms) {
    const here = placement[vm.name]
    if (here === undefined || !facts.bridges.has(here)) {
      broken('Complete', vm.name)
      continue
    }
    used.set(here, (used.get(here) ?? 0) + vm.compute)
    const pinned = vm.pinnedTo !== undefined && vm.pinnedTo !== here
    const excluded = vm.pinnedTo === undefined && vm.allowed !== undefined && !vm.allowed.includes(here)
    const outside = facts.networks.get(vm.network)!.bridges?.includes(here) === false
    if (pinned || excluded || outside || vm.forbidden?.includes(here)) broken('Compliant', vm.name)
    const elsewhere = (other: string): boolean => placement[other] !== undefined && placement[other] !== here
    if ([...together.get(vm.name)!].some(elsewhere)) broken('Affinity', vm.name)
    if ([...apart.get(vm.name)!].some((other) => placement[other] === here)) broken('AntiAffinity', vm.name)

    const from = present.placement[vm.name]
    if (from === undefined || from === here) continue
    moves++
    for (const end of [from, here]) movesAt.set(end, (movesAt.get(end) ?? 0) + 1)
    const age = (facts.input.timeMs ?? 0) - (vm.lastMovedMs ?? Number.NEGATIVE_INFINITY)
    if (vm.movable === false || age < (budgets.cooldownMs ?? 0)) broken('Movable', vm.name)
    if (!facts.networks.get(vm.network)!.actuators.includes('Placement')) broken('Actuator', vm.network)
  }
  for (const bridge of bridges) {
    const amount = (used.get(bridge.name) ?? 0) + (bridge.computeUsed ?? 0) - bridge.computeCapacity
    if (used.has(bridge.name) && amount > 0) broken('Compute', bridge.name, amount, 'millicores')
  }
  const over = moves - (budgets.moves ?? Number.POSITIVE_INFINITY)
  if (over > 0) broken('MoveBudget', 'moves', over)
  for (const [bridge, count] of movesAt) {
    const amount = count - (budgets.movesPerBridge ?? Number.POSITIVE_INFINITY)
    if (amount > 0) broken('MoveBudget', bridge, amount)
  }
  return found
}
