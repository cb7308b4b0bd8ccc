import type { ResultRow } from '../report.ts'
import { makeRow } from './rows.ts'
import { growthExponent, hundred, makeLarge, run, type Size, thousand } from './speed.ts'

type SpeedCase = {
  name: string
  size: Size
  variant: 'Routes' | 'ComplexOffline'
  objective: 'Throughput' | 'ResidualBandwidth' | 'Latency'
  /** Deadline given to the planner, and goal for the time until the plan is there. */
  limitMs: number
  repeats: (rounds: number) => number
}

const cases: SpeedCase[] = (['Throughput', 'ResidualBandwidth', 'Latency'] as const).flatMap(
  (objective): SpeedCase[] => [
    {
      name: `routes, 100 bridges, 1,000 VMs, 5,000 demands, ${objective}`,
      size: hundred,
      variant: 'Routes',
      objective,
      limitMs: 1000,
      repeats: (rounds) => rounds,
    },
    {
      name: `joint, 100 bridges, 1,000 VMs, 5,000 demands, ${objective}`,
      size: hundred,
      variant: 'ComplexOffline',
      objective,
      limitMs: 10_000,
      repeats: (rounds) => rounds,
    },
    {
      name: `routes, 1,000 bridges, 10,000 VMs, 20,000 demands, ${objective}`,
      size: thousand,
      variant: 'Routes',
      objective,
      limitMs: 30_000,
      repeats: (rounds) => Math.min(rounds, 3),
    },
  ],
)

/** Time from plain input to written plan within a deadline, and what the search gained over greedy by then. */
const measure = ({ name, size, variant, objective, limitMs, repeats }: SpeedCase, rounds: number): ResultRow[] => {
  const input = makeLarge(size, variant, objective)
  // To its end, whatever that takes; it also is what warms the machine up.
  const published = run(input, 'greedy', 10 * limitMs)
  const runs = Array.from({ length: repeats(rounds) }, () => run(input, 'local-search', limitMs))
  console.log(`  ${name}: ${runs.map(({ cpuMs }) => cpuMs.toFixed(0)).join(', ')} ms`)
  const of = (timed: typeof published): number => timed.plan.networks[0]!.after ?? 0
  const gain = runs.map((timed) => (objective === 'Latency' ? of(published) / of(timed) : of(timed) / of(published)))
  const time = 'time on one core, input to plan'
  return [
    makeRow({
      case: name,
      metric: time,
      unit: 'ms',
      values: runs.map(({ cpuMs }) => cpuMs),
      goal: { at: 'most', limit: limitMs, of: 'median' },
    }),
    makeRow({ case: `${name}, greedy alone`, metric: time, unit: 'ms', values: [published.cpuMs] }),
    makeRow({
      case: name,
      metric: 'objective',
      unit: runs[0]!.plan.networks[0]!.unit,
      values: runs.map(of),
      baseline: { case: 'greedy', ratio: gain.reduce((sum, value) => sum + value, 0) / gain.length },
    }),
    makeRow({
      case: name,
      metric: 'problems found by the verifier',
      unit: '',
      values: runs.map(({ problems }) => problems),
      goal: { at: 'most', limit: 0, of: 'max' },
    }),
  ]
}

/** How the time of the published rules, from input to plan, grows with the size of everything. */
const growth = (): ResultRow => {
  const points = [25, 50, 100, 200, 400].map((bridges) => {
    const input = makeLarge({ kind: 'Random', bridges, vms: 10 * bridges, demands: 50 * bridges }, 'Routes', 'Latency')
    run(input, 'greedy', 60_000)
    return { size: bridges, ms: run(input, 'greedy', 60_000).cpuMs }
  })
  const exponent = growthExponent(points)
  const times = points.map(({ size, ms }) => `${size}: ${ms.toFixed(0)} ms`).join(', ')
  console.log(`  growth of greedy routes with the number of bridges: ${times}; exponent ${exponent.toFixed(2)}`)
  return makeRow({
    case: `growth of greedy routes, bridges: time ${times}`,
    metric: 'growth exponent in bridges (VMs and demands grow with them)',
    unit: '',
    values: [exponent],
  })
}

/** The cases whose name contains some words (all, if there are none); `growth` is one. */
export const speedRows = (rounds: number, words = ''): ResultRow[] => [
  ...cases.filter(({ name }) => name.includes(words)).flatMap((one) => measure(one, rounds)),
  ...('growth'.includes(words) ? [growth()] : []),
]
