import { randomUUID } from 'node:crypto'
import { isNotFound } from './api-error.ts'
import { type Clock, microTimestamp, systemClock } from './clock.ts'
import type { KubeClient } from './kube-client.ts'
import { apiVersionOf, type KubeObject, type ObjectRef, type Resource } from './kube-object.ts'
import type { Logger } from './logging.ts'
import { Events, type KubeEvent } from './resources.ts'

export type EventRecorderOptions = {
  client: KubeClient
  /** Domain-prefixed name of the component: `vnet.dev/operator`. */
  reportingController: string
  /** Which instance: the pod's name. */
  reportingInstance: string
  logger: Logger
  clock?: Clock
  /** Writes in a burst, and per second after it. */
  burst?: number
  writesPerSecond?: number
}

/** What happened to what. `action`: what was done or attempted; `reason`: CamelCase; `note`: a sentence, at most 1 kB. */
export type EventStatement = {
  resource: Resource
  regarding: KubeObject
  related?: { resource: Resource; object: KubeObject }
  type: 'Normal' | 'Warning'
  reason: string
  action: string
  note: string
}

type Entry = {
  event: KubeEvent
  /** What it is about. */
  object: string
  /** Set once the object exists in the API server. */
  ref?: ObjectRef
  count: number
  lastMs: number
  isDirty: boolean
  /** When it was last written, or could not be. */
  writtenMs?: number
}

/** Repeats within this time are counted in the same event. */
const seriesMs = 6 * 60_000
/** A series is written anew this often at most; what came since then is written at its end. */
const rewriteMs = 60_000
const maxEntries = 1000
const maxEntriesPerObject = 25
const flushPeriodMs = 1_000
const maxNoteLength = 1024

/**
 * Records events (events.k8s.io/v1) without ever failing or delaying the caller. Repeats become a `series` of one event; writes are
 * limited by a token bucket, of which new events come first; when there are too many different ones, of one object or of all, the newest are dropped
 * and counted in the log.
 */
export class EventRecorder {
  readonly #options: Required<EventRecorderOptions>
  readonly #entries = new Map<string, Entry>()
  #tokens: number
  #dropped = 0

  constructor(options: EventRecorderOptions) {
    this.#options = { clock: systemClock, burst: 25, writesPerSecond: 1, ...options }
    this.#tokens = this.#options.burst
  }

  record(statement: EventStatement): void {
    const now = this.#options.clock.now()
    const key = identityOf(statement)
    const known = this.#entries.get(key)
    if (known && now - known.lastMs < seriesMs) {
      known.count++
      known.lastMs = now
      known.isDirty = true
      return
    }
    this.#entries.delete(key)
    const object = objectOf(statement)
    if (!this.#hasRoomFor(object)) this.#dropped++
    else this.#entries.set(key, { event: this.#newEvent(statement, now), object, count: 1, lastMs: now, isDirty: true })
  }

  /** Writes what was recorded, until the signal aborts; then once more what is left, for a short time. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, burst, writesPerSecond } = this.#options
    while (!signal.aborted) {
      await this.#flush(signal)
      await clock.sleep(flushPeriodMs, signal).catch(() => {})
      this.#tokens = Math.min(burst, this.#tokens + (writesPerSecond * flushPeriodMs) / 1000)
    }
    await this.#flush(AbortSignal.timeout(2_000), 0)
  }

  async #flush(signal: AbortSignal, pauseMs = rewriteMs): Promise<void> {
    this.#forget()
    for (const entry of this.#due(pauseMs)) {
      if (this.#tokens < 1 || signal.aborted) return
      this.#tokens--
      entry.isDirty = false
      entry.writtenMs = this.#options.clock.now()
      try {
        await this.#write(entry, signal)
      } catch (error) {
        // An event is a courtesy: it is not worth a retry, nor an alarm.
        this.#options.logger.debug({ err: error, reason: entry.event.reason }, 'an event could not be written')
      }
    }
  }

  /** New events in their order, then series, the one that waits longest first. */
  #due(pauseMs: number): Entry[] {
    const latestMs = this.#options.clock.now() - pauseMs
    return [...this.#entries.values()]
      .filter(({ isDirty, writtenMs = 0 }) => isDirty && writtenMs <= latestMs)
      .sort(({ writtenMs: left = 0 }, { writtenMs: right = 0 }) => left - right)
  }

  /** Room is also made by what is written already: if it comes again, it is another event. */
  #hasRoomFor(object: string): boolean {
    const entries = [...this.#entries]
    if (entries.filter(([, entry]) => entry.object === object).length >= maxEntriesPerObject) return false
    if (entries.length < maxEntries) return true
    const [key] = entries.find(([, { isDirty }]) => !isDirty) ?? []
    return key !== undefined && this.#entries.delete(key)
  }

  async #write(entry: Entry, signal: AbortSignal): Promise<void> {
    const { client } = this.#options
    const lastObservedTime = microTimestamp(entry.lastMs)
    const series = entry.count > 1 ? { count: entry.count, lastObservedTime } : undefined
    if (entry.ref && series) {
      try {
        await client.patch(Events, entry.ref, { series }, { signal })
        return
      } catch (error) {
        // The API server drops events after an hour.
        if (!isNotFound(error)) throw error
      }
    }
    const { metadata, ...event } = { ...entry.event, ...(series ? { series } : {}) }
    const created = await client.create(Events, { ...event, metadata: metadata ?? {} }, { signal })
    entry.ref = { name: created.metadata?.name ?? '', namespace: created.metadata?.namespace }
  }

  #forget(): void {
    const now = this.#options.clock.now()
    for (const [key, { lastMs, isDirty }] of this.#entries)
      if (!isDirty && now - lastMs >= seriesMs) this.#entries.delete(key)
    if (this.#dropped > 0)
      this.#options.logger.warn({ count: this.#dropped }, 'events were dropped: too many different ones')
    this.#dropped = 0
  }

  #newEvent({ resource, regarding, related, type, reason, action, note }: EventStatement, nowMs: number): KubeEvent {
    const { reportingController, reportingInstance } = this.#options
    const { name = 'unknown', namespace = 'default' } = regarding.metadata ?? {}
    return {
      // Not generateName: the API server refuses one that ends in the customary dot.
      metadata: { name: `${name.slice(0, 200)}.${randomUUID().slice(0, 13)}`, namespace },
      eventTime: microTimestamp(nowMs),
      regarding: referenceTo(resource, regarding),
      ...(related ? { related: referenceTo(related.resource, related.object) } : {}),
      type,
      reason,
      action,
      note: note.length > maxNoteLength ? `${note.slice(0, maxNoteLength - 1)}…` : note,
      reportingController,
      reportingInstance,
    }
  }
}

const referenceTo = (resource: Resource, { metadata }: KubeObject) => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  name: metadata?.name,
  namespace: metadata?.namespace,
  uid: metadata?.uid,
  resourceVersion: metadata?.resourceVersion,
})

const objectOf = ({ resource, regarding }: EventStatement): string => {
  const { namespace, name, uid } = regarding.metadata ?? {}
  return JSON.stringify([resource.plural, namespace, name, uid])
}

const identityOf = (statement: EventStatement): string => {
  const { type, reason, action, note } = statement
  return JSON.stringify([objectOf(statement), type, reason, action, note])
}
