// Where the time goes: how long each program runs for a frame, as the kernel itself counts it.
import { execFileSync } from 'node:child_process'
import type { Failure } from '../report.ts'
import { type Case, nameOf } from './cases.ts'
import { packets, tcp, untilReachable } from './measure.ts'
import type { Recorded } from './recorded.ts'
import type { RoundsInput } from './rounds.ts'

const SETTING = 'kernel.bpf_stats_enabled'
/** Fewer runs than this are chance. */
const ENOUGH = 1000

type Statistics = { id: number; name: string; run_time_ns?: number; run_cnt?: number }

const sysctl = (...argv: string[]): string => execFileSync('sysctl', ['-n', ...argv], { encoding: 'utf8' }).trim()
const readStatistics = (): Statistics[] =>
  JSON.parse(execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8', maxBuffer: 2 ** 26 }))

/** Nanoseconds of one run of each program while `act` runs. Counting takes part of that itself. */
const timesDuring = async (act: () => Promise<unknown>): Promise<Map<string, number>> => {
  const former = sysctl(SETTING)
  sysctl('-w', `${SETTING}=1`)
  try {
    const before = new Map(readStatistics().map((program) => [program.id, program]))
    await act()
    const totals = new Map<string, { ns: number; runs: number }>()
    for (const { id, name, run_time_ns = 0, run_cnt = 0 } of readStatistics()) {
      const total = totals.get(name) ?? { ns: 0, runs: 0 }
      const { run_time_ns: ns = 0, run_cnt: runs = 0 } = before.get(id) ?? {}
      totals.set(name, { ns: total.ns + run_time_ns - ns, runs: total.runs + run_cnt - runs })
    }
    return new Map([...totals].flatMap(([name, { ns, runs }]) => (runs < ENOUGH ? [] : [[name, ns / runs]])))
  } finally {
    sysctl('-w', `${SETTING}=${former}`)
  }
}

const CASES: readonly Case[] = [
  { role: 'link', overlay: 'vnet-fast', wire: 'ideal' },
  { role: 'link', overlay: 'vnet-slow', wire: 'ideal' },
  { role: 'relay', overlay: 'vnet-fast', wire: 'ideal' },
]

/** Runs both kinds of traffic over each case, and records what each program took for a frame. */
export const measurePrograms = async (input: Omit<RoundsInput, 'cases'>): Promise<Failure[]> => {
  const { rounds, quick, program, recorded, build, signal, say } = input
  const failures: Failure[] = []
  for (const it of CASES) {
    say(`programs of ${nameOf(it)}`)
    const before = recorded.lastRound((name) => name === `programs of ${nameOf(it)}`)
    let round = before
    try {
      const world = await build(it)
      try {
        await untilReachable(world)
        for (round = before + 1; round <= before + rounds; round++)
          for (const [what, act] of [
            ['packets', () => packets(world, program, { flows: 1, pinned: true, milliseconds: quick ? 200 : 500 })],
            ['TCP', () => tcp(world, { streams: 1, seconds: 1, pinned: true })],
          ] as const)
            for (const [name, value] of await timesDuring(act))
              recorded.add(`programs of ${nameOf(it)}`, round, { metric: `${name}, ${what}`, unit: 'ns', value })
      } finally {
        await world.close()
      }
    } catch (error) {
      signal.throwIfAborted()
      failures.push({ case: `programs of ${nameOf(it)}`, round, error: (error as Error).message })
    }
  }
  return failures
}

export const programComparisons = (recorded: Recorded) =>
  CASES.flatMap((it) => recorded.ofCase(`programs of ${nameOf(it)}`).map((series) => ({ series })))
