import { addon, type Handle, type RawMap } from './addon.ts'
import { bpfError } from './bpf-error.ts'

type Waiter = { promise: Promise<boolean>; resolve: (readable: boolean) => void; reject: (reason: Error) => void }

/** How many records one `drain` takes unless told: enough to be efficient, few enough to let other work in between. */
const DRAIN_DEFAULT = 256

/**
 * The reader of an eBPF ring buffer; there must be only one at a time, since reading moves the shared position.
 * The loop: `while (await ring.wait(signal)) for (const record of ring.drain()) …`
 */
export class RingBuffer {
  readonly id: number
  /** Size of the data in bytes, a power of two. */
  readonly sizeBytes: number
  readonly origin: string
  readonly #handle: Handle
  #waiter: Waiter | undefined
  #closed = false

  constructor(raw: RawMap, origin: string) {
    this.id = raw.id
    this.sizeBytes = raw.maxEntries
    this.origin = origin
    this.#handle = raw.handle
  }

  /**
   * Takes at most `max` records, oldest first, without waiting; each is a copy. A record that a program has reserved but not
   * yet submitted ends the result. Throws EBADMSG, and drops what is unread, where the memory holds no valid record.
   */
  drain(max = DRAIN_DEFAULT): Uint8Array[] {
    return addon().drain(this.#handle, max)
  }

  /**
   * Resolves with true as soon as there is something to read, with false once the ring is closed or `signal` aborts (which
   * ends every wait for this ring). Waits in the event loop (epoll) and keeps the process alive meanwhile.
   */
  wait(signal?: AbortSignal): Promise<boolean> {
    if (this.#closed || signal?.aborted) return Promise.resolve(false)
    this.#waiter ??= this.#begin()
    const waiter = this.#waiter
    if (!signal) return waiter.promise
    const abort = (): void => this.#end(waiter)
    signal.addEventListener('abort', abort, { once: true })
    return waiter.promise.finally(() => signal.removeEventListener('abort', abort))
  }

  /** Unmaps the pages, closes the descriptor and ends a wait with false. A second close does nothing. */
  close(): void {
    this.#closed = true
    if (this.#waiter) this.#end(this.#waiter)
    addon().closeRing(this.#handle)
  }

  #begin(): Waiter {
    const waiter: Waiter = Promise.withResolvers<boolean>()
    addon().wait(this.#handle, (status) => {
      this.#waiter = undefined
      if (status === 0) waiter.resolve(true)
      else waiter.reject(bpfError('EIO', `waiting for ring buffer '${this.origin}' ended with errno ${-status}`))
    })
    return waiter
  }

  #end(waiter: Waiter): void {
    if (this.#waiter !== waiter) return
    this.#waiter = undefined
    addon().cancel(this.#handle)
    waiter.resolve(false)
  }
}

/** Opens the ring buffer pinned at `pinPath`. Throws ENOENT where nothing is pinned, EINVAL where something else is. */
export const openRingBuffer = (pinPath: string): RingBuffer => new RingBuffer(addon().openRing(pinPath), pinPath)
