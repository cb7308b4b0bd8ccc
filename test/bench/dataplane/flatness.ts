// How our cost grows: with VMs, networks, MAC addresses and flows; and what it costs to forget everything under load.
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import type { Comparison, Failure, Series } from '../report.ts'
import { FLATNESS_GOAL, INVALIDATION_GOAL } from './goals.ts'
import { packets, packetsByMillisecond, untilReachable } from './measure.ts'
import type { VnetPath } from './options.ts'
import { joinByVnet } from './vnet-overlay.ts'
import { World } from './world.ts'

type Scale = { name: string; pairs: number; networks: number; otherMacs: number; flows: number; baseline?: string }

const MANY = 100
const few = { pairs: 1, networks: 1, otherMacs: 0 }
/** Those with many pairs send one flow between each: so does their baseline, with as many flows between its one pair. */
const SCALES: readonly Scale[] = [
  { ...few, name: '2 VMs, 1 flow', flows: 1 },
  { ...few, name: '2 VMs, 64 flows', flows: 64, baseline: '2 VMs, 1 flow' },
  { ...few, name: '2 VMs, 100,000 other MACs', otherMacs: 100_000, flows: 1, baseline: '2 VMs, 1 flow' },
  { ...few, name: '2 VMs, 100 flows', flows: MANY },
  { ...few, name: '200 VMs, 100 flows', pairs: MANY, flows: MANY, baseline: '2 VMs, 100 flows' },
  {
    ...few,
    name: '200 VMs in 100 networks, 100 flows',
    pairs: MANY,
    networks: MANY,
    flows: MANY,
    baseline: '2 VMs, 100 flows',
  },
]
/** Bursts are short and many: the machine is as fast in one as in the next. */
const BURSTS_PER_ROUND = 3
const WINDOW_MS = 50

export type FlatnessInput = {
  path: VnetPath
  rounds: number
  quick: boolean
  program: string
  bpffs: Bpffs
  signal: AbortSignal
  say: (text: string) => void
}

type Recorded = Series & { values: Map<number, number> }
const emptySeries = (name: string, metric: string, unit: string): Recorded => ({
  case: name,
  metric,
  unit,
  values: new Map(),
})

/**
 * Milliseconds of the usual rate that are missing in the window after `at`: what came less than in the mean millisecond of
 * the window before, summed up. What was made up for within the window (naps of the receiver) cancels out.
 */
export const missingMilliseconds = (counts: readonly number[], at: number): number => {
  const before = counts.slice(Math.max(0, at - WINDOW_MS), at)
  const usual = before.reduce((sum, count) => sum + count, 0) / before.length
  return counts.slice(at, at + WINDOW_MS).reduce((sum, count) => sum + (usual - count) / usual, 0)
}

const invalidations = async (input: FlatnessInput, world: World, invalidate: () => void): Promise<Comparison[]> => {
  const { program, rounds, quick, path } = input
  const metric = 'rate missing after'
  const name = `flat vnet-${path}, `
  const control = emptySeries(`${name}nothing is forgotten`, metric, 'ms')
  const forgetting = emptySeries(`${name}everything is forgotten`, metric, 'ms')
  for (let round = 1; round <= rounds * BURSTS_PER_ROUND; round++)
    for (const [series, act] of [
      [control, () => {}],
      [forgetting, invalidate],
    ] as const) {
      let at = 0n
      const during = (): void => {
        at = process.hrtime.bigint()
        act()
      }
      const { first, counts } = await packetsByMillisecond(world, program, { milliseconds: quick ? 300 : 400, during })
      series.values.set(round, missingMilliseconds(counts, Number((at - first) / 1_000_000n)))
    }
  return [{ series: control }, { series: forgetting, goal: INVALIDATION_GOAL }]
}

/** Measures one data path at every scale, alternately. A scale that fails is named, and the others go on. */
export const measureFlatness = async (
  input: FlatnessInput,
): Promise<{ comparisons: Comparison[]; failures: Failure[] }> => {
  const { path, rounds, quick, program, bpffs, signal, say } = input
  const nameOf = (scale: { name: string }): string => `flat vnet-${path}, ${scale.name}`
  const built = new Map<Scale, { world: World; invalidate(): void }>()
  const series = new Map<string, Recorded>()
  const failures: Failure[] = []
  const attempt = async (scale: Scale, round: number, act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      signal.throwIfAborted()
      failures.push({ case: nameOf(scale), round, error: (error as Error).message })
      say(`  failed: ${nameOf(scale)}: ${(error as Error).message}`)
    }
  }
  const burst = async (scale: Scale): Promise<number> => {
    const { flows, pairs } = scale
    const options = { flows, targets: pairs, milliseconds: quick ? 100 : 300, pinned: true }
    return (await packets(built.get(scale)!.world, program, options)).perSecond
  }
  try {
    for (const scale of SCALES)
      await attempt(scale, 0, async () => {
        say(`set up: ${nameOf(scale)}`)
        const world = new World({ wire: 'ideal', relay: false, overhead: 50, pairs: scale.pairs, signal })
        built.set(scale, { world, invalidate: () => {} })
        built.set(scale, { world, ...joinByVnet(world, { ...scale, path, bpffs }) })
        await untilReachable(world)
        await burst(scale)
        series.set(scale.name, emptySeries(nameOf(scale), 'packets, pinned', 'per s'))
      })
    for (let round = 1; round <= rounds * BURSTS_PER_ROUND; round++) {
      say(`burst ${round} of ${rounds * BURSTS_PER_ROUND}: flatness of vnet-${path}`)
      for (const scale of SCALES)
        if (series.has(scale.name))
          await attempt(scale, round, async () => {
            series.get(scale.name)!.values.set(round, await burst(scale))
          })
    }
    const comparisons = SCALES.flatMap(({ name, baseline }): Comparison[] => {
      const own = series.get(name)
      const base = baseline === undefined ? undefined : series.get(baseline)
      if (!own) return []
      return [
        baseline === undefined
          ? { series: own }
          : { series: own, ...(base ? { baseline: base } : {}), goal: FLATNESS_GOAL },
      ]
    })
    const [smallest] = SCALES as [Scale, ...Scale[]]
    await attempt(smallest, 0, async () => {
      const { world, invalidate } = built.get(smallest)!
      say(`forgetting everything under load: vnet-${path}`)
      if (path === 'fast') comparisons.push(...(await invalidations(input, world, invalidate)))
    })
    return { comparisons, failures }
  } finally {
    for (const { world } of built.values()) await world.close()
  }
}
