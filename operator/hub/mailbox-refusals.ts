// Mailboxes that refuse what networks need in them: each network is told, and no cluster waits for another.
import { ApiError, isConflict } from '#runtime/api-error.ts'
import type { Source } from '#runtime/controller.ts'

/** Who writes: each forgets its own refusals alone. */
type Writer = 'projection' | 'endpoints'
type Refusals = ReadonlyMap<string, string>

const isSame = (left: Refusals, right: Refusals): boolean =>
  left.size === right.size && [...left].every(([cluster, message]) => right.get(cluster) === message)

const NONE: Refusals = new Map()

/** Does all, also after one failed; then rejects with the first failure. */
export const eachForItself = async <Item>(
  items: Iterable<Item>,
  signal: AbortSignal,
  act: (item: Item) => Promise<unknown>,
): Promise<void> => {
  const failures: unknown[] = []
  for (const item of items)
    try {
      await act(item)
    } catch (error) {
      if (signal.aborted) throw error
      failures.push(error)
    }
  if (failures.length > 0) throw failures[0]
}

export class MailboxRefusals {
  readonly #known = new Map<string, Refusals>()
  readonly #listeners = new Set<(network: string) => void>()

  /** Refusals of a network's mailboxes, in words. */
  of(network: string): { cluster: string; message: string }[] {
    const writers: Writer[] = ['projection', 'endpoints']
    const found = new Map(writers.flatMap((writer) => [...(this.#known.get(`${writer} ${network}`) ?? NONE)]))
    return [...found].map(([cluster, message]) => ({ cluster, message }))
  }

  /**
   * Does what a network needs in each mailbox. Where it fails the others go on; then it rejects with the first failure. What was refused is known until
   * the same writer succeeds there.
   */
  async inEach(
    { writer, network, signal }: { writer: Writer; network: string; signal: AbortSignal },
    clusters: Iterable<string>,
    act: (cluster: string) => Promise<void>,
  ): Promise<void> {
    const refused = new Map<string, string>()
    const visit = eachForItself(clusters, signal, async (cluster) => {
      try {
        await act(cluster)
      } catch (error) {
        // After a conflict the retry sees what was written in between.
        if (!isConflict(error) && error instanceof ApiError) refused.set(cluster, error.message)
        throw error
      }
    })
    await visit.finally(() => signal.aborted || this.#note(`${writer} ${network}`, network, refused))
  }

  source(): Source {
    return {
      synced: async () => {},
      start: (enqueue) => {
        this.#listeners.add(enqueue)
        return () => this.#listeners.delete(enqueue)
      },
    }
  }

  #note(key: string, network: string, refused: Refusals): void {
    if (isSame(this.#known.get(key) ?? NONE, refused)) return
    if (refused.size === 0) this.#known.delete(key)
    else this.#known.set(key, refused)
    for (const listener of this.#listeners) listener(network)
  }
}
