// The common form of benchmark results: a table for people, and a JSON file for machines.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join } from 'node:path'

/** One figure of one case, by round; a round in which it could not be taken has none. */
export type Series = { case: string; metric: string; unit: string; values: ReadonlyMap<number, number> }

/**
 * What a figure is to reach.
 * - `atLeast`, `atMost`: bounds of the ratio to the baseline. `tolerance`: how far the median may be off, for noise.
 * - `noMoreThanBaseline`: of counts that are often 0, so that no ratio exists.
 * - `valueAtMost`: a bound of the median itself.
 */
export type Goal =
  | { atLeast: number; tolerance?: number }
  | { atMost: number }
  | { noMoreThanBaseline: true }
  | { valueAtMost: number }

/** A series beside the one that it is compared with. */
export type Comparison = { series: Series; baseline?: Series; goal?: Goal }

export type ResultRow = {
  case: string
  metric: string
  unit: string
  median: number
  min: number
  max: number
  baseline: string | null
  ratio: number | null
  /** Least and greatest round-wise ratio. */
  ratioMin?: number | null
  ratioMax?: number | null
  goal: string | null
  met: boolean | null
}

/** A case of which some or all figures are missing, and why. */
export type Failure = { case: string; round: number; error: string }

export const median = (values: number[]): number => {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** Both values of the rounds that have both: only what was measured alternately is compared. */
const pairs = (series: Series, baseline: Series): [number, number][] =>
  [...series.values].flatMap(([round, value]): [number, number][] => {
    const base = baseline.values.get(round)
    return base === undefined ? [] : [[value, base]]
  })

const textOf = (goal: Goal): string => {
  if ('noMoreThanBaseline' in goal) return 'no more'
  if ('atMost' in goal) return `<= ${goal.atMost}`
  if ('valueAtMost' in goal) return `median <= ${goal.valueAtMost}`
  return `>= ${goal.atLeast}${goal.tolerance ? ` (median >= ${goal.atLeast - goal.tolerance})` : ''}`
}

type Measured = { ratio: number | null; both: [number, number][]; values: number[] }

const isMet = (goal: Goal, { ratio, both, values }: Measured): boolean => {
  if ('valueAtMost' in goal) return values.length > 0 && median(values) <= goal.valueAtMost
  if ('noMoreThanBaseline' in goal) return both.length > 0 && median(both.map(([value, base]) => value - base)) <= 0
  if (ratio === null) return false
  return 'atMost' in goal ? ratio <= goal.atMost : ratio >= goal.atLeast - (goal.tolerance ?? 0)
}

/** A comparison as a row. `ratio` is the median of the round-wise ratios: what is compared was measured in the same round. */
export const toRow = ({ series, baseline, goal }: Comparison): ResultRow => {
  const values = [...series.values.values()]
  const both = baseline ? pairs(series, baseline) : []
  const ratios = both.filter(([, base]) => base > 0).map(([value, base]) => value / base)
  const ratio = ratios.length > 0 ? median(ratios) : null
  return {
    case: series.case,
    metric: series.metric,
    unit: series.unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    baseline: baseline?.case ?? null,
    ratio,
    ratioMin: ratio === null ? null : Math.min(...ratios),
    ratioMax: ratio === null ? null : Math.max(...ratios),
    goal: goal ? textOf(goal) : null,
    met: goal ? isMet(goal, { ratio, both, values }) : null,
  }
}

const number = (value: number): string => (value >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3))))
const ratioText = ({ ratio, ratioMin, ratioMax, baseline }: ResultRow): string => {
  if (ratio === null) return baseline ? `(${baseline})` : ''
  const range = ratioMin == null || ratioMax == null ? '' : ` (${ratioMin.toFixed(2)} … ${ratioMax.toFixed(2)})`
  return `${ratio.toFixed(2)}${range} × ${baseline}`
}

/** The rows as aligned text, one line each. */
export const tableText = (rows: readonly ResultRow[]): string => {
  const cells = rows.map((row) => [
    row.case,
    row.metric,
    `${number(row.median)} ${row.unit}`,
    `${number(row.min)} … ${number(row.max)}`,
    ratioText(row),
    row.goal ?? '',
    row.met === null ? '' : row.met ? 'met' : 'NOT MET',
  ])
  const table = [['case', 'metric', 'median', 'range', 'ratio, median (range) of rounds', 'goal', ''], ...cells]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const line = (row: string[]): string => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
  return table.map((row) => line(row).trimEnd()).join('\n')
}

/** Writes `test/bench/results/NAME.json`, and returns its path. */
export const writeResults = (
  bench: string,
  { rounds, rows, failures = [] }: { rounds: number; rows: readonly ResultRow[]; failures?: readonly Failure[] },
): string => {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { kernel: release(), cpus: availableParallelism() }
  const file = join(folder, `${bench}.json`)
  writeFileSync(file, `${JSON.stringify({ bench, rounds, machine, rows, failures }, null, 2)}\n`)
  return file
}
