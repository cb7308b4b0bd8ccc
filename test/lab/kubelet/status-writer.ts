import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { isConflict, isNotFound } from '#runtime/api-error.ts'
import { type Pod, Pods } from '#runtime/resources.ts'
import type { NodeContext } from './node-context.ts'
import type { PodStatus } from './pod-status.ts'

const gatherMs = 20
const retryMs = 1_000

/** Writes a pod's status, the newest only, one write at a time, until the API server takes it. */
export class StatusWriter {
  readonly #context: NodeContext
  readonly #pod: () => Pod
  readonly #stopped = new AbortController()
  #compute: (() => PodStatus) | undefined
  #written: PodStatus | undefined
  #busy: Promise<void> | undefined

  constructor(context: NodeContext, pod: () => Pod) {
    this.#context = context
    this.#pod = pod
  }

  /** Changes that follow each other closely become one write. */
  write(compute: () => PodStatus): void {
    this.#compute = compute
    this.#busy ??= this.#writeAll().finally(() => {
      this.#busy = undefined
    })
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    while (this.#busy) await this.#busy
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** The last act of a kubelet for a deleted pod. */
  async deletePod(): Promise<void> {
    const { uid } = this.#pod().metadata ?? {}
    await this.#persist(() => this.#context.client.delete(Pods, this.#ref(), { uid, gracePeriodSeconds: 0 }))
  }

  async #writeAll(): Promise<void> {
    while (this.#compute && !this.#stopped.signal.aborted) {
      await delay(gatherMs)
      const status = this.#compute()
      this.#compute = undefined
      if (isDeepStrictEqual(status, this.#written)) continue
      // The uid makes the write fail if another pod has the name by now.
      const patch = { metadata: { uid: this.#pod().metadata?.uid }, status }
      await this.#persist(() => this.#context.client.patch(Pods, this.#ref(), patch, { subresource: 'status' }))
      this.#written = status
    }
  }

  async #persist(attempt: () => Promise<unknown>): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        return void (await attempt())
      } catch (error) {
        // The pod is gone, or another one of its name is there.
        if (isNotFound(error) || isConflict(error)) return
        this.#context.report(`pod ${this.#ref().namespace}/${this.#ref().name}: ${(error as Error).message}`)
        await delay(retryMs, undefined, { signal: this.#stopped.signal }).catch(() => {})
      }
    }
  }

  #ref(): { name: string; namespace: string | undefined } {
    const { name = '', namespace } = this.#pod().metadata ?? {}
    return { name, namespace }
  }
}
