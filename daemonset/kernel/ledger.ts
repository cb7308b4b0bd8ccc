import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { BridgeProblem } from '#crds/node-bridge.ts'
import type { Owned } from '../desired/observed-state.ts'

/** Writes a file so that after a crash there is the old content or the new one, never half. */
export const writeFileDurably = (path: string, content: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.new`
  const file = openSync(draft, 'w', 0o600)
  try {
    // Goes on until all is written, or throws: a single write may take less, as on a full /run.
    writeFileSync(file, content)
    fsyncSync(file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(draft, path)
}

export type JsonFile = {
  readonly content: Readonly<Record<string, unknown>>
  /** Why a file that is there could not be read. */
  readonly problem: BridgeProblem | undefined
}

/** Content of a JSON file that holds an object; empty where there is none, or none that can be read. */
export const readJsonFile = (path: string): JsonFile => {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new Error('it holds no object')
    return { content: content as JsonFile['content'], problem: undefined }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { content: {}, problem: undefined }
    const message = `${path}: ${(error as Error).message}; the agent goes on without it, and writes it anew`
    return { content: {}, problem: { subject: path, reason: 'StateUnreadable', message } }
  }
}

const recordsOf = (value: unknown): Record<string, number> =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).filter(([, ifindex]) => typeof ifindex === 'number'))
    : {}

type Kind = 'devices' | 'qdiscs' | 'filters'

/**
 * The record of what the agent made (`owned.json`). Written before a thing is made, so that a crash leaves at worst a record of
 * something absent; erased after it is removed. What is not recorded is never touched. Lives in /run: a reboot takes both away.
 */
export class Ledger {
  readonly #path: string
  #owned: Owned

  /** Why the record of an earlier agent could not be read. */
  readonly problem: BridgeProblem | undefined

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'owned.json')
    const { content, problem } = readJsonFile(this.#path)
    this.problem = problem
    this.#owned = {
      devices: recordsOf(content.devices),
      qdiscs: recordsOf(content.qdiscs),
      filters: recordsOf(content.filters),
      notrack: content.notrack === true,
      bpffs: content.bpffs === true,
    }
  }

  get owned(): Owned {
    return this.#owned
  }

  /** `ifindex` 0: about to be made. */
  record(kind: Kind, key: string, ifindex: number): void {
    if (this.#owned[kind][key] === ifindex) return
    this.#write({ ...this.#owned, [kind]: { ...this.#owned[kind], [key]: ifindex } })
  }

  erase(kind: Kind, key: string): void {
    if (this.#owned[kind][key] === undefined) return
    const { [key]: _, ...rest } = this.#owned[kind]
    this.#write({ ...this.#owned, [kind]: rest })
  }

  /** Forgets what went away without us: a VM's interface with its filter, a device that somebody removed. */
  prune(interfaces: readonly { name: string; ifindex: number }[]): void {
    const present = new Map(interfaces.map(({ name, ifindex }) => [name, ifindex]))
    const deviceOf = (key: string): string => key.split('/')[0] ?? key
    const keep = (records: Readonly<Record<string, number>>): Record<string, number> =>
      Object.fromEntries(
        Object.entries(records).filter(([key, ifindex]) => {
          const found = present.get(deviceOf(key))
          return found !== undefined && (found === ifindex || ifindex === 0)
        }),
      )
    const { devices, qdiscs, filters } = this.#owned
    const pruned = { ...this.#owned, devices: keep(devices), qdiscs: keep(qdiscs), filters: keep(filters) }
    if (JSON.stringify(pruned) === JSON.stringify(this.#owned)) return
    try {
      this.#write(pruned)
    } catch {
      // In the file a record of something absent does no harm; whoever has to add one is told what is wrong.
      this.#owned = pruned
    }
  }

  recordFlag(name: 'notrack' | 'bpffs', isOurs: boolean): void {
    if (this.#owned[name] !== isOurs) this.#write({ ...this.#owned, [name]: isOurs })
  }

  #write(owned: Owned): void {
    writeFileDurably(this.#path, `${JSON.stringify(owned, null, 1)}\n`)
    this.#owned = owned
  }
}
