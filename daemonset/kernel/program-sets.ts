import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PROGRAMS, type ProgramName } from '../desired/observed-state.ts'
import { openProgram, possibleCpus } from '../native/index.ts'
import { LAYOUT_VERSION, mapLayouts } from '../wire/map-layouts.ts'
import { KernelError, runCommand } from './command.ts'

// Programs and maps, pinned: `<bpf-dir>/v<layout>/maps/*` and `<bpf-dir>/v<layout>/p<digest>/*`. A new object of the same layout is
// loaded beside the old one on the same maps; maps are never re-created while their layout stays.

const MAPS = Object.keys(mapLayouts)

/** What the flow table may take of the memory that the agent's container may use: the kernel charges maps to who makes them. */
const FLOW_TABLE_BYTES = 128 * 1024 * 1024
const FLOWS = { least: 4096, most: 65_536 }

/** Flows that a node remembers: the table is allocated at once, with a value for each CPU that could be there. */
export const flowCapacity = (cpus: number): number => {
  const { key, value } = mapLayouts.flows
  const perFlowBytes = key.size + cpus * Math.ceil(value.size / 8) * 8
  return Math.max(FLOWS.least, Math.min(FLOWS.most, Math.floor(FLOW_TABLE_BYTES / perFlowBytes)))
}

/** Names in a folder; none where there is no such folder. */
export const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])
const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12)

/** The pinned program sets of this node. */
export class ProgramSets {
  /** Digest of the object that this agent brings. */
  readonly digest: string
  readonly mapsFolder: string
  readonly #objectPath: string
  readonly #bpfDir: string
  readonly #layoutFolder: string

  constructor({ bpfDir, objectPath }: { bpfDir: string; objectPath: string }) {
    if (!existsSync(objectPath))
      throw new Error(
        `There is no eBPF object at '${objectPath}': build it with 'make -C daemonset/bpf', or name it in --bpf-object.`,
      )
    this.digest = digestOf(objectPath)
    this.#objectPath = objectPath
    this.#bpfDir = bpfDir
    this.#layoutFolder = join(bpfDir, `v${LAYOUT_VERSION}`)
    this.mapsFolder = join(this.#layoutFolder, 'maps')
  }

  pinOf(programs: string, program: ProgramName): string {
    return join(this.#layoutFolder, `p${programs}`, program)
  }

  get hasMaps(): boolean {
    return MAPS.every((name) => existsSync(join(this.mapsFolder, name)))
  }

  /** Our own set, when it and its maps are complete. */
  current(): string | undefined {
    const complete = this.hasMaps && PROGRAMS.every((name) => existsSync(this.pinOf(this.digest, name)))
    return complete ? this.digest : undefined
  }

  /** Sets beside our own: digests of this layout, and folders of other layouts. */
  old(): string[] {
    const sets = names(this.#layoutFolder).filter((name) => name.startsWith('p') && name !== `p${this.digest}`)
    const layouts = names(this.#bpfDir).filter((name) => /^v\d+$/.test(name) && name !== `v${LAYOUT_VERSION}`)
    return [...sets.map((name) => name.slice(1)), ...layouts]
  }

  /** Which of our programs a kernel id is, and of which set; programs of other layouts count as well. */
  programsById(): Map<number, { program: ProgramName; programs: string }> {
    const found = new Map<number, { program: ProgramName; programs: string }>()
    for (const layout of names(this.#bpfDir).filter((name) => /^v\d+$/.test(name)))
      for (const set of names(join(this.#bpfDir, layout)).filter((name) => name.startsWith('p')))
        for (const program of PROGRAMS) {
          const pin = join(this.#bpfDir, layout, set, program)
          if (!existsSync(pin)) continue
          const handle = openProgram(pin)
          const isThisLayout = layout === `v${LAYOUT_VERSION}`
          found.set(handle.id, { program, programs: isThisLayout ? set.slice(1) : layout })
          handle.close()
        }
    return found
  }

  /**
   * Loads the object: on the maps that are pinned, else with new ones. Into folders of their own, which take their places when all went
   * well: an object that is refused leaves the pins of what is at work.
   */
  async load(): Promise<void> {
    const folder = join(this.#layoutFolder, `p${this.digest}`)
    const [newPrograms, newMaps, newFlows] = ['new-programs', 'new-maps', 'new-flows'].map((name) =>
      join(this.#layoutFolder, name),
    ) as [string, string, string]
    const { hasMaps } = this
    const drop = (): void => {
      for (const draft of [newPrograms, newMaps, newFlows]) rmSync(draft, { recursive: true, force: true })
    }
    drop()
    mkdirSync(this.#layoutFolder, { recursive: true })
    const reuse = (name: string, pin: string): string[] => ['map', 'name', name, 'pinned', pin]
    const maps = hasMaps
      ? MAPS.flatMap((name) => reuse(name, join(this.mapsFolder, name)))
      : [...reuse('flows', newFlows), 'pinmaps', newMaps]
    try {
      if (!hasMaps) await this.#createFlows(newFlows)
      await runCommand(['bpftool', 'prog', 'loadall', this.#objectPath, newPrograms, ...maps])
      // First away with a set on maps that are replaced: cut off here, the next start must not take it for complete.
      rmSync(folder, { recursive: true, force: true })
      if (!hasMaps) {
        rmSync(this.mapsFolder, { recursive: true, force: true })
        renameSync(newMaps, this.mapsFolder)
      }
      renameSync(newPrograms, folder)
    } catch (cause) {
      const said = cause instanceof KernelError ? cause.output : String(cause)
      const hint = 'a kernel of 6.1 or newer with CONFIG_BPF_SYSCALL and CAP_BPF is needed'
      throw new KernelError(`loading ${this.#objectPath}`, said, { reason: 'ProgramsRejected', hint, cause })
    } finally {
      drop()
    }
  }

  /** The one map whose size depends on the machine: what the object says would be gigabytes where there are many CPUs. */
  async #createFlows(pin: string): Promise<void> {
    const { key, value } = mapLayouts.flows
    const sizes = { key: key.size, value: value.size, entries: flowCapacity(possibleCpus()) }
    const words = Object.entries(sizes).flatMap(([name, size]) => [name, String(size)])
    await runCommand(['bpftool', 'map', 'create', pin, 'type', 'lru_percpu_hash', ...words, 'name', 'flows'])
  }

  /** Unpins an old set; a program that is still attached lives on until its filter goes. */
  remove(programs: string): void {
    const folder = /^v\d+$/.test(programs) ? this.#bpfDir : this.#layoutFolder
    rmSync(join(folder, /^v\d+$/.test(programs) ? programs : `p${programs}`), { recursive: true, force: true })
  }

  /** Unpins everything of every layout. The folder itself goes too, unless it is the root of a mount. */
  removeAll(): void {
    for (const layout of names(this.#bpfDir).filter((name) => /^v\d+$/.test(name)))
      rmSync(join(this.#bpfDir, layout), { recursive: true, force: true })
    if (!existsSync(this.#bpfDir) || names(this.#bpfDir).length > 0) return
    try {
      rmdirSync(this.#bpfDir)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    }
  }
}
