import { latencyWeight } from '../objectives.ts'
import { inverseLatency, samePath } from '../routing.ts'
import type { Snapshot, State } from '../state.ts'
import { excess, penalties } from '../violation-sum.ts'
import { freeVms, type Item, itemsOf } from './items.ts'
import { LinearProgram } from './linear-program.ts'
import { addConcurrency, addResiduals } from './objective-rows.ts'
import { addChangeLimits, addPlacementRules } from './placement-rows.ts'
import { addTopology } from './topology-rows.ts'

/**
 * The whole problem as a mixed-integer program over paths. Columns: x[vm][bridge] for each VM whose place is free,
 * z[item][option] for each way to route an item. `strict`: constraints hold; otherwise excess is allowed at a price
 * above every objective.
 */
export type Model = {
  program: LinearProgram
  state: State
  strict: boolean
  items: Item[]
  /** z: one column per option of each item. */
  z: number[][]
  /** x: bridge → column, for free VMs. */
  x: Map<number, Map<number, number>>
  perUnit: number[]
  /** Bit/s that count as 1 in the program, to keep its numbers near 1. */
  unitBps: number
}

/** What a unit of violation costs in a program that is not strict. */
export const violationPrice = 1000

export const buildModel = (state: State, perUnit: number[], strict: boolean): Model => {
  const { problem } = state
  const program = new LinearProgram()
  const items = itemsOf(state, strict)
  const x = new Map<number, Map<number, number>>()
  for (const vm of freeVms(problem)) {
    const columns = new Map<number, number>()
    for (let bridge = 0; bridge < problem.bridges; bridge++)
      if (state.placement.mayHost(vm, bridge)) columns.set(bridge, program.binary())
    x.set(vm, columns)
    program.row(
      [...columns.values()].map((column) => [column, 1] as const),
      1,
      1,
    )
  }
  const unitBps = problem.capacity.subarray(0, problem.arcs).reduce((most, bps) => Math.max(most, bps), 0) || 1e9
  const z = items.map((item) => item.options.map(() => program.binary()))
  const model: Model = { program, state, strict, items, z, x, perUnit, unitBps }
  items.forEach((item, i) => void routeItem(model, item, z[i]!))
  shareRoutes(model)
  addCapacities(model)
  addPlacementRules(model)
  addChangeLimits(model)
  addTopology(model)
  addPathObjectives(model)
  addResiduals(model)
  addConcurrency(model)
  return model
}

/** Each item takes one option, which begins and ends where its VMs are. */
const routeItem = ({ program, x, strict }: Model, item: Item, z: number[]): void => {
  const unrouted = strict ? [] : [program.binary(-violationPrice * penalties.unroutable * item.demands.length)]
  program.row(
    [...z, ...unrouted].map((column) => [column, 1] as const),
    1,
    1,
  )
  const tie = (vm: number | undefined, end: 'from' | 'to'): void => {
    if (vm === undefined) return
    for (const [bridge, place] of x.get(vm)!) {
      const here = z.filter((_, k) => item.options[k]![end] === bridge)
      program.row([...here.map((column) => [column, 1] as const), [place, -1]], Number.NEGATIVE_INFINITY, 0)
    }
  }
  tie(item.source, 'from')
  tie(item.destination, 'to')
}

/** Items of one network between the same bridges share one path: y[pair][path] says which. */
const shareRoutes = ({ program, state, items, z }: Model): void => {
  const pairs = new Map<number, Map<string, number[]>>()
  const users = new Map<number, Set<number>>()
  items.forEach((item, i) => {
    item.options.forEach(({ from, to, path }, k) => {
      if (from === to) return
      const key = state.routing.pairKey(item.network, from, to)
      const paths = pairs.get(key) ?? new Map<string, number[]>()
      const name = path.arcs.join(' ')
      paths.set(name, [...(paths.get(name) ?? []), z[i]![k]!])
      pairs.set(key, paths)
      users.set(key, (users.get(key) ?? new Set()).add(i))
    })
  })
  for (const [key, paths] of pairs) {
    if (users.get(key)!.size < 2 || paths.size < 2) continue
    const chosen = [...paths.values()].map((columns) => {
      const y = program.binary()
      for (const column of columns)
        program.row(
          [
            [column, 1],
            [y, -1],
          ],
          Number.NEGATIVE_INFINITY,
          0,
        )
      return y
    })
    program.row(
      chosen.map((y) => [y, 1] as const),
      Number.NEGATIVE_INFINITY,
      1,
    )
  }
}

/** Columns that load each resource, with their bit/s in units of the program. */
export const loadTerms = (model: Model, rateOf: (item: Item) => number): Map<number, [number, number][]> => {
  const terms = new Map<number, [number, number][]>()
  model.items.forEach((item, i) => {
    const rate = rateOf(item) / model.unitBps
    if (rate === 0) return
    item.options.forEach(({ path }, k) => {
      for (const resource of path.resources) {
        const list = terms.get(resource) ?? []
        list.push([model.z[i]![k]!, rate])
        terms.set(resource, list)
      }
    })
  })
  return terms
}

const addCapacities = (model: Model): void => {
  const { program, state, unitBps, strict } = model
  for (const [resource, terms] of loadTerms(model, (item) => item.rate)) {
    const capacity = state.problem.capacity[resource]!
    const slack: [number, number][] = []
    if (!strict) {
      const cost = (-violationPrice * unitBps) / Math.max(capacity, 1e6)
      slack.push([program.column({ upper: Number.POSITIVE_INFINITY, cost }), -1])
    }
    program.row([...terms, ...slack], Number.NEGATIVE_INFINITY, capacity / unitBps)
  }
}

/** Objectives that are sums over the chosen paths: `Latency`, the second part of `Balanced`, and excess of bounds. */
const addPathObjectives = ({ program, state, items, z, perUnit, strict }: Model): void => {
  const { problem } = state
  const total = new Map<number, number>()
  for (const item of items) total.set(item.network, (total.get(item.network) ?? 0) + item.rate)
  items.forEach((item, i) => {
    const unit = perUnit[item.network]!
    const { objective } = problem.input.networks[item.network]!
    item.options.forEach(({ path }, k) => {
      const column = z[i]![k]!
      if (objective === 'Latency')
        program.addCost(column, (unit * item.rate * path.latency) / Math.max(1, total.get(item.network)!))
      if (objective === 'Balanced')
        program.addCost(
          column,
          unit * latencyWeight(problem, item.network) * item.demands.length * inverseLatency(path),
        )
      if (!strict) program.addCost(column, -violationPrice * excess(path.latency, item.bound))
    })
  })
}

/** Reads a solution back into the planner's own terms. */
export const readSolution = ({ state, items, z, x }: Model, values: ArrayLike<number>): Snapshot => {
  const bridgeOf = Int32Array.from(state.placement.bridgeOf)
  for (const [vm, columns] of x)
    for (const [bridge, column] of columns) if (values[column]! > 0.5) bridgeOf[vm] = bridge
  const paths: Snapshot['paths'] = new Map()
  items.forEach((item, i) => {
    const k = z[i]!.findIndex((column) => values[column]! > 0.5)
    if (k < 0) return
    const { from, to, path } = item.options[k]!
    const present = state.presentPath(item.network, from, to)
    paths.set(state.routing.pairKey(item.network, from, to), present && samePath(present, path) ? present : path)
  })
  return { bridgeOf, paths }
}
