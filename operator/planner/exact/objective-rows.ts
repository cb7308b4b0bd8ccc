import type { Item, Option } from './items.ts'
import { loadTerms, type Model } from './model.ts'

const capacityOf = ({ state, unitBps }: Model, { path }: Option): number =>
  path.resources.reduce(
    (least, resource) => Math.min(least, state.problem.capacity[resource]! / unitBps),
    Number.POSITIVE_INFINITY,
  )

/**
 * ρ[item], the residual bandwidth of its path: at most what is left of every resource that the chosen option crosses.
 * A resource that it does not cross must not bind, hence the large constant: no option leaves more than `most`.
 */
export const addResiduals = (model: Model): void => {
  const { program, state, items, z, perUnit, unitBps, strict } = model
  const loads = loadTerms(model, (item) => item.rate)
  items.forEach((item, i) => {
    const { objective } = state.problem.input.networks[item.network]!
    if (objective !== 'ResidualBandwidth' && objective !== 'Balanced') return
    const rate = item.rate / unitBps
    const empty = item.options.map((option) => capacityOf(model, option) - rate)
    const overload = strict ? 0 : 100
    const most = Math.max(0, ...empty) + overload
    const rho = program.column({
      lower: strict ? 0 : -overload,
      upper: most,
      cost: perUnit[item.network]! * unitBps * item.demands.length,
    })
    program.row(
      [[rho, 1], ...z[i]!.map((column, k) => [column, -Math.max(0, empty[k]!)] as const)],
      Number.NEGATIVE_INFINITY,
      0,
    )
    const crossing = new Map<number, number[]>()
    item.options.forEach(({ path }, k) => {
      for (const resource of new Set(path.resources))
        crossing.set(resource, [...(crossing.get(resource) ?? []), z[i]![k]!])
    })
    for (const [resource, columns] of crossing) {
      const capacity = state.problem.capacity[resource]! / unitBps
      const chosen = columns.map((column) => [column, most] as const)
      program.row([[rho, 1], ...(loads.get(resource) ?? []), ...chosen], Number.NEGATIVE_INFINITY, capacity + most)
    }
  })
}

/**
 * (Only in a strict program: an overloaded network cannot grow.)
 * λ[network] with w[item][option] = λ × z, so that a network's elastic load at growth λ is linear: w <= limit × z, and
 * the sum of an item's w is λ. `limit`: no growth exceeds what the best option of each item could carry alone.
 */
export const addConcurrency = (model: Model): void => {
  const { program, state, items, z, perUnit, unitBps, strict } = model
  if (!strict) return
  state.problem.input.networks.forEach(({ objective }, n) => {
    const isElastic = (item: Item): boolean => item.network === n && item.elasticRate > 0
    const elastic = items.filter(isElastic)
    if (objective !== 'Throughput' || elastic.length === 0) return
    const alone = (item: Item): number =>
      Math.max(0, ...item.options.map((option) => capacityOf(model, option))) / (item.elasticRate / unitBps)
    const limit = Math.min(...elastic.map(alone))
    const lambda = program.column({ upper: limit, cost: perUnit[n]! })
    const growth = loadTerms(model, (item) => (item.network === n ? item.rate - item.elasticRate : item.rate))
    items.forEach((item, i) => {
      if (!isElastic(item)) return
      const w = item.options.map(() => program.column({ upper: limit }))
      w.forEach(
        (column, k) =>
          void program.row(
            [
              [column, 1],
              [z[i]![k]!, -limit],
            ],
            Number.NEGATIVE_INFINITY,
            0,
          ),
      )
      program.row([...w.map((column) => [column, 1] as const), [lambda, -1]], 0, 0)
      item.options.forEach(({ path }, k) => {
        for (const resource of path.resources) {
          const list = growth.get(resource) ?? []
          list.push([w[k]!, item.elasticRate / unitBps])
          growth.set(resource, list)
        }
      })
    })
    for (const [resource, terms] of growth)
      program.row(terms, Number.NEGATIVE_INFINITY, state.problem.capacity[resource]! / unitBps)
  })
}
