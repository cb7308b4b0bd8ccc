import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Direction } from '../desired/observed-state.ts'
import { attachTcx, detachTcx, hasTcx, openProgram, readTcxLink, tcxPrograms, updateTcx } from '../native/index.ts'
import { names } from './program-sets.ts'

// Links of programs at tcx hooks. A frame gets there without the walk through chains and classifiers of tc, which costs a tenth of all
// packets. And they run before all filters of tc, and one that says "take it" ends the chain: where another owner has one (Cilium does), a
// filter of ours would see nothing. Ours is before theirs. In place: the program.

export type Place = { readonly ifindex: number; readonly direction: Direction }
const keyOf = ({ ifindex, direction }: Place): string => `${ifindex}-${direction}`

/** Our links, pinned as `<bpf-dir>/links/<ifindex>-<direction>`. */
export class TcxLinks {
  readonly #folder: string
  readonly #isWanted: boolean
  #isUsed: boolean | undefined

  constructor(bpfDir: string, isWanted = true) {
    this.#folder = join(bpfDir, 'links')
    this.#isWanted = isWanted
  }

  /** Whether programs are attached so: the kernel can (Linux 6.6), and nobody wants otherwise. */
  get isUsed(): boolean {
    this.#isUsed ??= this.#isWanted && hasTcx()
    return this.#isUsed
  }

  /** Our program at the place, if one is there. `isFirst`: no tcx program of another owner runs before it. */
  programAt(place: Place): { id: number; name: string; isFirst: boolean } | undefined {
    const pin = this.#pinOf(place)
    const link = existsSync(pin) ? readTcxLink(pin) : undefined
    if (link?.ifindex !== place.ifindex || link.direction !== place.direction) return undefined
    // A link goes along with a device into another namespace, where its number says nothing of ours.
    const position = tcxPrograms(place.ifindex, place.direction).indexOf(link.programId)
    if (position < 0) return undefined
    return { id: link.programId, name: link.programName, isFirst: position === 0 }
  }

  /** Our program is the first there from the next frame on, in the place of a former one of ours. */
  attach(place: Place, programPin: string): void {
    const pin = this.#pinOf(place)
    const program = openProgram(programPin)
    try {
      if (this.programAt(place)?.isFirst) {
        updateTcx(pin, program)
        return
      }
      // The kernel takes a program once for each hook, and moves none: one that is behind others has to go first.
      this.#remove(pin)
      mkdirSync(this.#folder, { recursive: true })
      attachTcx(program, { ...place, pin })
    } finally {
      program.close()
    }
  }

  detach(place: Place): void {
    this.#remove(this.#pinOf(place))
  }

  #remove(pin: string): void {
    if (!existsSync(pin)) return
    if (readTcxLink(pin)) detachTcx(pin)
    else rmSync(pin)
  }

  /** Forgets links whose device is gone, also into another namespace. */
  prune(ifindexes: ReadonlySet<number>): void {
    for (const name of names(this.#folder)) {
      const pin = join(this.#folder, name)
      const link = readTcxLink(pin)
      if (link === undefined || !ifindexes.has(link.ifindex)) this.#remove(pin)
    }
  }

  /** Takes off all that is left, and leaves no folder. */
  removeAll(): void {
    this.prune(new Set())
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #pinOf(place: Place): string {
    return join(this.#folder, keyOf(place))
  }
}
