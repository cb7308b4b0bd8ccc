// Quality and speed of the planner: `make bench-planner ARGS="--zoo DIR --intercloud FILE"`.
// Without data it runs on generated graphs alone. Files and instances that cannot be used are named and counted.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ResultRow } from '../report.ts'
import { anytimePlot } from './anytime.ts'
import { makeInstances } from './instances.ts'
import { plotSteps } from './plot.ts'
import { judge } from './quality.ts'
import { jointRow, qualityRows, remarks } from './quality-rows.ts'
import { makeRow, writeRows } from './rows.ts'
import { speedRows } from './speed-rows.ts'

const parts = ['quality', 'speed', 'anytime'] as const

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    zoo: { type: 'string' },
    intercloud: { type: 'string' },
    instances: { type: 'string', default: '300' },
    seed: { type: 'string', default: '0' },
    'time-limit': { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    // Of the speed cases, those whose name contains this.
    case: { type: 'string' },
    plot: { type: 'string' },
  },
})

const number = (option: 'instances' | 'seed' | 'time-limit' | 'rounds', least: number): number => {
  const value = Number(values[option])
  if (!(value >= least && Number.isFinite(value)))
    throw new Error(`--${option} ${values[option]}: it must be a number of at least ${least}`)
  return value
}
if (values.only !== undefined && !parts.some((part) => part === values.only))
  throw new Error(`--only ${values.only}: it must be one of ${parts.join(', ')}`)
if (values.only === 'anytime' && values.plot === undefined)
  throw new Error('--only anytime: say where to, by --plot FILE')
const wanted = (part: (typeof parts)[number]): boolean => values.only === undefined || values.only === part

const zoo = values.zoo ?? (values.data && join(values.data, 'zoo'))
const intercloud = values.intercloud ?? (values.data && join(values.data, 'intercloud.csv'))
for (const path of [zoo, intercloud])
  if (path !== undefined && !existsSync(path)) throw new Error(`Reading ${path}: there is no such file or folder`)

const rounds = number('rounds', 1)
const rows: ResultRow[] = []
if (wanted('quality')) {
  const parts = { generated: 0.45, zoo: zoo ? 0.32 : 0, intercloud: intercloud ? 0.23 : 0 }
  const whole = parts.generated + parts.zoo + parts.intercloud
  const share = (part: number): number => Math.round((part * number('instances', 1)) / whole)
  const counts = { generated: share(parts.generated), zoo: share(parts.zoo), intercloud: share(parts.intercloud) }
  const { instances, rejected, notes } = makeInstances({ zoo, intercloud }, counts, number('seed', 0))
  for (const { name, reason } of rejected) console.log(`not usable: ${name}: ${reason}`)
  for (const note of notes) console.log(`guessed: ${note}`)
  console.log(`${instances.length} instances, ${rejected.length} files or instances not usable`)
  const verdicts = await judge(instances, number('time-limit', 0.1), (done) => {
    if (done % 25 === 0) console.log(`  ${done} of ${instances.length} solved`)
  })
  for (const line of remarks(verdicts)) console.log(`  ${line}`)
  rows.push(makeRow({ case: 'quality', metric: 'files or instances not usable', unit: '', values: [rejected.length] }))
  rows.push(...qualityRows(verdicts), jointRow(instances.filter((_, i) => i % 2 === 0)))
}
if (wanted('speed')) rows.push(...speedRows(rounds, values.case))
if (wanted('anytime') && values.plot !== undefined) {
  const limitMs = 30_000
  writeFileSync(values.plot, plotSteps(anytimePlot(limitMs)))
  console.log(`written: ${values.plot}`)
}
writeRows(values.only ?? 'planner', rounds, rows)
