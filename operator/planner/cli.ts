import { existsSync, readFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { check } from './check/check.ts'
import { explain } from './explain.ts'
import { InvalidInputError } from './index-input.ts'
import { plan, type Strategy, strategies } from './planner.ts'
import { seededRandom } from './random.ts'
import { readGraphml } from './scenarios/graphml.ts'
import { readIntercloud } from './scenarios/intercloud.ts'
import { readJsonInput } from './scenarios/json-input.ts'
import { type PatternName, patternNames } from './scenarios/patterns.ts'
import { makeScenario, type Variant, variants } from './scenarios/scenario.ts'
import type { Underlay } from './scenarios/underlay.ts'
import { type ObjectiveName, objectiveNames, type PlannerInput, type SearchOptions } from './types.ts'

const usage = `npm run plan -- FILE [options]        plan for an input, and print the plan as JSON

FILE  input.json        a PlannerInput (operator/planner/types.ts)
      NAME.graphml      a network of the Internet Topology Zoo, with generated VMs and demands
      NAME.csv          measurements between cloud regions, with generated VMs and demands
      (also a name in the folder given by --data: Geant2011, intercloud)

--explain               words instead of JSON
--check                 only what the independent verifier finds; exit status 1 if it finds anything
--print-input           the input itself as JSON, to save or edit
--strategy NAME         ${Object.keys(strategies).join(', ')}, exact (default local-search)
--seconds N             deadline (default 5)      --seed N   (default 1)
--data DIR              folder with zoo/*.graphml and intercloud.csv
Generated VMs and demands: --pattern ${patternNames.join('|')} --vms N --variant ${variants.join('|')}
--objective ${objectiveNames.join('|')} --bps N --elastic --networks N --link-budget N --regions N`

const known = {
  explain: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  'print-input': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  strategy: { type: 'string', default: 'local-search' },
  seconds: { type: 'string', default: '5' },
  seed: { type: 'string', default: '1' },
  data: { type: 'string' },
  pattern: { type: 'string', default: 'Random' },
  vms: { type: 'string', default: '12' },
  variant: { type: 'string', default: 'ComplexOnline' },
  objective: { type: 'string', default: 'Throughput' },
  bps: { type: 'string' },
  elastic: { type: 'boolean', default: false },
  networks: { type: 'string', default: '1' },
  'link-budget': { type: 'string' },
  regions: { type: 'string', default: '8' },
} as const

/** Says what is wrong with the options, instead of where in Node.js that was found. */
const parsed = () => {
  try {
    return parseArgs({ allowPositionals: true, options: known })
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}
const { values, positionals } = parsed()

/** @throws Error naming the option, the value, and what it may be. */
const oneOf = <T extends string>(option: string, value: string, allowed: readonly T[]): T => {
  const found = allowed.find((name) => name === value)
  if (!found) throw new Error(`--${option} ${value}: it must be one of ${allowed.join(', ')}`)
  return found
}
type Bounds = { least: number; most?: number; whole?: boolean }

const number = (option: keyof typeof values, { least, most = Number.MAX_VALUE, whole = true }: Bounds): number => {
  const value = Number(values[option])
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value
  const range = most < Number.MAX_VALUE ? `from ${least} to ${most}` : `of at least ${least}`
  throw new Error(`--${option} ${values[option]}: it must be a ${whole ? 'whole ' : ''}number ${range}`)
}

/** The file itself, or one of that name in the folder of data. */
const locate = (name: string): string => {
  if (values.data === undefined || existsSync(name)) return name
  const { data } = values
  const file = extname(name) !== '' ? name : name === 'intercloud' ? 'intercloud.csv' : `${name}.graphml`
  return [join(data, 'zoo', file), join(data, file)].find((path) => existsSync(path)) ?? name
}

const readInput = (file: string): PlannerInput => {
  const path = locate(file)
  const text = readFileSync(path, 'utf8')
  const kind = extname(path)
  if (kind === '.json') return readJsonInput(text)
  const random = seededRandom(number('seed', { least: 0 }))
  const sample = { size: number('regions', { least: 2 }), random }
  const underlay: Underlay = kind === '.csv' ? readIntercloud(text, sample) : readGraphml(basename(path, kind), text)
  for (const note of underlay.notes) console.error(`${underlay.name}: ${note}`)
  return makeScenario(
    {
      underlay,
      pattern: oneOf<PatternName>('pattern', values.pattern, patternNames),
      vms: number('vms', { least: 2, most: 20_000 }),
      variant: oneOf<Variant>('variant', values.variant, variants),
      objective: oneOf<ObjectiveName>('objective', values.objective, objectiveNames),
      elastic: values.elastic || values.objective === 'Throughput',
      networks: number('networks', { least: 1 }),
      ...(values.bps !== undefined && { bps: number('bps', { least: 1, whole: false }) }),
      ...(values['link-budget'] !== undefined && { linkBudget: number('link-budget', { least: 0 }) }),
    },
    random,
  )
}

const exactStrategy = async (timeLimitSeconds: number): Promise<Record<string, Strategy>> => {
  const { loadExact } = await import('./exact/exact.ts')
  return { exact: await loadExact({ timeLimitSeconds }) }
}

const main = async (file: string): Promise<void> => {
  const input = readInput(file)
  if (values['print-input']) {
    console.log(JSON.stringify(input, undefined, 2))
    return
  }
  const seconds = number('seconds', { least: 0, whole: false })
  const options: SearchOptions = {
    strategy: oneOf('strategy', values.strategy, ['greedy', 'local-search', 'annealing', 'exact'] as const),
    seed: number('seed', { least: 0 }),
    now: () => performance.now(),
    deadlineMs: performance.now() + 1000 * seconds,
  }
  const result = plan(input, options, options.strategy === 'exact' ? await exactStrategy(seconds) : {})
  const violations = check(result, input)
  if (violations.length > 0) process.exitCode = 1
  if (values.check) {
    for (const { constraint, subject, amount, unit } of violations)
      console.log(`${constraint}: ${subject}, by ${amount} ${unit}`)
    console.log(`${violations.length} violations`)
  } else if (values.explain) for (const line of explain(result)) console.log(line)
  else console.log(JSON.stringify(result, undefined, 2))
}

if (values.help || positionals.length !== 1) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else
  await main(positionals[0]!).catch((error: unknown) => {
    if (error instanceof InvalidInputError) for (const problem of error.problems) console.error(problem)
    else console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  })
