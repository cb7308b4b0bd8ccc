import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { RunState } from './run-state.ts'

export type ProgramOptions = {
  argv: readonly string[]
  env?: NodeJS.ProcessEnv
  /** Standard output and error are appended to this file. */
  logFile: string
  /** Gives a pipe to the program's standard input; else it reads /dev/null. */
  input?: boolean
}

export type Ended = { code: number; signal: NodeJS.Signals | undefined }

/**
 * A long-running process of the laboratory. It is recorded, so that a later run can end it should this one die, and dies with
 * this process.
 */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  #result: Ended | undefined

  constructor(state: RunState, { argv, env, logFile, input = false }: ProgramOptions) {
    const log = openSync(logFile, 'a')
    const [program, ...rest] = argv
    this.child = spawn(program!, rest, {
      env: env ?? process.env,
      stdio: [input ? 'pipe' : 'ignore', input ? 'pipe' : log, log],
      // Its own session: Ctrl-C reaches the laboratory alone, which then ends everything in order.
      detached: true,
    })
    closeSync(log)
    this.ended = new Promise((resolve) => {
      const settle = (ended: Ended): void => {
        this.#result = ended
        resolve(ended)
      }
      this.child.once('exit', (code, signal) => settle({ code: code ?? 137, signal: signal ?? undefined }))
      this.child.once('error', () => settle({ code: 127, signal: undefined }))
    })
    if (this.child.pid !== undefined) state.recordProcess(this.child.pid)
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnargs.join(' ')} could not be started`)
    return this.child.pid
  }

  get result(): Ended | undefined {
    return this.#result
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#result === undefined) this.child.kill(signal)
  }

  /** SIGTERM, and SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<Ended> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }
}
