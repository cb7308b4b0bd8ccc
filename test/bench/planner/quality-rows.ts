import type { Plan } from '#operator/planner/plan.ts'
import type { ResultRow } from '../report.ts'
import type { Instance } from './instances.ts'
import { compared, solve, type Verdict } from './quality.ts'
import { makeRow, mean } from './rows.ts'

const ratiosOf = (verdicts: Verdict[], name: (typeof compared)[number]): number[] =>
  verdicts.flatMap(({ ratio }) => ratio[name] ?? [])

/** Quality of each strategy against the proven optimum, in total and per source, variant and objective. */
export const qualityRows = (verdicts: Verdict[]): ResultRow[] => {
  const proven = verdicts.filter(({ outcome }) => outcome === 'Proven')
  const bounded = verdicts.filter(({ outcome }) => outcome === 'Bounded')
  const ratio = 'objective net of change, ratio'
  const count = (name: string, values: number[], goal?: Parameters<typeof makeRow>[0]['goal']): ResultRow =>
    makeRow({ case: 'quality', metric: name, unit: '', values, ...(goal && { goal }) })
  const rows = [
    count('instances with a proven optimum', [proven.length], { at: 'least', limit: 200, of: 'median' }),
    count('instances with a bound only', [bounded.length]),
    count('instances proven infeasible', [verdicts.filter(({ outcome }) => outcome === 'Infeasible').length]),
    count('instances undecided, too large or degenerate', [
      verdicts.filter(({ outcome }) => ['Undecided', 'TooLarge', 'Degenerate'].includes(outcome)).length,
    ]),
    count(
      'failures (rejected by the verifier, no plan found, better than the optimum, exception)',
      [verdicts.filter(({ failures, outcome }) => failures.length > 0 && outcome !== 'TooLarge').length],
      { at: 'most', limit: 0, of: 'median' },
    ),
    count('local search below greedy', [verdicts.filter(({ belowGreedy }) => belowGreedy).length], {
      at: 'most',
      limit: 0,
      of: 'median',
    }),
  ]
  for (const name of compared)
    rows.push(
      makeRow({
        case: name,
        metric: 'share of proven instances solved to the optimum',
        unit: '%',
        values: [(100 * ratiosOf(proven, name).filter((ratio) => ratio > 0.9999).length) / proven.length],
      }),
    )
  for (const name of compared) {
    const all = ratiosOf(proven, name)
    const against = { baseline: { case: 'exact', ratio: mean(all) } }
    const goals = name === 'local-search'
    rows.push(
      makeRow({
        case: name,
        metric: `mean ${ratio}`,
        unit: '',
        values: [mean(all)],
        ...against,
        ...(goals && { goal: { at: 'least', limit: 0.97, of: 'mean' } }),
      }),
      makeRow({
        case: name,
        metric: `each ${ratio}`,
        unit: '',
        values: all,
        ...against,
        ...(goals && { goal: { at: 'least', limit: 0.9, of: 'min' } }),
      }),
    )
    if (bounded.length > 0)
      rows.push(
        makeRow({
          case: name,
          metric: `each ${ratio} to the bound`,
          unit: '',
          values: ratiosOf(bounded, name),
          baseline: { case: 'bound', ratio: mean(ratiosOf(bounded, name)) },
        }),
      )
  }
  const slices: ((verdict: Verdict) => string)[] = [
    ({ instance }) => instance.source,
    ({ instance }) => instance.variant,
    ({ instance }) => instance.objective,
  ]
  for (const keyOf of slices)
    for (const key of [...new Set(proven.map(keyOf))].sort()) {
      const slice = ratiosOf(
        proven.filter((verdict) => keyOf(verdict) === key),
        'local-search',
      )
      rows.push(
        makeRow({
          case: `local-search, ${key} (${slice.length})`,
          metric: `each ${ratio}`,
          unit: '',
          values: slice,
          baseline: { case: 'exact', ratio: mean(slice) },
        }),
      )
    }
  return rows
}

/** What a reader should know of single instances: why they have no ratio, what failed, and which ratios are lowest. */
export const remarks = (verdicts: Verdict[]): string[] => {
  const lowest = verdicts
    .filter(({ outcome }) => outcome === 'Proven')
    .sort((x, y) => x.ratio['local-search']! - y.ratio['local-search']!)
    .slice(0, 3)
  return [
    ...verdicts.flatMap(remarksOf),
    ...lowest.map(({ instance, ratio }) => `lowest: ${ratio['local-search']!.toFixed(4)}: ${instance.name}`),
  ]
}

const remarksOf = ({ instance, outcome, failures, ratio, belowGreedy }: Verdict): string[] => [
  ...(outcome === 'Proven' || outcome === 'Bounded' ? [] : [`no ratio (${outcome}): ${instance.name}`]),
  ...(outcome === 'Proven' && ratio['local-search']! < 0.97 ? [`below 0.97: ${instance.name}`] : []),
  ...(belowGreedy ? [`below greedy: ${instance.name}`] : []),
  ...failures.map((failure) => `${outcome === 'TooLarge' ? 'too large' : 'FAILED'}: ${instance.name}: ${failure}`),
]

/** Joint placement, topology and routes against placement first and routes for it afterwards. */
export const jointRow = (instances: Instance[]): ResultRow => {
  const net = (result: Plan): number => result.score.after - result.cost.score
  const gains = instances.flatMap((instance) => {
    if (instance.variant !== 'ComplexOffline' || instance.objective === 'MinimumCost') return []
    const limited = (
      actuators: ('Placement' | 'Topology' | 'Routes')[],
      present = instance.input.present,
    ): Instance => {
      const networks = instance.input.networks.map((network) => ({ ...network, actuators }))
      return { ...instance, input: { ...instance.input, networks, present } }
    }
    const placed = solve(limited(['Placement']), 'local-search')
    const routed = solve(limited(['Topology', 'Routes'], placed.result), 'local-search')
    const joint = solve(limited(['Placement', 'Topology', 'Routes']), 'local-search')
    if (joint.status !== 'Feasible') return []
    if (routed.status !== 'Feasible') return [Number.POSITIVE_INFINITY]
    const [together, apart] = [net(joint), net(routed)]
    return [together >= 0 ? together / apart : apart / together]
  })
  const finite = gains.filter(Number.isFinite)
  const only = gains.length - finite.length
  return makeRow({
    case: `joint, against one after the other (${gains.length}; ${only} feasible jointly only)`,
    metric: 'objective, ratio',
    unit: '',
    values: finite,
    goal: { at: 'least', limit: 1, of: 'mean' },
  })
}
