import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join } from 'node:path'
import { median, type ResultRow } from '../report.ts'

type Goal = { at: 'least' | 'most'; limit: number; of: 'median' | 'min' | 'max' | 'mean' }

export type RowSpec = {
  case: string
  metric: string
  unit: string
  values: number[]
  /** The case that `ratio` is taken against, and that ratio. */
  baseline?: { case: string; ratio: number }
  goal?: Goal
}

const least = (values: number[]): number => values.reduce((x, y) => Math.min(x, y), Number.POSITIVE_INFINITY)
const most = (values: number[]): number => values.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY)
export const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const statistics = { median, min: least, max: most, mean }

/** A row in the form of all benchmarks; without values it is left out of no table: its figures are 0 and its goal is not met. */
export const makeRow = ({ values, baseline, goal, ...names }: RowSpec): ResultRow => {
  const empty = values.length === 0
  const reached = goal && !empty ? statistics[goal.of](values) : undefined
  return {
    ...names,
    median: empty ? 0 : median(values),
    min: empty ? 0 : least(values),
    max: empty ? 0 : most(values),
    baseline: baseline?.case ?? null,
    ratio: baseline?.ratio ?? null,
    goal: goal ? `${goal.of} ${goal.at === 'least' ? '>=' : '<='} ${goal.limit}` : null,
    met: goal ? reached !== undefined && (goal.at === 'least' ? reached >= goal.limit : reached <= goal.limit) : null,
  }
}

const number = (value: number): string =>
  Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)))

const print = (rows: ResultRow[]): void => {
  const cells = rows.map((row) => [
    row.case,
    row.metric,
    `${number(row.median)} ${row.unit}`.trim(),
    `${number(row.min)} … ${number(row.max)}`,
    row.ratio === null ? '' : `${number(row.ratio)} × ${row.baseline}`,
    row.goal ?? '',
    row.met === null ? '' : row.met ? 'met' : 'NOT MET',
  ])
  const table = [['case', 'metric', 'median', 'range', 'ratio', 'goal', ''], ...cells]
  const widths = table[0]!.map((_, column) => most(table.map((row) => row[column]!.length)))
  for (const row of table)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
}

/** Prints the table and writes `test/bench/results/planner.json`; a part of the benchmarks has a file of its own. */
export const writeRows = (part: string, rounds: number, rows: ResultRow[]): void => {
  if (rows.length === 0) return
  print(rows)
  const folder = join(import.meta.dirname, '..', 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { kernel: release(), cpus: availableParallelism() }
  const file = join(folder, part === 'planner' ? 'planner.json' : `planner-${part}.json`)
  writeFileSync(file, `${JSON.stringify({ bench: 'planner', rounds, machine, rows }, undefined, 2)}\n`)
  console.log(`\nwritten: ${file}`)
}
