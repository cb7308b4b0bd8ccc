// What no linter looks at: file sizes, tests that never run, generated files, and the chart.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const MAX_LINES = 250
const problems: string[] = []
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const sources = run('git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.c', '*.h', '*.go')
  .split('\n')
  .filter(Boolean)
for (const path of sources) {
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n').length - 1
  if (lines > MAX_LINES) problems.push(`${path} has ${lines} lines: split it by its ideas (at most ${MAX_LINES})`)
  if (path.endsWith('.test.ts') && !/\.run\(\)|\.conformance\.ts'/.test(text))
    problems.push(`${path} never calls .run(): uvu would pass it without a test`)
}

try {
  run(process.execPath, 'hack/generate.ts', '--check')
} catch (error) {
  problems.push(String((error as { stderr?: string }).stderr).trim())
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
