import { join } from 'node:path'
import { ipBatch, run } from './processes.ts'
import { Program } from './program.ts'
import type { RunState } from './run-state.ts'
import { nativeTool } from './tools.ts'
import { waitUntil } from './wait-until.ts'

export type DelayLineOptions = {
  /** Name of the interface at both ends. */
  name: string
  delayMs: number
  /** The two namespaces that it joins. */
  ends: readonly [string, string]
  mtuBytes: number
}

/**
 * A link with delay, in user space: a TAP at each end, and a process that keeps each frame for `delayMs`. The kernels that we
 * meet need not have netem. Its queue before the TAP is the ordinary one, so that shaping works as on any interface.
 */
export class DelayLine {
  readonly #program: Program

  private constructor(program: Program) {
    this.#program = program
  }

  static async start(state: RunState, { name, delayMs, ends, mtuBytes }: DelayLineOptions): Promise<DelayLine> {
    const paths = ends.map((end) => `/run/netns/${end}`)
    const argv = [await nativeTool('delay-line'), name, String(Math.round(delayMs * 1000)), ...paths]
    const logFile = join(state.subfolder('logs'), `delay-line-${name}.log`)
    const program = new Program(state, { argv, logFile })
    for (const end of ends) {
      await waitUntil(async () => (await run(['ip', '-n', end, 'link', 'show', 'dev', name])).code === 0, {
        what: `delay line ${name} has made its interface in ${end} (see ${logFile})`,
        timeoutMs: 10_000,
        intervalMs: 20,
      })
      await ipBatch(end, [`link set dev ${name} mtu ${mtuBytes}`])
    }
    return new DelayLine(program)
  }

  async stop(): Promise<void> {
    await this.#program.stop(1_000)
  }
}
