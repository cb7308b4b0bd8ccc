// Writes specs into mailboxes by server-side apply, and remembers them until the view of the API server has caught up.
import type { NodeBridge, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { isConflict } from '#runtime/api-error.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'

const PARALLEL_WRITES = 8

export type SeenObject = {
  namespace: string
  name: string
  uid: string
  generation: number | undefined
  resourceVersion: string | undefined
}

export type SpecWrite = {
  /** The object as the decision saw it: a spec that somebody wrote since is not overwritten. */
  object: SeenObject
  bridge: string
  spec: NodeBridgeSpec
}
export type WriteFailure = { bridge: string; error: unknown }

/** Reports of the agent that may come between before a write is given up for this step. */
const MAX_REPORTS = 3

type Written = {
  generation: number
  resourceVersion: string | undefined
  spec: NodeBridgeSpec
  /** What `newest` made of an object: the same each time. */
  shown?: { of: NodeBridge; object: NodeBridge }
}

export class SpecWriter {
  readonly #client: KubeClient
  readonly #written = new Map<string, Written>()

  constructor(client: KubeClient) {
    this.#client = client
  }

  /** The object with its newest spec and version: ours, as long as the view shows an older one. */
  newest(object: NodeBridge): NodeBridge {
    const { metadata } = object
    const written = this.#written.get(metadata.uid ?? '')
    if (!written || (metadata.generation ?? 0) >= written.generation) {
      this.#written.delete(metadata.uid ?? '')
      return object
    }
    if (written.shown?.of === object) return written.shown.object
    const { spec, generation, resourceVersion } = written
    const shown = {
      ...object,
      spec,
      metadata: { ...metadata, generation, ...(resourceVersion && { resourceVersion }) },
    }
    written.shown = { of: object, object: shown }
    return shown
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

  /**
   * Compare and swap: the version makes the write fail where another leader has written since, the UID where the member removed the object meanwhile,
   * which must not come back. A report of the agent changes the version too, but not the generation: then the write is tried again.
   */
  async #writeOne({ object, spec }: SpecWrite, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = object
    let { resourceVersion } = object
    for (let reports = 0; ; reports++)
      try {
        const result = await this.#client.apply(
          NodeBridges,
          { metadata: { namespace, name, uid, resourceVersion }, spec } as never,
          { signal },
        )
        const { generation = 0, resourceVersion: written } = result.metadata
        this.#written.set(uid, { generation, resourceVersion: written, spec })
        return
      } catch (error) {
        if (!isConflict(error) || reports >= MAX_REPORTS) throw error
        const { metadata } = await this.#client.get(NodeBridges, { namespace, name }, { signal })
        if (metadata.uid !== uid || metadata.generation !== object.generation) throw error
        resourceVersion = metadata.resourceVersion
      }
  }
}
