// Since when bridges owe an acknowledgement.

export type Outstanding = { serial: number; since: string; sinceMs: number }

/** After this time a bridge that is otherwise well counts as absent: it holds up no flood tree of others any more. */
export const ABSENT_AFTER_MS = 30_000

export class OutstandingSpecs {
  readonly #clock: { now(): number; monotonicMs(): number }
  readonly #owed = new Map<string, Outstanding>()

  constructor(clock: { now(): number; monotonicMs(): number }) {
    this.#clock = clock
  }

  /** `serial`: the newest one of the bridge; `isAcknowledged`: whether it was programmed. Its clock runs on when newer serials follow. */
  observe(bridge: string, serial: number, isAcknowledged: boolean): void {
    if (isAcknowledged) this.#owed.delete(bridge)
    else {
      const { since = new Date(this.#clock.now()).toISOString(), sinceMs = this.#clock.monotonicMs() } =
        this.#owed.get(bridge) ?? {}
      this.#owed.set(bridge, { serial, since, sinceMs })
    }
  }

  get(bridge: string): Outstanding | undefined {
    return this.#owed.get(bridge)
  }

  isOverdue(bridge: string): boolean {
    const owed = this.#owed.get(bridge)
    return owed !== undefined && this.#clock.monotonicMs() - owed.sinceMs > ABSENT_AFTER_MS
  }

  get size(): number {
    return this.#owed.size
  }

  /** Forgets bridges that are gone. */
  retain(bridges: ReadonlySet<string>): void {
    for (const bridge of this.#owed.keys()) if (!bridges.has(bridge)) this.#owed.delete(bridge)
  }
}
