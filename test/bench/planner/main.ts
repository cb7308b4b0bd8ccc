// Quality and speed of the planner: `make bench-planner ARGS="--zoo DIR --intercloud FILE"`.
// Without data it runs on generated graphs alone. Files and instances that cannot be used are named and counted.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ResultRow } from '../report.ts'
import { anytimeCurves } from './anytime.ts'
import { makeInstances } from './instances.ts'
import { plotSteps } from './plot.ts'
import { judge } from './quality.ts'
import { jointRow, qualityRows, remarks } from './quality-rows.ts'
import { makeRow, writeRows } from './rows.ts'
import { speedRows } from './speed-rows.ts'

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
    plot: { type: 'string' },
  },
})

const zoo = values.zoo ?? (values.data && join(values.data, 'zoo'))
const intercloud = values.intercloud ?? (values.data && join(values.data, 'intercloud.csv'))
for (const path of [zoo, intercloud])
  if (path !== undefined && !existsSync(path)) throw new Error(`Reading ${path}: there is no such file or folder`)

const wanted = (part: string): boolean => values.only === undefined || values.only === part

const rows: ResultRow[] = []
if (wanted('quality')) {
  const share = (part: number): number => Math.round(part * Number(values.instances))
  const counts =
    zoo || intercloud
      ? { generated: share(0.45), zoo: share(0.32), intercloud: share(0.23) }
      : { generated: share(1), zoo: 0, intercloud: 0 }
  const { instances, rejected, notes } = makeInstances({ zoo, intercloud }, counts, Number(values.seed))
  for (const { name, reason } of rejected) console.log(`not usable: ${name}: ${reason}`)
  for (const note of notes) console.log(`guessed: ${note}`)
  console.log(`${instances.length} instances, ${rejected.length} files or instances not usable`)
  const verdicts = await judge(instances, Number(values['time-limit']), (done) => {
    if (done % 25 === 0) console.log(`  ${done} of ${instances.length} solved`)
  })
  for (const line of remarks(verdicts)) console.log(`  ${line}`)
  rows.push(makeRow({ case: 'quality', metric: 'files or instances not usable', unit: '', values: [rejected.length] }))
  rows.push(...qualityRows(verdicts), jointRow(instances.filter((_, i) => i % 2 === 0)))
}
if (wanted('speed')) rows.push(...speedRows(Number(values.rounds)))
if (values.plot !== undefined) {
  const curves = anytimeCurves(10_000)
  writeFileSync(
    values.plot,
    plotSteps(
      'Throughput: joint planning of 100 bridges, 1,000 VMs, 5,000 demands',
      'best so far ÷ best reached',
      curves,
    ),
  )
  console.log(`written: ${values.plot}`)
}
writeRows(Number(values.rounds), rows)
