import type { Clock } from '#runtime/clock.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { Logger } from '#runtime/logging.ts'
import { Nodes } from '#runtime/resources.ts'

export type NodeIdentityOptions = {
  client: KubeClient
  nodeName: string
  /** Given by a flag: then nobody is asked. */
  nodeUID: string | undefined
  onChange: () => void
  clock: Clock
  logger: Logger
}

const RETRY_MS = 5_000
const REFRESH_MS = 600_000

/** The UID of the Node object that this machine is. A machine may be registered anew under its name, so it is asked again. */
export class NodeIdentity {
  readonly #options: NodeIdentityOptions
  #uid: string

  constructor(options: NodeIdentityOptions) {
    this.#options = options
    this.#uid = options.nodeUID ?? ''
  }

  /** Empty as long as it is not known. */
  get uid(): string {
    return this.#uid
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    while (!signal.aborted) {
      const isKnown = this.#options.nodeUID !== undefined || (await this.#ask(signal))
      await clock.sleep(isKnown ? REFRESH_MS : RETRY_MS, signal).catch(() => {})
    }
  }

  async #ask(signal: AbortSignal): Promise<boolean> {
    const { client, nodeName: name, logger, onChange } = this.#options
    try {
      const uid = (await client.get(Nodes, { name }, { signal })).metadata?.uid ?? ''
      if (uid !== this.#uid) {
        this.#uid = uid
        onChange()
      }
      return uid !== ''
    } catch (error) {
      if (!signal.aborted) logger.info({ err: error, node: name }, 'the Node object could not be read; trying again')
      return false
    }
  }
}
