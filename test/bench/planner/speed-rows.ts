import type { ResultRow } from '../report.ts'
import { makeRow } from './rows.ts'
import { growthExponent, hundred, makeLarge, run, type Size, thousand } from './speed.ts'

/** Time from plain input to written plan within the deadlines of the goals, and what the search gained over greedy by then. */
export const speedRows = (rounds: number): ResultRow[] => {
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
