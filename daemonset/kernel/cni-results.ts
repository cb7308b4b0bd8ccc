import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { type Attachment, parseAttachment } from '../desired/attachment.ts'
import { type Failure, isFailure } from '../wire/failure.ts'

const MAX_FILE_BYTES = 1024 * 1024
/** Bridges of ours have names by digest (`crds/names.ts`). */
const isOurs = (bridge: string): boolean => /^vn[0-9a-f]{10}$/.test(bridge)
const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

type Parsed = { stamp: string; result: Attachment | Failure | undefined }

/** libcni's result caches on this node: which pod each interface in our bridges belongs to. */
export class CniResults {
  readonly #folders: readonly string[]
  readonly #parsed = new Map<string, Parsed>()
  readonly #watchers = new Map<string, FSWatcher>()

  /** Folders may be missing, and appear later. */
  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** All attachments to our bridges; `failures` says what could not be read. Files that did not change are not read again. */
  read(): { attachments: Attachment[]; failures: string[] } {
    const paths = this.#folders.flatMap((folder) => list(folder).map((name) => join(folder, name)))
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

  /** Calls `onChange` when a file comes or goes, as far as the folders exist; call it again to find new folders. */
  watch(onChange: () => void): void {
    for (const folder of this.#folders) {
      if (this.#watchers.has(folder)) continue
      try {
        const watcher = watch(folder, { persistent: false }, onChange)
        const forget = (): void => {
          watcher.close()
          this.#watchers.delete(folder)
        }
        watcher.on('error', forget)
        this.#watchers.set(folder, watcher)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
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

const list = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
