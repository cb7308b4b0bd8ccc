import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const LIMIT_MS = 30_000
const ERROR_BYTES = 2000

export type CommandOptions = { signal: AbortSignal; limitMs?: number }

/** A command in a network namespace. */
export class Command {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting: ((line: string) => void)[] = []
  /** Its standard output, when it ended well; else it fails with what the command said. */
  readonly output: Promise<string>

  constructor(namespace: string, argv: readonly string[], { signal, limitMs = LIMIT_MS }: CommandOptions) {
    const child = spawn('ip', ['netns', 'exec', namespace, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      timeout: limitMs,
      killSignal: 'SIGKILL',
    })
    this.#child = child
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk).slice(-ERROR_BYTES)
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line)
      for (const tell of this.#waiting) tell(line)
    })
    this.output = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, killedBy) => {
        if (code === 0) resolve(this.#lines.join('\n'))
        else reject(new Error(`${argv.join(' ')}: ${killedBy ?? `exit code ${code}`}: ${errors.trim()}`))
      })
    })
    // Who waits for a line first still gets the error from the promise above.
    this.output.catch(() => {})
  }

  /** Resolves at a line of output with `text` in it; fails when the command ends before. */
  async line(text: string): Promise<void> {
    if (this.#lines.some((line) => line.includes(text))) return
    const seen = new Promise<void>((resolve) => this.#waiting.push((line) => line.includes(text) && resolve()))
    const ended = this.output.then(() => {
      throw new Error(`the command ended without printing '${text}'`)
    })
    await Promise.race([seen, ended])
  }

  /** Ends it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.kill()
    await this.output.catch(() => {})
  }
}
