// What publication knows of each network and link, for those who write statuses: in memory only, made anew by each leader.
import type { LinkUse, TopologyProblem } from '#operator/compile/topology.ts'
import type { Source } from '#runtime/controller.ts'

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

/** Values by key, whose changes are requests. */
export class ReportBoard<Value> {
  readonly #values = new Map<string, { value: Value; text: string }>()
  readonly #listeners = new Set<Listener>()

  get(key: string): Value | undefined {
    return this.#values.get(key)?.value
  }

  replaceAll(values: ReadonlyMap<string, Value>): void {
    const gone = [...this.#values.keys()].filter((key) => !values.has(key))
    for (const key of gone) this.#values.delete(key)
    const changed = [...values].flatMap(([key, value]) => {
      const text = JSON.stringify(value)
      if (this.#values.get(key)?.text === text) return []
      this.#values.set(key, { value, text })
      return [key]
    })
    for (const listener of this.#listeners) for (const key of [...gone, ...changed]) listener(key)
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

export type OverlayBoards = { networks: ReportBoard<NetworkReport>; links: ReportBoard<LinkUse> }

export const createBoards = (): OverlayBoards => ({ networks: new ReportBoard(), links: new ReportBoard() })
