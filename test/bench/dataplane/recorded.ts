import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Series } from '../report.ts'

export type Figure = { metric: string; unit: string; value: number }
type Kept = { case: string; metric: string; unit: string; values: [number, number][] }

/** All figures by case, metric and round: also of earlier runs that this one goes on with. */
export class Recorded {
  readonly series = new Map<string, Series & { values: Map<number, number> }>()

  /** What an earlier run wrote; nothing where there is no such file. */
  static read(file: string): Recorded {
    const recorded = new Recorded()
    if (!existsSync(file)) return recorded
    for (const { values, ...rest } of JSON.parse(readFileSync(file, 'utf8')) as Kept[])
      recorded.series.set(`${rest.case} ${rest.metric}`, { ...rest, values: new Map(values) })
    return recorded
  }

  write(file: string): void {
    const kept = [...this.series.values()].map(({ values, ...rest }): Kept => ({ ...rest, values: [...values] }))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(kept)}\n`)
  }

  add(name: string, round: number, { metric, unit, value }: Figure): void {
    const key = `${name} ${metric}`
    const series = this.series.get(key) ?? { case: name, metric, unit, values: new Map<number, number>() }
    series.values.set(round, value)
    this.series.set(key, series)
  }

  get(name: string, metric: string): Series | undefined {
    return this.series.get(`${name} ${metric}`)
  }

  ofCase(name: string): Series[] {
    return [...this.series.values()].filter((series) => series.case === name)
  }

  /** The last round in which one of these cases was measured; 0: none. */
  lastRound(isOne: (name: string) => boolean): number {
    const rounds = [...this.series.values()].filter((it) => isOne(it.case)).flatMap(({ values }) => [...values.keys()])
    return Math.max(0, ...rounds)
  }
}
