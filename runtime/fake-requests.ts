import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parse } from 'yaml'
import { type Clock, timestamp } from './clock.ts'
import { mergePatch } from './fake-apply.ts'
import type { FakeObjectStore, Preconditions, StoredObject } from './fake-object-store.ts'
import type { Route } from './fake-routes.ts'
import { selectionOf } from './fake-selectors.ts'
import { expired, FakeStatusError } from './fake-status-error.ts'

export type ParsedRequest = {
  method: string
  /** Path without the query. */
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: unknown
}

/** Everything but watches: what the API server answers to one request for a resource. Failures are `FakeStatusError`. */
export class FakeRequests {
  readonly #store: FakeObjectStore
  readonly #clock: Clock
  /** The rest of paged lists, by continue token. */
  readonly #pages = new Map<string, { version: number; items: StoredObject[] }>()

  constructor(store: FakeObjectStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Continue tokens given out so far answer 410. */
  expirePages(): void {
    this.#pages.clear()
  }

  answer(request: ParsedRequest, route: Route): { code: number; body: unknown } {
    const { method } = request
    if (route.subresource === 'token' && method === 'POST') return { code: 201, body: this.#token(request, route) }
    if (route.subresource && !writableSubresources.has(route.subresource))
      throw new FakeStatusError(404, 'NotFound', `the fake API server has no subresource ${route.subresource}`)
    if (method === 'POST') return { code: 201, body: this.#create(request, route) }
    if (method === 'GET') return { code: 200, body: route.name ? this.#get(route) : this.#list(request, route) }
    if (!route.name) throw new FakeStatusError(405, 'MethodNotAllowed', `${method} of a collection is not supported`)
    if (method === 'PUT') return { code: 200, body: this.#update(request, route) }
    if (method === 'PATCH') return { code: 200, body: this.#patch(request, route) }
    if (method === 'DELETE') return { code: 200, body: this.#delete(request, route) }
    throw new FakeStatusError(405, 'MethodNotAllowed', method)
  }

  #get(route: Route): StoredObject {
    return this.#store.get(route.collection, refOf(route))
  }

  #list({ query }: ParsedRequest, route: Route): unknown {
    const token = query.get('continue')
    const page = token ? this.#pages.get(token) : this.#snapshot(query, route)
    if (!page) throw expired('The provided continue parameter is too old')
    const limit = Number(query.get('limit') ?? 0) || page.items.length
    const rest = page.items.slice(limit)
    const next = rest.length > 0 ? randomUUID() : undefined
    if (next) this.#pages.set(next, { version: page.version, items: rest })
    return {
      kind: 'List',
      apiVersion: route.apiVersion,
      metadata: { resourceVersion: String(page.version), ...(next ? { continue: next } : {}) },
      items: page.items.slice(0, limit).map(({ apiVersion: _a, kind: _k, ...item }) => item),
    }
  }

  #snapshot(query: URLSearchParams, route: Route): { version: number; items: StoredObject[] } {
    const items = this.#store.list(route.collection).filter(selectionOf(query, route.namespace))
    return { version: this.#store.version, items }
  }

  #create(request: ParsedRequest, route: Route): StoredObject {
    // A kind with a status subresource ignores status on creation.
    const { status: _, ...object } = objectOf(request)
    return this.#store.create(route.collection, inNamespace(object, route), { manager: managerOf(request) })
  }

  #update(request: ParsedRequest, route: Route): StoredObject {
    const object = objectOf(request)
    if (object.metadata.name !== route.name)
      throw new FakeStatusError(
        400,
        'BadRequest',
        `the name of the object (${object.metadata.name}) is not that of the URL`,
      )
    return this.#store.replace(route.collection, refOf(route), inNamespace(object, route), writerOf(request, route))
  }

  #patch(request: ParsedRequest, route: Route): StoredObject {
    const writer = writerOf(request, route)
    const type = request.headers['content-type']
    if (type === 'application/apply-patch+yaml') {
      const object = objectOf(request)
      if (object.metadata.managedFields)
        throw new FakeStatusError(400, 'BadRequest', 'metadata.managedFields must be nil')
      if (!request.query.get('fieldManager'))
        throw new FakeStatusError(422, 'Invalid', 'fieldManager: Required value: is required for apply patch')
      const force = request.query.get('force') === 'true'
      return this.#store.apply(route.collection, refOf(route), object, { ...writer, force })
    }
    if (type !== 'application/merge-patch+json')
      throw new FakeStatusError(
        415,
        'UnsupportedMediaType',
        `the fake API server does not know patches of type ${type}`,
      )
    const live = this.#get(route)
    const { resourceVersion: _, ...metadata } = live.metadata
    const next = mergePatch({ ...live, metadata }, request.body) as StoredObject
    return this.#store.replace(route.collection, refOf(route), next, writer)
  }

  #delete(request: ParsedRequest, route: Route): StoredObject {
    const { preconditions } = (request.body ?? {}) as { preconditions?: Preconditions }
    return this.#store.delete(route.collection, refOf(route), preconditions)
  }

  #token(request: ParsedRequest, route: Route): unknown {
    this.#get(route)
    const { spec } = request.body as { spec: { expirationSeconds?: number } }
    const expiresMs = this.#clock.now() + (spec.expirationSeconds ?? 3600) * 1000
    const status = { token: `fake-token-${route.name}-${randomUUID()}`, expirationTimestamp: timestamp(expiresMs) }
    return { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec, status }
  }
}

const writableSubresources = new Set(['status', 'approval'])

const refOf = ({ name = '', namespace }: Route) => ({ name, namespace })
const managerOf = ({ query, headers }: ParsedRequest): string =>
  query.get('fieldManager') ?? headers['user-agent']?.split('/')[0] ?? 'unknown'
const writerOf = (request: ParsedRequest, { subresource }: Route) => ({ manager: managerOf(request), subresource })

const objectOf = ({ body }: ParsedRequest): StoredObject => {
  const object = body as StoredObject | undefined
  if (!object?.metadata || !object.apiVersion || !object.kind)
    throw new FakeStatusError(400, 'BadRequest', 'an object needs apiVersion, kind and metadata')
  return object
}

const inNamespace = (object: StoredObject, { namespace }: Route): StoredObject => ({
  ...object,
  metadata: { ...object.metadata, ...(namespace ? { namespace } : {}) },
})

/** Reads and parses a request; bodies may be JSON or YAML. */
export const parseRequest = async (message: IncomingMessage): Promise<ParsedRequest> => {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const url = new URL(message.url ?? '/', 'http://fake')
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: message.headers,
    body: text ? parse(text) : undefined,
  }
}
