// Quality and speed of the planner: `make bench-planner ARGS="--zoo DIR --intercloud FILE"`.
// Without data it runs on generated graphs alone. Files and instances that cannot be used are named and counted.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Plan } from '#operator/planner/plan.ts'
import { objectiveNames } from '#operator/planner/types.ts'
import type { ResultRow } from '../report.ts'
import { anytimeCurves } from './anytime.ts'
import { type Instance, makeInstances } from './instances.ts'
import { plotSteps } from './plot.ts'
import { compared, judge, solve, type Verdict } from './quality.ts'
import { makeRow, mean, writeRows } from './rows.ts'
import { growthExponent, hundred, makeLarge, run, type Size, thousand } from './speed.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    zoo: { type: 'string' },
    intercloud: { type: 'string' },
    instances: { type: 'string', default: '300' },
    'time-limit': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    plot: { type: 'string' },
  },
})

const zoo = values.zoo ?? (values.data && join(values.data, 'zoo'))
const intercloud = values.intercloud ?? (values.data && join(values.data, 'intercloud.csv'))
for (const path of [zoo, intercloud])
  if (path !== undefined && !existsSync(path)) throw new Error(`Reading ${path}: there is no such file or folder`)

const wanted = (part: string): boolean => values.only === undefined || values.only === part

const ratiosOf = (verdicts: Verdict[], name: (typeof compared)[number]): number[] =>
  verdicts.flatMap(({ ratio }) => ratio[name] ?? [])

const qualityRows = (verdicts: Verdict[]): ResultRow[] => {
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
      'failures of the verifier or to find a plan',
      [verdicts.filter(({ failures, outcome }) => failures.length > 0 && outcome !== 'TooLarge').length],
      { at: 'most', limit: 0, of: 'median' },
    ),
    count('local search below greedy', [verdicts.filter(({ belowGreedy }) => belowGreedy).length], {
      at: 'most',
      limit: 0,
      of: 'median',
    }),
  ]
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
  const slices: [string, (verdict: Verdict) => string][] = [
    ['', ({ instance }) => instance.source],
    ['', ({ instance }) => instance.variant],
    ['', ({ instance }) => instance.objective],
  ]
  for (const [, keyOf] of slices)
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

/** Joint placement, topology and routes against placement first and routes for it afterwards. */
const jointRow = (instances: Instance[]): ResultRow => {
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

const speedRows = (rounds: number): ResultRow[] => {
  const rows: ResultRow[] = []
  const measure = (
    label: string,
    size: Size,
    variant: 'Routes' | 'ComplexOffline',
    deadlineMs: number,
    goalMs: number,
    repeats: number,
  ): void => {
    for (const objective of ['Throughput', 'ResidualBandwidth', 'Latency'] as const) {
      const input = makeLarge(size, variant, objective)
      const published = run(input, 'greedy', deadlineMs)
      const runs = Array.from({ length: repeats }, () => run(input, 'local-search', deadlineMs))
      const of = (timed: typeof published): number => timed.plan.networks[0]!.after ?? 0
      const better = objective === 'Latency' ? of(published) / of(runs.at(-1)!) : of(runs.at(-1)!) / of(published)
      const name = `${label}, ${objective}`
      rows.push(
        makeRow({
          case: name,
          metric: 'time on one core, input to plan',
          unit: 'ms',
          values: runs.map(({ cpuMs }) => cpuMs),
          goal: { at: 'most', limit: goalMs, of: 'median' },
        }),
        makeRow({
          case: `${name}, greedy alone`,
          metric: 'time on one core, input to plan',
          unit: 'ms',
          values: [published.cpuMs],
        }),
        makeRow({
          case: name,
          metric: 'objective',
          unit: runs[0]!.plan.networks[0]!.unit,
          values: runs.map(of),
          baseline: { case: 'greedy', ratio: better },
        }),
        makeRow({
          case: name,
          metric: 'problems found by the verifier',
          unit: '',
          values: runs.map(({ problems }) => problems),
          goal: { at: 'most', limit: 0, of: 'max' },
        }),
      )
      console.log(`  ${name}: ${runs.map(({ cpuMs }) => cpuMs.toFixed(0)).join(', ')} ms`)
    }
  }
  measure('routes, 100 bridges, 1,000 VMs, 5,000 demands', hundred, 'Routes', 1000, 1000, rounds)
  measure(
    'joint, 100 bridges, 1,000 VMs, 5,000 demands',
    hundred,
    'ComplexOffline',
    10_000,
    10_000,
    Math.min(rounds, 3),
  )
  measure('routes, 1,000 bridges, 10,000 VMs, 20,000 demands', thousand, 'Routes', 30_000, 30_000, 1)
  const points = [25, 50, 100, 200, 400].map((bridges) => {
    const input = makeLarge({ kind: 'Random', bridges, vms: 10 * bridges, demands: 50 * bridges }, 'Routes', 'Latency')
    run(input, 'greedy', 60_000)
    return { size: bridges, ms: run(input, 'greedy', 0).cpuMs }
  })
  rows.push(
    makeRow({
      case: `greedy routes, ${points.map(({ size, ms }) => `${size}: ${ms.toFixed(0)} ms`).join(', ')}`,
      metric: 'growth exponent in bridges (demands grow with them)',
      unit: '',
      values: [growthExponent(points)],
    }),
  )
  return rows
}

const rows: ResultRow[] = []
if (wanted('quality')) {
  const share = (part: number): number => Math.round(part * Number(values.instances))
  const counts =
    zoo || intercloud
      ? { generated: share(0.45), zoo: share(0.32), intercloud: share(0.23) }
      : { generated: share(1), zoo: 0, intercloud: 0 }
  const { instances, rejected } = makeInstances({ zoo, intercloud }, counts)
  for (const { name, reason } of rejected) console.log(`not usable: ${name}: ${reason}`)
  console.log(`${instances.length} instances, ${rejected.length} files or instances not usable`)
  const verdicts = await judge(instances, Number(values['time-limit']), (done) => {
    if (done % 25 === 0) console.log(`  ${done} of ${instances.length} solved`)
  })
  for (const { instance, failures } of verdicts)
    for (const failure of failures) console.log(`  ${instance.name}: ${failure}`)
  const worst = verdicts.filter(({ outcome, ratio }) => outcome === 'Proven' && ratio['local-search']! < 0.97)
  for (const { instance, ratio } of worst)
    console.log(`  below 0.97: ${instance.name}: ${ratio['local-search']!.toFixed(4)}`)
  rows.push(makeRow({ case: 'quality', metric: 'files or instances not usable', unit: '', values: [rejected.length] }))
  rows.push(...qualityRows(verdicts), jointRow(instances.filter((_, i) => i % 2 === 0)))
}
if (wanted('speed')) rows.push(...speedRows(Number(values.rounds)))
if (values.plot !== undefined) {
  const curves = anytimeCurves(10_000)
  writeFileSync(
    values.plot,
    plotSteps('Joint planning, 100 bridges, 1,000 VMs, 5,000 demands', 'best so far ÷ best reached', curves),
  )
  console.log(`written: ${values.plot} (${objectiveNames.length} objectives measured above; the plot shows Throughput)`)
}
writeRows(Number(values.rounds), rows)
