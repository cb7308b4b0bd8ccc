import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from './clock.ts'
import type { Change, FakeObjectStore, StoredObject } from './fake-object-store.ts'
import type { Route } from './fake-routes.ts'
import { type Matches, selectionOf } from './fake-selectors.ts'
import { FakeStatusError } from './fake-status-error.ts'

export type FakeWatchOptions = {
  store: FakeObjectStore
  clock: Clock
  route: Route
  query: URLSearchParams
  response: ServerResponse
  bookmarkIntervalMs: number
}

/** One open watch: past changes, then new ones, with bookmarks, until its time is over, its client goes, or the server ends it. */
export class FakeWatch {
  readonly #options: FakeWatchOptions
  readonly #matches: Matches
  readonly #timers: Timer[] = []
  #unsubscribe: (() => void) | undefined
  #silent = false
  /** Nothing of this version or an earlier one comes out, also when the history is behind it: the server was restored. */
  readonly #from: number

  constructor(options: FakeWatchOptions) {
    this.#options = options
    this.#matches = selectionOf(options.query, options.route.namespace)
    this.#from = Number(options.query.get('resourceVersion') ?? 0)
  }

  get collection(): string {
    return this.#options.route.collection
  }

  start(): void {
    const { store, query, response, clock, bookmarkIntervalMs } = this.#options
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    response.on('close', () => this.#end())
    try {
      for (const change of this.#past()) this.#deliver(change)
    } catch (error) {
      if (!(error instanceof FakeStatusError)) throw error
      this.#send('ERROR', error.toStatus())
      response.end()
      return
    }
    this.#unsubscribe = store.onChange((change) => this.#deliver(change))
    const timeoutSeconds = Number(query.get('timeoutSeconds') ?? 0)
    if (timeoutSeconds > 0) this.#timers.push(clock.setTimeout(() => this.#timeOut(), timeoutSeconds * 1000))
    if (query.get('allowWatchBookmarks') === 'true') this.#scheduleBookmark(bookmarkIntervalMs)
  }

  /** From now on nothing comes out, and the connection stays: what a broken middlebox looks like. */
  silence(): void {
    this.#silent = true
  }

  /** Ends the stream in good order. */
  end(): void {
    this.#options.response.end()
  }

  #past(): Change[] {
    const { store, route } = this.#options
    if (this.#from > 0) return store.changesAfter(this.#from)
    const version = store.version
    return store
      .list(route.collection)
      .map((object) => ({ collection: route.collection, version, type: 'ADDED', object }))
  }

  // A change of labels can move an object into or out of the selection: the client sees it come or go.
  #deliver({ collection, version, type, object, previous }: Change): void {
    if (collection !== this.collection || version <= this.#from) return
    const is = type !== 'DELETED' && this.#matches(object)
    const was = previous !== undefined && this.#matches(previous)
    if (is) this.#send(was ? 'MODIFIED' : 'ADDED', object)
    else if (was) this.#send('DELETED', object)
  }

  #scheduleBookmark(intervalMs: number): void {
    const timer = this.#options.clock.setTimeout(() => {
      this.#bookmark()
      this.#scheduleBookmark(intervalMs)
    }, intervalMs)
    this.#timers.push(timer)
  }

  #bookmark(): void {
    const { store, route } = this.#options
    if (store.version < this.#from) return
    const object = { apiVersion: route.apiVersion, metadata: { resourceVersion: String(store.version) } }
    this.#send('BOOKMARK', object)
  }

  #send(type: string, object: StoredObject | object): void {
    if (!this.#silent) this.#options.response.write(`${JSON.stringify({ type, object })}\n`)
  }

  #timeOut(): void {
    if (!this.#silent) this.#options.response.end()
  }

  #end(): void {
    this.#unsubscribe?.()
    for (const timer of this.#timers) timer.cancel()
  }
}
