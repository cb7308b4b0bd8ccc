// Writes specs into mailboxes by server-side apply, and remembers them until the view of the API server has caught up.
import type { NodeBridge, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'

const PARALLEL_WRITES = 8

export type SpecWrite = {
  object: { namespace: string; name: string; uid: string }
  bridge: string
  spec: NodeBridgeSpec
}
export type WriteFailure = { bridge: string; error: unknown }

type Written = { generation: number; spec: NodeBridgeSpec }

export class SpecWriter {
  readonly #client: KubeClient
  readonly #written = new Map<string, Written>()

  constructor(client: KubeClient) {
    this.#client = client
  }

  /** The newest spec of an object: ours, as long as the view shows an older one. */
  newest({ metadata, spec }: NodeBridge): NodeBridgeSpec {
    const written = this.#written.get(metadata.uid ?? '')
    if (!written || (metadata.generation ?? 0) >= written.generation) {
      this.#written.delete(metadata.uid ?? '')
      return spec ?? {}
    }
    return written.spec
  }

  /** Writes all, and tells which failed: the next step begins from what is published then. */
  async write(writes: readonly SpecWrite[], signal: AbortSignal): Promise<WriteFailure[]> {
    const queue = [...writes]
    const failures: WriteFailure[] = []
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next && !signal.aborted; next = queue.shift())
        try {
          await this.#writeOne(next, signal)
        } catch (error) {
          failures.push({ bridge: next.bridge, error })
        }
    }
    await Promise.all(Array.from({ length: PARALLEL_WRITES }, work))
    return failures
  }

  /** The UID makes the write fail when the member removed the object meanwhile: it must not come back. */
  async #writeOne({ object: { namespace, name, uid }, spec }: SpecWrite, signal: AbortSignal): Promise<void> {
    const object = { metadata: { namespace, name, uid }, spec }
    const result = await this.#client.apply(NodeBridges, object as never, { signal })
    this.#written.set(uid, { generation: result.metadata.generation ?? 0, spec })
  }
}
