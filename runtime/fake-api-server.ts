import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Clock, systemClock } from './clock.ts'
import { discoveryAnswer } from './fake-discovery.ts'
import { FakeObjectStore, type StoredObject } from './fake-object-store.ts'
import { FakeRequests, type ParsedRequest, parseRequest } from './fake-requests.ts'
import { parseRoute } from './fake-routes.ts'
import { FakePlainAnswer, FakeStatusError, notFound } from './fake-status-error.ts'
import { FakeWatch } from './fake-watch.ts'
import { KubeClient } from './kube-client.ts'
import { KubeConfig } from './kube-config.ts'
import { apiVersionOf, type KubeObject, type ObjectRef, type Resource, resourceName } from './kube-object.ts'

export type FakeApiServerOptions = {
  clock?: Clock
  /** How often a quiet watch gets a bookmark; the real server: about a minute. */
  bookmarkIntervalMs?: number
  /** Requests for which this is false get 401. */
  authorize?: (headers: IncomingMessage['headers']) => boolean
}

/** A fault for the next `times` requests that match. */
export type Fault = {
  method?: string
  path?: RegExp
  status: number
  reason?: string
  message?: string
  retryAfterSeconds?: number
  times?: number
  /** The answer is this text instead of a `metav1.Status`, as from a proxy. */
  text?: string
}

/**
 * Test support: an API server on loopback that keeps its objects in memory. Real: HTTP, paged lists, selectors, watches with
 * bookmarks and time-outs, resource versions, conflicts, preconditions, finalizers, generation, status subresource, field
 * ownership, token requests, 410, discovery of the kinds that have had an object. Not real: any kind is accepted unless `setMissing`, every kind has a status subresource, no schema
 * validation, defaulting, admission, RBAC, garbage collection or graceful deletion; a Namespace need not exist and can go
 * before its contents; of patches only merge patch and server-side apply, where lists are atomic except conditions (by type),
 * ownerReferences (by uid) and finalizers, and `managedFields` tells managers but not fields.
 */
export class FakeApiServer {
  /** Every request so far, also failed ones. */
  readonly requests: ParsedRequest[] = []
  readonly #clock: Clock
  readonly #bookmarkIntervalMs: number
  readonly #authorize: (headers: IncomingMessage['headers']) => boolean
  readonly #store: FakeObjectStore
  readonly #answers: FakeRequests
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #sockets = new Set<Socket>()
  readonly #watches = new Set<FakeWatch>()
  readonly #clients: KubeClient[] = []
  readonly #missing = new Set<string>()
  #faults: (Fault & { left: number })[] = []

  private constructor({
    clock = systemClock,
    bookmarkIntervalMs = 60_000,
    authorize = () => true,
  }: FakeApiServerOptions) {
    this.#clock = clock
    this.#bookmarkIntervalMs = bookmarkIntervalMs
    this.#authorize = authorize
    this.#store = new FakeObjectStore(clock)
    this.#answers = new FakeRequests(this.#store, clock)
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    const fake = new FakeApiServer(options)
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    return fake
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get openWatches(): number {
    return this.#watches.size
  }

  kubeConfig(): KubeConfig {
    const config = new KubeConfig()
    config.loadFromClusterAndUser({ name: 'fake', server: this.url, skipTLSVerify: false }, { name: 'test' })
    return config
  }

  /** A client of this server; `stop` closes it. */
  client({
    fieldManager = 'test',
    timeoutMs = 30_000,
  }: {
    fieldManager?: string
    timeoutMs?: number
  } = {}): KubeClient {
    const client = new KubeClient({ config: this.kubeConfig(), fieldManager, timeoutMs })
    this.#clients.push(client)
    return client
  }

  /** Puts an object in place, status included. */
  seed<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const typed = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
    return this.#store.seed(resourceName(resource), typed as unknown as StoredObject) as unknown as T
  }

  read<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef): T | undefined {
    return this.list(resource).find(
      ({ metadata }) => metadata?.name === ref.name && metadata.namespace === ref.namespace,
    )
  }

  list<T extends KubeObject>(resource: Resource<T>): T[] {
    return this.#store.list(resourceName(resource)) as unknown as T[]
  }

  /** As somebody else's write: replaces the object by what `change` makes of a copy of it. */
  modify<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, change: (object: T) => T): T {
    const { resourceVersion: _, ...metadata } = this.#store.get(resourceName(resource), ref).metadata
    const copy = structuredClone({ ...this.#store.get(resourceName(resource), ref), metadata })
    return this.seed(resource, change(copy as unknown as T))
  }

  remove(resource: Resource, ref: ObjectRef): void {
    this.#store.delete(resourceName(resource), ref)
  }

  /** While missing, a kind answers 404 as before its CustomResourceDefinition exists. */
  setMissing(resource: Resource, missing: boolean): void {
    if (missing) this.#missing.add(resourceName(resource))
    else this.#missing.delete(resourceName(resource))
  }

  /** Forgets history: older watches and continue tokens get 410. */
  compact(): void {
    this.#store.compact()
    this.#answers.expirePages()
  }

  /** Returns how to go back to now, as by restoring etcd: the server starts anew, and gives versions that it gave before to other content. */
  backUp(): () => void {
    const restore = this.#store.backUp()
    return () => {
      restore()
      this.#answers.expirePages()
      this.resetConnections()
    }
  }

  /** Cuts every connection with a reset. */
  resetConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Ends the open watches in good order, as the real server does on shutdown. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end()
  }

  /** Open watches say nothing more but stay connected; new ones work. */
  silence(): void {
    for (const watch of this.#watches) watch.silence()
  }

  failNext(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1 })
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const request = await parseRequest(message)
      this.requests.push(request)
      this.#refuse(request)
      if (request.path === '/version') return send(response, 200, version)
      const served = this.#store.collections.filter((collection) => !this.#missing.has(collection))
      const document = discoveryAnswer(request.path, served)
      if (document) return send(response, 200, document)
      const route = parseRoute(request.path)
      if (this.#missing.has(route.collection)) throw missingKind(route.collection)
      if (request.method === 'GET' && request.query.get('watch') === 'true') return this.#watch(request, response)
      const { code, body } = this.#answers.answer(request, route)
      send(response, code, body)
    } catch (error) {
      if (response.destroyed) return
      if (error instanceof FakePlainAnswer) return void response.writeHead(error.code).end(error.message)
      const failure =
        error instanceof FakeStatusError ? error : new FakeStatusError(500, 'InternalError', String(error))
      const { retryAfterSeconds } = failure
      if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds))
      send(response, failure.code, failure.toStatus())
    }
  }

  #refuse({ method, path, headers }: ParsedRequest): void {
    if (!this.#authorize(headers)) throw new FakeStatusError(401, 'Unauthorized', 'Unauthorized')
    const fault = this.#faults.find((it) => (it.method ?? method) === method && (it.path?.test(path) ?? true))
    if (!fault) return
    if (--fault.left <= 0) this.#faults = this.#faults.filter((other) => other !== fault)
    const { status, reason = '', message = 'a fault injected by the test', retryAfterSeconds, text } = fault
    if (text !== undefined) throw new FakePlainAnswer(status, text)
    throw new FakeStatusError(status, reason, message, retryAfterSeconds)
  }

  #watch({ path, query }: ParsedRequest, response: ServerResponse): void {
    const watch = new FakeWatch({
      store: this.#store,
      clock: this.#clock,
      route: parseRoute(path),
      query,
      response,
      bookmarkIntervalMs: this.#bookmarkIntervalMs,
    })
    this.#watches.add(watch)
    response.on('close', () => this.#watches.delete(watch))
    watch.start()
  }
}

// The real server knows its core group at least, and has no Status for a group that it does not know.
const missingKind = (collection: string): Error =>
  collection.includes('.')
    ? new FakePlainAnswer(404, '404 page not found\n')
    : notFound('the server could not find the requested resource')

const version = { major: '1', minor: '36', gitVersion: 'v1.36.0-fake' }

const send = (response: ServerResponse, code: number, body: unknown): void => {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
