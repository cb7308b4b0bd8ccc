import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTimeOf } from './processes.ts'

/** Folder of all laboratories of this machine: one folder for each run, named by its id. */
export const runsFolder = '/run/vnet-lab'

/** Everything that belongs to run `id` is found by this prefix in /run/netns; with `id` left out: of all runs. */
export const namespacePrefix = (id = ''): string => (id ? `vnl${id}-` : 'vnl')

export type ProcessRecord = { pid: number; startTime: number }

/** What the run wrote down about itself, for the sweep that follows should it die. */
export class RunState {
  readonly id: string
  readonly folder: string

  private constructor(id: string) {
    this.id = id
    this.folder = join(runsFolder, id)
  }

  /** Claims an unused id of four hexadecimal digits. Names made from it must fit into 15 characters and socket paths into 107. */
  static create(): RunState {
    mkdirSync(runsFolder, { recursive: true, mode: 0o755 })
    for (;;) {
      const state = new RunState(randomBytes(2).toString('hex'))
      try {
        mkdirSync(state.folder, { mode: 0o755 })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
        throw new Error(`could not make ${state.folder}: the laboratory must run as root`, { cause: error })
      }
      writeFileSync(join(state.folder, ownerFile), JSON.stringify(recordOf(process.pid)))
      return state
    }
  }

  /** The state that an earlier run left in `/run/vnet-lab/<id>`. */
  static open(id: string): RunState {
    return new RunState(id)
  }

  /** A folder inside the run's own, made when absent. */
  subfolder(...names: string[]): string {
    const path = join(this.folder, ...names)
    mkdirSync(path, { recursive: true })
    return path
  }

  namespace(name: string): string {
    return `${namespacePrefix(this.id)}${name}`
  }

  recordProcess(pid: number): void {
    appendFileSync(join(this.folder, processesFile), `${JSON.stringify(recordOf(pid))}\n`)
  }

  get processes(): ProcessRecord[] {
    return readLines(join(this.folder, processesFile)).map((line) => JSON.parse(line) as ProcessRecord)
  }

  /** Whether the process that made this run still lives. A folder without an owner is being made or was half removed. */
  get ownerIsAlive(): boolean {
    const [line] = readLines(join(this.folder, ownerFile))
    if (line === undefined) return false
    return isAlive(JSON.parse(line) as ProcessRecord)
  }
}

export const isAlive = ({ pid, startTime }: ProcessRecord): boolean => startTimeOf(pid) === startTime

const ownerFile = 'owner.json'
const processesFile = 'processes.jsonl'

const recordOf = (pid: number): ProcessRecord => ({ pid, startTime: startTimeOf(pid) ?? -1 })

const readLines = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
