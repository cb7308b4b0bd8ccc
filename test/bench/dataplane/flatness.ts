// How our cost grows: with VMs, networks, MAC addresses and flows; and what it costs to forget everything under load.
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import type { Comparison, Failure, Goal } from '../report.ts'
import { FLATNESS_GOAL, INVALIDATION_GOAL } from './goals.ts'
import { packets, packetsByMillisecond, untilReachable } from './measure.ts'
import type { VnetPath } from './options.ts'
import type { Recorded } from './recorded.ts'
import type { RoundsInput } from './rounds.ts'
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

export type FlatnessInput = Omit<RoundsInput, 'cases' | 'build'> & { path: VnetPath; bpffs: Bpffs }

const PACKETS = 'packets, pinned'
const MISSING = 'rate missing after'
const nameOf = (path: VnetPath, scale: string): string => `flat vnet-${path}, ${scale}`
const NOTHING = 'nothing is forgotten'
const EVERYTHING = 'everything is forgotten'

/**
 * Milliseconds of the usual rate that are missing in the window after `at`: what came less than in the mean millisecond of
 * the window before, summed up. What was made up for within the window (naps of the receiver) cancels out.
 */
export const missingMilliseconds = (counts: readonly number[], at: number): number => {
  const before = counts.slice(Math.max(0, at - WINDOW_MS), at)
  const usual = before.reduce((sum, count) => sum + count, 0) / before.length
  return counts.slice(at, at + WINDOW_MS).reduce((sum, count) => sum + (usual - count) / usual, 0)
}

const forgetUnderLoad = async (input: FlatnessInput, world: World, invalidate: () => void): Promise<void> => {
  const { program, rounds, quick, path, recorded } = input
  const before = recorded.lastRound((name) => name === nameOf(path, NOTHING))
  for (let round = before + 1; round <= before + rounds * BURSTS_PER_ROUND; round++)
    for (const [what, act] of [
      [NOTHING, () => {}],
      [EVERYTHING, invalidate],
    ] as const) {
      let at = 0n
      const during = (): void => {
        at = process.hrtime.bigint()
        act()
      }
      const { first, counts } = await packetsByMillisecond(world, program, { milliseconds: quick ? 300 : 400, during })
      const value = missingMilliseconds(counts, Number((at - first) / 1_000_000n))
      recorded.add(nameOf(path, what), round, { metric: MISSING, unit: 'ms', value })
    }
}

/** Measures one data path at every scale, alternately. A scale that fails is named, and the others go on. */
export const measureFlatness = async (input: FlatnessInput): Promise<Failure[]> => {
  const { path, rounds, quick, program, recorded, bpffs, signal, say } = input
  const built = new Map<Scale, { world: World; invalidate(): void }>()
  const failures: Failure[] = []
  const attempt = async (scale: Scale, round: number, act: () => Promise<void>): Promise<boolean> => {
    try {
      await act()
      return true
    } catch (error) {
      signal.throwIfAborted()
      failures.push({ case: nameOf(path, scale.name), round, error: (error as Error).message })
      say(`  failed: ${nameOf(path, scale.name)}: ${(error as Error).message}`)
      return false
    }
  }
  const burst = async (scale: Scale): Promise<number> => {
    const { flows, pairs } = scale
    const options = { flows, targets: pairs, milliseconds: quick ? 100 : 300, pinned: true }
    return (await packets(built.get(scale)!.world, program, options)).perSecond
  }
  const usable: Scale[] = []
  try {
    for (const scale of SCALES) {
      say(`set up: ${nameOf(path, scale.name)}`)
      const isUp = await attempt(scale, 0, async () => {
        const world = new World({ wire: 'ideal', relay: false, overhead: 50, pairs: scale.pairs, signal })
        built.set(scale, { world, invalidate: () => {} })
        built.set(scale, { world, ...joinByVnet(world, { ...scale, path, counts: true, bpffs }) })
        await untilReachable(world)
        await burst(scale)
      })
      if (isUp) usable.push(scale)
    }
    const before = recorded.lastRound((name) => SCALES.some((scale) => nameOf(path, scale.name) === name))
    for (let round = before + 1; round <= before + rounds * BURSTS_PER_ROUND; round++) {
      say(`burst ${round} of ${before + rounds * BURSTS_PER_ROUND}: flatness of vnet-${path}`)
      for (const scale of usable)
        await attempt(scale, round, async () => {
          const value = await burst(scale)
          recorded.add(nameOf(path, scale.name), round, { metric: PACKETS, unit: 'per s', value })
        })
    }
    const [smallest] = SCALES as [Scale, ...Scale[]]
    if (path === 'fast' && usable.includes(smallest))
      await attempt(smallest, 0, async () => {
        const { world, invalidate } = built.get(smallest)!
        say(`forgetting everything under load: vnet-${path}`)
        await forgetUnderLoad(input, world, invalidate)
      })
    return failures
  } finally {
    for (const { world } of built.values()) await world.close()
  }
}

/** What was measured, each scale beside the one that it is compared with. */
export const flatnessComparisons = (recorded: Recorded): Comparison[] =>
  (['slow', 'fast'] as const).flatMap((path) => {
    const compare = (name: string, metric: string, baseline?: string, goal?: Goal): Comparison[] => {
      const series = recorded.get(nameOf(path, name), metric)
      const base = baseline === undefined ? undefined : recorded.get(nameOf(path, baseline), metric)
      return series ? [{ series, ...(base ? { baseline: base } : {}), ...(goal ? { goal } : {}) }] : []
    }
    return [
      ...SCALES.flatMap(({ name, baseline }) => compare(name, PACKETS, baseline, baseline ? FLATNESS_GOAL : undefined)),
      ...compare(NOTHING, MISSING),
      ...compare(EVERYTHING, MISSING, undefined, INVALIDATION_GOAL),
    ]
  })
