/** Something that is so or not yet, and that one can wait for. */
export class Latch {
  readonly #waiters = new Set<() => void>()
  #isOpen = false

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** All who wait go on. */
  open(): void {
    this.#isOpen = true
    for (const waiter of this.#waiters) waiter()
    this.#waiters.clear()
  }

  /** Whoever comes from now on waits. */
  close(): void {
    this.#isOpen = false
  }

  /** Resolves when it is open; rejects with the signal's reason. */
  opened(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isOpen) return resolve()
      if (signal.aborted) return reject(signal.reason)
      const onAbort = (): void => {
        this.#waiters.delete(onOpen)
        reject(signal.reason)
      }
      const onOpen = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(onOpen)
    })
  }
}
