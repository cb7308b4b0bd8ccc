import type { State } from './state.ts'

/**
 * The order in which migrations can run one after the other so that no bridge is overcommitted on the way; where they
 * wait for each other in a circle, one of them is `forced`: its target is overcommitted until the next has left.
 */
export const moveOrder = ({ problem, placement }: State, vms: number[]): { order: number[]; forced: Set<number> } => {
  const room = Float64Array.from(problem.computeRoom)
  const compute = (vm: number): number => problem.input.vms[vm]!.compute
  problem.presentBridge.forEach((bridge, vm) => {
    if (bridge >= 0) room[bridge]! -= compute(vm)
  })
  const order: number[] = []
  const forced = new Set<number>()
  for (let waiting = vms; waiting.length > 0; waiting = waiting.filter((vm) => vm !== order.at(-1))) {
    const vm = waiting.find((candidate) => compute(candidate) <= room[placement.bridgeOf[candidate]!]!)
    const next = vm ?? waiting[0]!
    if (vm === undefined) forced.add(next)
    room[problem.presentBridge[next]!]! += compute(next)
    room[placement.bridgeOf[next]!]! -= compute(next)
    order.push(next)
  }
  return { order, forced }
}
