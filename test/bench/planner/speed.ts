import { undeclared } from '#operator/planner/check/check.ts'
import type { Plan } from '#operator/planner/plan.ts'
import { plan } from '#operator/planner/planner.ts'
import { randomBelow, seededRandom } from '#operator/planner/random.ts'
import { makeScenario, type Variant } from '#operator/planner/scenarios/scenario.ts'
import { type GraphKind, generateUnderlay } from '#operator/planner/scenarios/underlay.ts'
import type { Demand, Improvement, ObjectiveName, PlannerInput, SearchOptions } from '#operator/planner/types.ts'

/** Time of this process on a core: other processes on the machine do not count as ours. */
export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export type Size = { kind: GraphKind; bridges: number; vms: number; demands: number }
export const hundred: Size = { kind: 'Mesh', bridges: 100, vms: 1000, demands: 5000 }
export const thousand: Size = { kind: 'Random', bridges: 1000, vms: 10_000, demands: 20_000 }

/** Random VMs and demands on a generated graph with a NIC per bridge. */
export const makeLarge = (
  { kind, bridges, vms, demands }: Size,
  variant: Variant,
  objective: ObjectiveName,
): PlannerInput => {
  const random = seededRandom(7)
  const underlay = generateUnderlay(kind, bridges, random, true)
  const elastic = objective === 'Throughput'
  const input = makeScenario({ underlay, pattern: 'Ring', vms, variant, objective, elastic, bps: 2e6 }, random)
  const more = Array.from({ length: demands }, (_, i): Demand => {
    const source = randomBelow(random, vms)
    const destination = (source + 1 + randomBelow(random, vms - 1)) % vms
    return {
      name: `flow-${String(i).padStart(6, '0')}`,
      source: input.vms[source]!.name,
      destination: input.vms[destination]!.name,
      bps: Math.round(2e6 * (0.2 + 1.6 * random())),
      kind: elastic ? 'Elastic' : 'Rigid',
      origin: 'Inferred',
    }
  })
  return { ...input, demands: more }
}

export type Timed = { plan: Plan; cpuMs: number; wallMs: number; problems: number }

/** One planning run with a deadline in time on a core, from plain input to written plan. */
export const run = (
  input: PlannerInput,
  strategy: SearchOptions['strategy'],
  deadlineMs: number,
  onImprovement?: (event: Improvement) => void,
): Timed => {
  const [cpu, wall] = [cpuMs(), performance.now()]
  const result = plan(input, {
    strategy,
    seed: 1,
    now: cpuMs,
    deadlineMs: cpu + deadlineMs,
    ...(onImprovement && { onImprovement: (event) => onImprovement({ ...event, atMs: event.atMs - cpu }) }),
  })
  const timed = { plan: result, cpuMs: cpuMs() - cpu, wallMs: performance.now() - wall }
  return { ...timed, problems: undeclared(result, input).length }
}

/** Slope of log time over log size by least squares: 1 is linear growth, 2 quadratic. */
export const growthExponent = (points: { size: number; ms: number }[]): number => {
  const logs = points.map(({ size, ms }) => [Math.log(size), Math.log(ms)] as const)
  const [x0, y0] = [0, 1].map((i) => logs.reduce((sum, log) => sum + log[i as 0 | 1], 0) / logs.length) as [
    number,
    number,
  ]
  const above = logs.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0)
  return above / logs.reduce((sum, [x]) => sum + (x - x0) ** 2, 0)
}
