import { errorFromStatus, isGone, isNotFound } from './api-error.ts'
import type {
  Abortable,
  Applied,
  ApplyOptions,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  Query,
  RequestOptions,
  Selection,
  Token,
  TokenOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kube-client-options.ts'
import {
  apiVersionOf,
  type KubeObject,
  type ObjectRef,
  type Resource,
  refOf,
  resourceName,
  resourcePath,
} from './kube-object.ts'
import { KubeRequests } from './kube-requests.ts'
import { ServiceAccounts } from './resources.ts'

/** Typed requests to one API server. All failures are `ApiError`, except an abort, which throws the signal's reason. */
export class KubeClient {
  readonly #requests: KubeRequests
  readonly #fieldManager: string

  constructor(options: KubeClientOptions) {
    this.#requests = new KubeRequests(options)
    this.#fieldManager = options.fieldManager
  }

  /** Base address of the API server. */
  get server(): string {
    return this.#requests.server
  }

  async request<T>(options: RequestOptions): Promise<T> {
    return JSON.parse(await this.requestText(options)) as T
  }

  requestText(options: RequestOptions): Promise<string> {
    return this.#requests.text(options)
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, { signal }: Abortable = {}): Promise<T> {
    const path = resourcePath(resource, ref)
    return this.request<T>({ method: 'GET', path, signal, attempt: describe('get', resource, ref) })
  }

  /** As `get`, but an absent object is `undefined`. */
  async find<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: Abortable): Promise<T | undefined> {
    return await this.get(resource, ref, options).catch(notFoundIsUndefined)
  }

  /** All objects of one consistent snapshot, fetched in pages of `limit`. */
  async list<T extends KubeObject>(
    resource: Resource<T>,
    { limit = 500, signal, ...selection }: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    try {
      return await this.#listPages(resource, { ...selection, signal, limit })
    } catch (error) {
      // The snapshot of an early page was compacted before the last page was read.
      if (!isGone(error)) throw error
      return await this.#listPages(resource, { ...selection, signal, limit: 0 })
    }
  }

  /**
   * Changes after `resourceVersion`, with bookmarks; ends when the server ends the stream. An event of type ERROR is thrown
   * (410 as `isGone`). Leaving the loop closes the connection.
   */
  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void> {
    const { resourceVersion, timeoutSeconds, signal, ...selection } = options
    const path = resourcePath(resource, { namespace: selection.namespace })
    const query = { ...selectors(selection), watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds }
    const attempt = describe('watch', resource, selection)
    for await (const event of this.#requests.stream({ method: 'GET', path, query, signal, attempt })) {
      const { type, object } = event as { type: string; object: object }
      if (type === 'ERROR') throw errorFromStatus(attempt, object)
      yield event as WatchEvent<T>
    }
  }

  create<T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: Omit<WriteOptions, 'subresource'> = {},
  ): Promise<T> {
    return this.#write(resource, { verb: 'create', ref: refOf(object), body: withType(resource, object) }, options)
  }

  /** Server-side apply: this manager's fields become exactly those given. Takes fields over from others unless `force: false`. */
  apply<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions = {}): Promise<T> {
    const { fieldManager = this.#fieldManager, force = true, ...rest } = options
    const { managedFields: _, ...metadata } = object.metadata
    const body = { ...withType(resource, object), metadata }
    const contentType = 'application/apply-patch+yaml'
    return this.#write(
      resource,
      { verb: 'apply', ref: refOf(body), body, contentType, query: { fieldManager, force } },
      rest,
    )
  }

  applyStatus<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions = {}): Promise<T> {
    return this.apply(resource, object, { subresource: 'status', ...options })
  }

  /** JSON merge patch: `null` removes a field, lists are replaced. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    patch: object,
    options: WriteOptions = {},
  ): Promise<T> {
    const contentType = 'application/merge-patch+json'
    return this.#write(resource, { verb: 'patch', ref, body: patch, contentType }, options)
  }

  /** Replaces an object. With `metadata.resourceVersion` it fails (`isConflict`) if somebody wrote in between. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write(resource, { verb: 'update', ref: refOf(object), body: withType(resource, object) }, options)
  }

  /** Deletes; resolves to false when the object was already absent. */
  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds, signal } = options
    const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions, propagationPolicy, gracePeriodSeconds }
    const attempt = describe('delete', resource, ref)
    const path = resourcePath(resource, ref)
    const answer = await this.requestText({ method: 'DELETE', path, body, signal, attempt }).catch(notFoundIsUndefined)
    return answer !== undefined
  }

  /** A short-lived token of a service account (TokenRequest). */
  async createToken(serviceAccount: ObjectRef, { signal, ...spec }: TokenOptions = {}): Promise<Token> {
    const { status } = await this.request<{ status: Token }>({
      method: 'POST',
      path: resourcePath(ServiceAccounts, serviceAccount, 'token'),
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], ...spec } },
      signal,
      attempt: describe('create a token of', ServiceAccounts, serviceAccount),
    })
    return { token: status.token, expirationTimestamp: status.expirationTimestamp }
  }

  /** Closes all connections. */
  close(): void {
    this.#requests.close()
  }

  async #listPages<T extends KubeObject>(
    resource: Resource<T>,
    { limit, signal, ...selection }: ListOptions & { limit: number },
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const path = resourcePath(resource, { namespace: selection.namespace })
    const attempt = describe('list', resource, selection)
    const items: T[] = []
    let page: Page<T> | undefined
    do {
      const query = { ...selectors(selection), limit: limit || undefined, continue: page?.metadata.continue }
      page = await this.request<Page<T>>({ method: 'GET', path, query, signal, attempt })
      // Items of built-in kinds come without their type.
      for (const item of page.items) items.push(withType(resource, item))
    } while (page.metadata.continue)
    return { items, resourceVersion: page.metadata.resourceVersion }
  }

  #write<T extends KubeObject>(resource: Resource<T>, write: Write, options: WriteOptions): Promise<T> {
    const { verb, ref, body, contentType, query } = write
    const { subresource, dryRun, signal } = options
    return this.request<T>({
      method: methods[verb],
      path: resourcePath(resource, verb === 'create' ? { namespace: ref.namespace } : ref, subresource),
      query: { fieldManager: this.#fieldManager, ...query, dryRun: dryRun ? 'All' : undefined },
      body,
      ...(contentType ? { contentType } : {}),
      signal,
      attempt: describe(subresource ? `${verb} ${subresource} of` : verb, resource, ref),
    })
  }
}

type Page<T> = { metadata: { resourceVersion: string; continue?: string }; items: T[] }

type Verb = 'create' | 'apply' | 'patch' | 'update'
type Write = { verb: Verb; ref: ObjectRef; body: object; contentType?: string; query?: Query }

const methods = { create: 'POST', apply: 'PATCH', patch: 'PATCH', update: 'PUT' } as const

const withType = <T extends KubeObject>(resource: Resource, object: T): T => ({
  ...object,
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
})

const selectors = ({ labelSelector, fieldSelector }: Selection): Query => ({ labelSelector, fieldSelector })

const describe = (verb: string, resource: Resource, { name, namespace }: Partial<ObjectRef>): string =>
  [verb, resourceName(resource), [namespace, name].filter(Boolean).join('/')].filter(Boolean).join(' ')

const notFoundIsUndefined = (error: unknown): undefined => {
  if (!isNotFound(error)) throw error
}
