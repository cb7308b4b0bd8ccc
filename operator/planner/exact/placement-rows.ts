import { type Model, violationPrice } from './model.ts'

/** comp-feasible, affinity and anti-affinity. */
export const addPlacementRules = ({ program, state, x, strict }: Model): void => {
  const { problem, placement } = state
  const { vms } = problem.input
  const settled = new Float64Array(problem.bridges)
  placement.bridgeOf.forEach((bridge, vm) => {
    if (bridge >= 0 && problem.frozen[vm] === 1) settled[bridge]! += vms[vm]!.compute
  })
  for (let bridge = 0; bridge < problem.bridges; bridge++) {
    const room = Math.max(1, problem.computeRoom[bridge]!)
    const terms: [number, number][] = []
    for (const [vm, columns] of x) if (columns.has(bridge)) terms.push([columns.get(bridge)!, vms[vm]!.compute / room])
    if (terms.length === 0) continue
    if (!strict) terms.push([program.column({ upper: Number.POSITIVE_INFINITY, cost: -violationPrice }), -1])
    program.row(terms, Number.NEGATIVE_INFINITY, (problem.computeRoom[bridge]! - settled[bridge]!) / room)
  }
  vms.forEach((vm, id) => {
    for (const name of vm.affinity ?? []) pairRows({ program, state, x }, id, problem.ids.vms.get(name)!, true)
    for (const name of vm.antiAffinity ?? []) pairRows({ program, state, x }, id, problem.ids.vms.get(name)!, false)
  })
}

const pairRows = (
  { program, state, x }: Pick<Model, 'program' | 'state' | 'x'>,
  one: number,
  two: number,
  together: boolean,
): void => {
  const at = (vm: number, bridge: number): readonly [number, number][] => {
    const column = x.get(vm)?.get(bridge)
    return column === undefined ? [] : [[column, 1]]
  }
  const settled = (vm: number, bridge: number): number =>
    !x.has(vm) && state.placement.bridgeOf[vm] === bridge ? 1 : 0
  if (!x.has(one) && !x.has(two)) return
  for (let bridge = 0; bridge < state.problem.bridges; bridge++) {
    const [a, b] = [at(one, bridge), at(two, bridge)]
    const fixed = [settled(one, bridge), settled(two, bridge)] as const
    if (together) {
      const difference = fixed[1] - fixed[0]
      program.row([...a, ...b.map(([column]) => [column, -1] as const)], difference, difference)
    } else program.row([...a, ...b], Number.NEGATIVE_INFINITY, 1 - fixed[0] - fixed[1])
  }
}

/** Budgets and costs of migrations. */
export const addChangeLimits = ({ program, state, x }: Model): void => {
  const { problem, placement } = state
  const { moves, movesPerBridge } = problem.input.budgets
  const { perMove, perMigrationSecond } = problem.costs
  const stays: [number, number][] = []
  let running = 0
  const touches = Array.from({ length: problem.bridges }, () => ({ terms: [] as [number, number][], leaving: 0 }))
  for (const [vm, columns] of x) {
    const home = problem.presentBridge[vm]!
    if (home < 0) continue
    running++
    for (const [bridge, column] of columns) {
      if (bridge === home) {
        stays.push([column, 1])
        touches[home]!.terms.push([column, -1])
        continue
      }
      program.addCost(column, -perMove - perMigrationSecond * placement.migrationSeconds(vm, bridge))
      touches[bridge]!.terms.push([column, 1])
    }
    touches[home]!.leaving++
  }
  if (moves !== undefined) program.row(stays, running - moves, Number.POSITIVE_INFINITY)
  if (movesPerBridge === undefined) return
  for (const { terms, leaving } of touches)
    if (terms.length > 0) program.row(terms, Number.NEGATIVE_INFINITY, movesPerBridge - leaving)
}
