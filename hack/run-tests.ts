// Runs uvu test files, one process each, and sums their counts: `node hack/run-tests.ts [--jobs N] [--limit-seconds S] FILE...`.
// A file that takes longer than the limit is ended, and named.
// What depends on the data path runs on both: with VNET_FAST_PATH=Auto and =Disabled, or on the one that the caller's environment names.
// uvu exits 0 when a file forgets `.run()`, so a file that reports no test is a failure here.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs, stripVTControlCharacters } from 'node:util'

type Run = { file: string; env: Record<string, string> }
type Outcome = { name: string; passed: number; failed: number; skipped: number; output: string }

const { values, positionals: files } = parseArgs({
  options: {
    jobs: { type: 'string', default: String(availableParallelism()) },
    'limit-seconds': { type: 'string', default: '900' },
    verbose: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

const count = (output: string, label: string): number =>
  [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce((sum, match) => sum + Number(match[1]), 0)

const DATA_PATH = /^test\/e2e\/(connectivity|containment|continuity)\.test\.ts$/

const runsOf = (file: string): Run[] =>
  DATA_PATH.test(file) && !process.env.VNET_FAST_PATH
    ? ['Auto', 'Disabled'].map((mode) => ({ file, env: { VNET_FAST_PATH: mode } }))
    : [{ file, env: {} }]

const runFile = ({ file, env }: Run): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--enable-source-maps', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
      if (values.verbose) process.stdout.write(chunk)
    }
    const limit = setTimeout(() => {
      output += `\nended after ${values['limit-seconds']} s: it hangs, or needs a higher --limit-seconds\n`
      child.kill('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), 20_000).unref()
    }, Number(values['limit-seconds']) * 1000)
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('close', (code) => {
      clearTimeout(limit)
      const plain = stripVTControlCharacters(output)
      const total = count(plain, 'Total')
      const passed = count(plain, 'Passed')
      const skipped = count(plain, 'Skipped')
      const failed = Math.max(total - passed, code === 0 && total + skipped > 0 ? 0 : 1)
      const name = [file, ...Object.entries(env).map(([variable, value]) => `${variable}=${value}`)].join(' ')
      resolve({ name, passed, failed, skipped, output })
    })
  })

const outcomes: Outcome[] = []
const worker = async (queue: Run[]): Promise<void> => {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const startedAt = performance.now()
    const outcome = await runFile(next)
    outcomes.push(outcome)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const skipped = outcome.skipped > 0 ? `, ${outcome.skipped} skipped` : ''
    console.log(
      `${outcome.failed > 0 ? 'FAIL' : 'ok  '} ${outcome.name} (${outcome.passed} passed${skipped}, ${seconds} s)`,
    )
    if (outcome.failed > 0 && !values.verbose) console.log(outcome.output)
  }
}
// Tests below test/ start clusters and measure loss: they get the machine to themselves.
const isHeavy = (file: string): boolean => file.startsWith('test/')
const light = files.filter((file) => !isHeavy(file)).flatMap(runsOf)
await Promise.all(Array.from({ length: Number(values.jobs) }, () => worker(light)))
await worker(files.filter(isHeavy).flatMap(runsOf))

const sum = (key: 'passed' | 'failed' | 'skipped'): number =>
  outcomes.reduce((total, outcome) => total + outcome[key], 0)
const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : ''
console.log(`${sum('passed')} passed, ${sum('failed') + (files.length === 0 ? 1 : 0)} failed${skipped}`)
process.exitCode = sum('failed') > 0 || files.length === 0 ? 1 : 0
