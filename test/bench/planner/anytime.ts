import type { Curve, Plot } from './plot.ts'
import { compared } from './quality.ts'
import { hundred, makeLarge, run } from './speed.ts'

/**
 * Quality against time for the joint problem with `Throughput` on 100 bridges, 1,000 VMs and 5,000 demands: the factor by
 * which all demands can grow together in the best plan so far. A state that breaks a constraint counts as 0; the last
 * point is the plan that came back, and when.
 */
const anytimeCurves = (deadlineMs: number): Curve[] => {
  const input = makeLarge(hundred, 'ComplexOffline', 'Throughput')
  return compared.map((name) => {
    const found: { x: number; violation: number; score: number }[] = []
    const { plan, cpuMs } = run(input, name, deadlineMs, ({ atMs, violation, score }) => {
      found.push({ x: atMs, violation, score })
    })
    const factor = plan.networks[0]!.after ?? 0
    // Changes cost nothing offline, so the score is the factor ÷ its reference value.
    const perScore = plan.score.after > 0 ? factor / plan.score.after : 0
    const points = found.map(({ x, violation, score }) => ({ x, y: violation > 0 ? 0 : score * perScore }))
    return { name, points: thinned([...points, { x: cpuMs, y: plan.status === 'Feasible' ? factor : 0 }]) }
  })
}

/** Without the steps that are too small to see. */
const thinned = (points: { x: number; y: number }[]): { x: number; y: number }[] => {
  const most = points.reduce((largest, { y }) => Math.max(largest, y), 0)
  const level = ({ y }: { y: number }): number => Math.floor((300 * y) / Math.max(most, 1e-9))
  return points.filter((point, i) => i === points.length - 1 || i === 0 || level(point) !== level(points[i - 1]!))
}

export const anytimePlot = (deadlineMs: number): Plot => {
  const curves = anytimeCurves(deadlineMs)
  const ends = curves.map(({ name, points }) => `${name} ${points.at(-1)!.y.toPrecision(3)}`).join(', ')
  return {
    title: 'Throughput: joint planning of 100 bridges, 1,000 VMs, 5,000 demands',
    description: `Best factor so far by which all demands can grow together, against time. At the end: ${ends}.`,
    yTitle: 'factor by which all demands can grow',
    curves,
    mark: { x: 10_000, name: 'goal' },
  }
}
