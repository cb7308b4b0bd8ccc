// What publication knows of each network and link, for those who write statuses: in memory only, made anew by each leader.
import { isDeepStrictEqual } from 'node:util'
import type { LinkUse, TopologyProblem } from '#operator/compile/topology.ts'
import type { Source } from '#runtime/controller.ts'
import { MailboxRefusals } from './mailbox-refusals.ts'

export type BridgeProgress = {
  bridge: string
  cluster: string
  isAccess: boolean
  isReady: boolean
  /** The node has programmed what the newest topology wants of it. */
  isProgrammed: boolean
  /** Why not, in words. */
  problem: string | undefined
}

export type NetworkReport = {
  bridges: BridgeProgress[]
  /** Groups of bridges that do not reach each other; one when all do. */
  components: readonly (readonly string[])[]
  problems: readonly TopologyProblem[]
  /** What old parts wait for. */
  draining: string[]
  currentRevision: string | undefined
  previousRevision: string | undefined
}

type Listener = (key: string) => void

/** Values by key, whose changes are requests. A new leader's is empty at first, which says nothing of anything. */
export class ReportBoard<Value> {
  readonly #values = new Map<string, Value>()
  readonly #listeners = new Set<Listener>()
  readonly #firstListeners = new Set<() => void>()
  readonly #isSame: (left: Value, right: Value) => boolean
  #isFilled = false

  constructor(isSame: (left: Value, right: Value) => boolean) {
    this.#isSame = isSame
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  /** Whether it has had any values: until then statuses stay as they are. */
  get isFilled(): boolean {
    return this.#isFilled
  }

  replaceAll(values: ReadonlyMap<string, Value>): void {
    const gone = [...this.#values.keys()].filter((key) => !values.has(key))
    for (const key of gone) this.#values.delete(key)
    const changed = [...values].flatMap(([key, value]) => {
      const known = this.#values.get(key)
      if (known !== undefined && this.#isSame(known, value)) return []
      this.#values.set(key, value)
      return [key]
    })
    for (const listener of this.#listeners) for (const key of [...gone, ...changed]) listener(key)
    if (this.#isFilled) return
    this.#isFilled = true
    for (const listener of this.#firstListeners) listener()
  }

  /** Requests for all when the board is filled, also for those that it has nothing of. */
  filling(all: () => Iterable<string>): Source {
    return {
      synced: async () => {},
      start: (enqueue) => {
        const listener = (): void => {
          for (const key of all()) enqueue(key)
        }
        this.#firstListeners.add(listener)
        return () => this.#firstListeners.delete(listener)
      },
    }
  }

  source(): Source {
    return {
      synced: async () => {},
      start: (enqueue) => {
        this.#listeners.add(enqueue)
        for (const key of this.#values.keys()) enqueue(key)
        return () => this.#listeners.delete(enqueue)
      },
    }
  }
}

export type OverlayBoards = {
  networks: ReportBoard<NetworkReport>
  links: ReportBoard<LinkUse>
  refusals: MailboxRefusals
}

const sameProgress = (left: BridgeProgress, right: BridgeProgress | undefined): boolean =>
  left === right || isDeepStrictEqual(left, right)

/** Bridges first: those that nothing changed for are the same objects. */
const sameReport = ({ bridges, ...left }: NetworkReport, { bridges: others, ...right }: NetworkReport): boolean =>
  bridges.length === others.length &&
  bridges.every((each, index) => sameProgress(each, others[index])) &&
  (Object.keys(left) as (keyof typeof left)[]).every(
    (field) => left[field] === right[field] || isDeepStrictEqual(left[field], right[field]),
  )

export const createBoards = (): OverlayBoards => ({
  networks: new ReportBoard(sameReport),
  links: new ReportBoard<LinkUse>(isDeepStrictEqual),
  refusals: new MailboxRefusals(),
})
