// The common form of benchmark results: a table for people, and a JSON file for machines.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join } from 'node:path'

/** One figure of each round of one case. */
export type Series = {
  case: string
  metric: string
  unit: string
  values: number[]
  baseline?: string
  goal?: { above: number } | { below: number }
}

export type ResultRow = {
  case: string
  metric: string
  unit: string
  median: number
  min: number
  max: number
  baseline: string | null
  ratio: number | null
  goal: string | null
  met: boolean | null
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** A series as a row. `ratio` is the median of the round-wise ratios to the baseline: both were measured in the same rounds. */
export const toRow = (series: Series, all: Series[]): ResultRow => {
  const { values, baseline, goal } = series
  const base = all.find((other) => other.case === baseline && other.metric === series.metric)
  const ratio = base ? median(values.map((value, round) => value / (base.values[round] ?? Number.NaN))) : null
  const met = goal === undefined || ratio === null ? null : 'above' in goal ? ratio >= goal.above : ratio <= goal.below
  return {
    case: series.case,
    metric: series.metric,
    unit: series.unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    baseline: baseline ?? null,
    ratio,
    goal: goal === undefined ? null : 'above' in goal ? `>= ${goal.above}` : `<= ${goal.below}`,
    met,
  }
}

const number = (value: number): string => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3))

/** Prints the table and writes `test/bench/results/NAME.json`. */
export const report = (bench: string, rounds: number, series: Series[]): void => {
  const rows = series.map((entry) => toRow(entry, series))
  const cells = rows.map((row) => [
    row.case,
    row.metric,
    `${number(row.median)} ${row.unit}`,
    `${number(row.min)} … ${number(row.max)}`,
    row.ratio === null ? '' : `${row.ratio.toFixed(2)} × ${row.baseline}`,
    row.goal ?? '',
    row.met === null ? '' : row.met ? 'met' : 'NOT MET',
  ])
  const table = [['case', 'metric', 'median', 'range', 'ratio', 'goal', ''], ...cells]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { kernel: release(), cpus: availableParallelism() }
  writeFileSync(join(folder, `${bench}.json`), `${JSON.stringify({ bench, rounds, machine, rows }, null, 2)}\n`)
}
