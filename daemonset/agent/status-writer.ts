import type { NodeBridge, NodeBridgeStatus } from '#crds/node-bridge.ts'
import { isNotFound } from '#runtime/api-error.ts'
import { jitter, type Random } from '#runtime/backoff.ts'
import type { Clock, Timer } from '#runtime/clock.ts'
import { sameStatus, setConditions } from '#runtime/conditions.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { Logger } from '#runtime/logging.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import type { StatusDraft } from '../desired/node-status.ts'

export type StatusWriterOptions = {
  client: KubeClient
  namespace: string
  nodeName: string
  /** The object as the API server last told it; undefined: it does not exist, or nobody has been heard. */
  current: () => NodeBridge | undefined
  clock: Clock
  random: Random
  logger: Logger
}

/** Changes that nobody waits for are gathered this long, and spread over as long again: a fleet does not write at once. */
const SPREAD_MS = 1_000
const RETRY_MS = 5_000

/**
 * Writes NodeBridge status by server-side apply. What the hub waits for (programmed serial, revisions) and conditions are written at
 * once; ports and problems a little later; what is the same, not at all.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  #draft: StatusDraft | undefined
  #written: NodeBridgeStatus | undefined
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  report(draft: StatusDraft): void {
    this.#draft = draft
    const next = this.#statusNow()
    const previous = this.#options.current()?.status ?? this.#written
    if (next === undefined || sameStatus(previous, next)) return
    this.#schedule(isUrgent(previous, next) ? 0 : jitter(SPREAD_MS, 1, this.#options.random))
  }

  /** Resolves when no write is under way; no later one is begun. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    await this.#writing
  }

  #statusNow(): NodeBridgeStatus | undefined {
    const object = this.#options.current()
    if (!object || !this.#draft) return undefined
    const { fields, conditions } = this.#draft
    const observedGeneration = object.metadata.generation
    const statements = conditions.map((statement) => ({ ...statement, observedGeneration }))
    const before = object.status?.conditions ?? this.#written?.conditions ?? []
    const now = new Date(this.#options.clock.now()).toISOString()
    return { ...fields, conditions: setConditions(before, statements, now) }
  }

  #schedule(delayMs: number): void {
    if (this.#timer && delayMs > 0) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#writing = this.#writing.then(() => this.#write())
    }, delayMs)
  }

  async #write(): Promise<void> {
    const { client, namespace, nodeName: name, logger } = this.#options
    const status = this.#statusNow()
    if (!status || sameStatus(this.#options.current()?.status, status)) return
    try {
      await client.applyStatus(NodeBridges, { metadata: { namespace, name }, status } as NodeBridge)
      this.#written = status
    } catch (error) {
      // Without the object there is nobody to tell; when it comes, the informer tells us.
      if (isNotFound(error)) return
      logger.info({ err: error }, 'the status could not be written; trying again')
      this.#schedule(RETRY_MS)
    }
  }
}

const isUrgent = (
  before: NodeBridgeStatus | undefined,
  { programmedSerial, programmedEpoch, networks, conditions }: NodeBridgeStatus,
) => {
  const verdicts = (list: NodeBridgeStatus['conditions']): unknown =>
    list?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)
  return (
    programmedSerial !== before?.programmedSerial ||
    programmedEpoch !== before?.programmedEpoch ||
    !sameStatus(networks, before?.networks) ||
    !sameStatus(verdicts(conditions), verdicts(before?.conditions))
  )
}
