import type { Plan } from '#operator/planner/plan.ts'
import type { Curve } from './plot.ts'
import { compared } from './quality.ts'
import { hundred, makeLarge, run } from './speed.ts'

const net = (result: Plan): number => result.score.after - result.cost.score

/**
 * Quality against time for the joint problem with `Throughput` on 100 bridges, 1,000 VMs and 5,000 demands: the best
 * score so far ÷ the best that any strategy reached by the deadline. Broken states count as 0.
 */
export const anytimeCurves = (deadlineMs: number): Curve[] => {
  const input = makeLarge(hundred, 'ComplexOffline', 'Throughput')
  const runs = compared.map((name) => {
    const points: { x: number; y: number }[] = []
    const { plan, cpuMs } = run(input, name, deadlineMs, ({ atMs, violation, score }) => {
      points.push({ x: atMs, y: violation > 0 ? 0 : score })
    })
    points.push({ x: Math.min(cpuMs, deadlineMs), y: plan.status === 'Feasible' ? net(plan) : 0 })
    return { name, points, best: net(plan) }
  })
  const top = Math.max(...runs.map(({ best }) => best))
  return runs.map(({ name, points }) => ({ name, points: thinned(points.map(({ x, y }) => ({ x, y: y / top }))) }))
}

/** Without the steps that are too small to see. */
const thinned = (points: { x: number; y: number }[]): { x: number; y: number }[] =>
  points.filter(
    (point, i) =>
      i === points.length - 1 || i === 0 || Math.floor(point.y * 300) !== Math.floor(points[i - 1]!.y * 300),
  )
