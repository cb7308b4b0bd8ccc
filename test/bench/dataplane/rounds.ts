// The rounds: every measurement of every case, again and again, so that what is compared is measured at nearly the same time.
import type { Failure } from '../report.ts'
import { type Case, isShortLived, nameOf } from './cases.ts'
import { setChecksums, untilReachable } from './measure.ts'
import { type Measurement, measurementsOf, usualChecksums } from './metrics.ts'
import type { Figure, Recorded } from './recorded.ts'
import type { World } from './world.ts'

export type RoundsInput = {
  cases: readonly Case[]
  rounds: number
  /** Where the figures go; the rounds that are there already are followed by those of this run. */
  recorded: Recorded
  quick: boolean
  /** The datagram sender. */
  program: string
  /** Builds the world of a case, joined and ready. */
  build: (it: Case) => Promise<World>
  signal: AbortSignal
  say: (text: string) => void
}

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Keeps worlds from round to round; those with busy programs in them only while they are measured. */
class Worlds {
  readonly #kept = new Map<string, World>()
  readonly #build: (it: Case) => Promise<World>

  constructor(build: (it: Case) => Promise<World>) {
    this.#build = build
  }

  async of(it: Case): Promise<World> {
    const name = nameOf(it)
    const found = this.#kept.get(name)
    if (found) return found
    const world = await this.#build(it)
    this.#kept.set(name, world)
    return world
  }

  async discard(it: Case): Promise<void> {
    const world = this.#kept.get(nameOf(it))
    this.#kept.delete(nameOf(it))
    await world?.close()
  }

  async close(): Promise<void> {
    for (const world of this.#kept.values()) await world.close()
  }
}

type Step = Measurement & { it: Case }

const repeated = <T>(items: readonly T[], times: number): T[] => Array.from({ length: times }, () => items).flat()

/**
 * The steps of a round: each measurement of all cases that stay, one case after the other, so that what is compared is a second apart; a
 * machine that others use, too, changes its pace (by half) every few seconds. Every second round goes through the cases the other way
 * round, so that a pace that changes steadily favours none. Then the cases whose programs are busy, one by one.
 */
const stepsOf = (cases: readonly Case[], round: number, input: { program: string; quick: boolean }): Step[] => {
  const steps = cases.flatMap((it) => measurementsOf(it, input).map((measurement): Step => ({ it, ...measurement })))
  const staying = steps.filter(({ it }) => !isShortLived(it))
  const together = [...Map.groupBy(staying, ({ what }) => what).values()]
  return [
    ...together.flatMap((same) => repeated(round % 2 === 0 ? same.toReversed() : same, same[0]?.repeats ?? 0)),
    ...steps.filter(({ it }) => isShortLived(it)).flatMap((step) => repeated([step], step.repeats)),
  ]
}

/** What a round has measured: the mean of each figure of each case. */
class Means {
  readonly #samples = new Map<string, { name: string; figures: Figure[] }>()

  add(name: string, figure: Figure): void {
    const key = `${name} ${figure.metric}`
    const { figures } = this.#samples.get(key) ?? { figures: [] }
    this.#samples.set(key, { name, figures: [...figures, figure] })
  }

  record(recorded: Recorded, round: number): void {
    for (const { name, figures } of this.#samples.values()) {
      const value = figures.reduce((sum, figure) => sum + figure.value, 0) / figures.length
      recorded.add(name, round, { ...figures[0]!, value })
    }
  }
}

/** Runs all rounds. A case that fails is named, built anew for the next round, and the others go on; an abort ends everything. */
export const runRounds = async (input: RoundsInput): Promise<Failure[]> => {
  const { cases, rounds, recorded, program, quick, signal, say } = input
  const names = new Set(cases.map(nameOf))
  const before = recorded.lastRound((name) => names.has(name))
  const failures: Failure[] = []
  const worlds = new Worlds(async (it) => {
    const world = await input.build(it)
    await untilReachable(world)
    await setChecksums(world, program, usualChecksums(it))
    return world
  })
  const failed = new Set<Case>()
  const visit = async ({ it, what, take }: Step, round: number, means: Means): Promise<void> => {
    try {
      const world = await worlds.of(it)
      await untilReachable(world)
      for (const figure of await take(world)) means.add(nameOf(it), figure)
    } catch (error) {
      signal.throwIfAborted()
      const text = `${what}: ${errorText(error)}`
      failures.push({ case: nameOf(it), round, error: text })
      say(`  failed: ${nameOf(it)}: ${text}`)
      failed.add(it)
      await worlds.discard(it)
    }
  }
  try {
    for (let round = before + 1; round <= before + rounds; round++) {
      failed.clear()
      const means = new Means()
      const steps = stepsOf(cases, round, { program, quick })
      for (const [index, step] of steps.entries()) {
        const { it, what } = step
        if (what !== steps[index - 1]?.what) say(`round ${round} of ${before + rounds}: ${what}`)
        if (!failed.has(it)) await visit(step, round, means)
        if (isShortLived(it) && steps[index + 1]?.it !== it) await worlds.discard(it)
      }
      means.record(recorded, round)
    }
  } finally {
    await worlds.close()
  }
  return failures
}
