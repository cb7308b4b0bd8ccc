import { execFile } from 'node:child_process'

/** A command that failed: which one, and what it said. `reason` is the word for the status. */
export class KernelError extends Error {
  readonly reason: string
  readonly output: string

  constructor(attempt: string, output: string, options: { reason?: string; hint?: string; cause?: unknown } = {}) {
    const { reason = 'OperationFailed', hint, cause } = options
    super(`${attempt}: ${output}${hint ? `; ${hint}` : ''}`, { cause })
    this.name = 'KernelError'
    this.reason = reason
    this.output = output
  }
}

export type CommandOptions = {
  /** What standard input holds. */
  input?: string
  /** Give back the output also when the command failed. */
  tolerant?: boolean
}

export type CommandOutput = { stdout: string; stderr: string; code: number }

const limitMs = 20_000
const maxOutputBytes = 64 * 1024 * 1024

const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' / ').slice(-500)

/** Runs a program (no shell) in the C locale, at most 20 s. Rejects with `KernelError` when it fails, unless `tolerant`. */
export const runCommand = (
  argv: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<CommandOutput> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv
    const settings = { timeout: limitMs, maxBuffer: maxOutputBytes, env: { ...process.env, LC_ALL: 'C' } }
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      if (!error || (options.tolerant && code > 0)) {
        resolve({ stdout, stderr, code })
        return
      }
      const said = lastLines(stderr) || (error.killed ? `no answer within ${limitMs / 1000} s` : error.message)
      reject(new KernelError(argv.join(' '), said, { cause: error }))
    })
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })

/** Output of a program that prints JSON; empty output is an empty list. */
export const runJson = async <T>(argv: readonly [string, ...string[]]): Promise<T> => {
  const { stdout } = await runCommand(argv)
  try {
    return JSON.parse(stdout.trim() || '[]') as T
  } catch (cause) {
    throw new KernelError(argv.join(' '), `no JSON in its output: ${stdout.slice(0, 100)}`, { cause })
  }
}
