// The rounds: every case in turn, again and again, so that what is compared is measured at nearly the same time.
import type { Failure } from '../report.ts'
import { type Case, isShortLived, nameOf } from './cases.ts'
import { setChecksums, untilReachable } from './measure.ts'
import { measurementsOf, usualChecksums } from './metrics.ts'
import type { Recorded } from './recorded.ts'
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

/** Runs all rounds. A case that fails is named, built anew for the next round, and the others go on; an abort ends everything. */
export const runRounds = async (input: RoundsInput): Promise<Failure[]> => {
  const { cases, rounds, recorded, program, quick, signal, say } = input
  const names = new Set(cases.map(nameOf))
  const before = recorded.lastRound((name) => names.has(name))
  const failures: Failure[] = []
  const worlds = new Worlds(input.build)
  const visit = async (it: Case, round: number): Promise<void> => {
    const world = await worlds.of(it)
    await untilReachable(world)
    await setChecksums(world, program, usualChecksums(it))
    for (const { what, take } of measurementsOf(it, { program, quick }))
      try {
        for (const figure of await take(world)) recorded.add(nameOf(it), round, figure)
      } catch (cause) {
        throw new Error(`${what}: ${errorText(cause)}`, { cause })
      }
  }
  try {
    for (let round = before + 1; round <= before + rounds; round++)
      for (const it of cases) {
        say(`round ${round} of ${before + rounds}: ${nameOf(it)}`)
        try {
          await visit(it, round)
          if (isShortLived(it)) await worlds.discard(it)
        } catch (error) {
          signal.throwIfAborted()
          failures.push({ case: nameOf(it), round, error: errorText(error) })
          say(`  failed: ${errorText(error)}`)
          await worlds.discard(it)
        }
      }
  } finally {
    await worlds.close()
  }
  return failures
}
