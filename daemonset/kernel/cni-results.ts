import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { BRIDGE_DEVICE_FORM } from '#crds/names.ts'
import type { BridgeProblem } from '#crds/node-bridge.ts'
import { type Attachment, parseAttachment } from '../desired/attachment.ts'
import { type Failure, isFailure } from '../wire/failure.ts'

const MAX_FILE_BYTES = 1024 * 1024
const deviceForm = new RegExp(`^${BRIDGE_DEVICE_FORM}$`)
const isOurs = (bridge: string): boolean => deviceForm.test(bridge)
const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

/** A folder that was removed and made again has another inode, and the old watcher says nothing any more. */
type Watched = { watcher: FSWatcher; inode: number }
type Parsed = { stamp: string; result: Attachment | Failure | undefined }

/** libcni's result caches on this node: which pod each interface in our bridges belongs to. */
export class CniResults {
  readonly #folders: readonly string[]
  readonly #parsed = new Map<string, Parsed>()
  readonly #watchers = new Map<string, Watched>()
  #problems = new Map<string, BridgeProblem>()

  /** Folders may be missing, and appear later. */
  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** All attachments to our bridges; `failures` says what could not be read. Files that did not change are not read again. */
  read(): { attachments: Attachment[]; failures: string[] } {
    const paths = this.#folders.flatMap((folder) => this.#list(folder).map((name) => join(folder, name)))
    const present = new Set(paths)
    for (const path of this.#parsed.keys()) if (!present.has(path)) this.#parsed.delete(path)
    const attachments: Attachment[] = []
    const failures: string[] = []
    for (const path of paths) {
      const result = this.#readFile(path)
      if (isFailure(result)) failures.push(`${path}: ${result.failure}`)
      else if (result) attachments.push(result)
    }
    return { attachments, failures }
  }

  /** Folders that cannot be watched or listed. */
  get problems(): BridgeProblem[] {
    return [...this.#problems.values()]
  }

  /**
   * Calls `onChange` when a file comes or goes, as far as the folders exist; call it again to find new folders. Where nothing more can
   * be watched (the host has a limit for all), that is a problem, and changes are found when the folders are read the next time.
   */
  watch(onChange: () => void): void {
    for (const folder of this.#folders)
      this.#attempt(folder, 'WatchFailed', watchHint, () => {
        const inode = statSync(folder).ino
        const known = this.#watchers.get(folder)
        if (known?.inode === inode) return
        known?.watcher.close()
        this.#watchers.delete(folder)
        const watcher = watch(folder, { persistent: false }, onChange)
        watcher.on('error', () => {
          watcher.close()
          this.#watchers.delete(folder)
        })
        this.#watchers.set(folder, { watcher, inode })
      })
  }

  close(): void {
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #list(folder: string): string[] {
    return this.#attempt(folder, 'ResultsUnreadable', listHint, () => list(folder)) ?? []
  }

  /** A folder that fails is a problem of its own; one that is missing is none. */
  #attempt<T>(folder: string, reason: string, hint: string, action: () => T): T | undefined {
    const key = `${reason} ${folder}`
    this.#problems.delete(key)
    try {
      return action()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') this.#problems.set(key, { subject: folder, reason, message: `${message}; ${hint}` })
      return undefined
    }
  }

  #readFile(path: string): Parsed['result'] {
    try {
      const { mtimeMs, size, ino } = statSync(path)
      const stamp = `${ino} ${mtimeMs} ${size}`
      const known = this.#parsed.get(path)
      if (known?.stamp === stamp) return known.result
      const result = size > MAX_FILE_BYTES ? undefined : parseAttachment(readFileSync(path, 'utf8'), isOurs, decode)
      this.#parsed.set(path, { stamp, result })
      return result
    } catch (error) {
      // The pod ended between listing and reading.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      return { failure: (error as Error).message }
    }
  }
}

const list = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

const watchHint = 'new VMs are seen within 30 s only; raise fs.inotify.max_user_instances and max_user_watches'
const listHint = 'the VMs in it are not known, and their ports stay closed'
