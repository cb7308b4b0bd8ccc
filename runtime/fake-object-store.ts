import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Clock, timestamp } from './clock.ts'
import { type Applied, applyFields, type Owners, ownChanges } from './fake-apply.ts'
import { conflict, expired, FakeStatusError, notFound } from './fake-status-error.ts'
import { deepFreeze, type KubeObject, keyOf, type ObjectMeta, type ObjectRef } from './kube-object.ts'

export type StoredObject = KubeObject & { metadata: ObjectMeta; status?: unknown }
export type Change = {
  collection: string
  version: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: StoredObject
  previous?: StoredObject
}
export type Writer = { manager: string; subresource?: string | undefined }
export type Preconditions = { uid?: string; resourceVersion?: string }

/** Objects, their versions and their history, with the API server's rules for writes. Collections are `plural.group`. */
export class FakeObjectStore {
  readonly #clock: Clock
  readonly #collections = new Map<string, Map<string, StoredObject>>()
  readonly #owners = new Map<string, Owners>()
  readonly #listeners = new Set<(change: Change) => void>()
  #history: Change[] = []
  #compacted = 0
  #version = 1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get version(): number {
    return this.#version
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets the history: watches from before end with 410. */
  compact(): void {
    this.#history = []
    this.#compacted = ++this.#version
  }

  /** What a backup has, and how to go back to it: versions given out since are given out again. */
  backUp(): () => void {
    const version = this.#version
    const collections = [...this.#collections].map(([name, objects]) => [name, new Map(objects)] as const)
    return () => {
      this.#version = version
      this.#history = []
      this.#collections.clear()
      for (const [name, objects] of collections) this.#collections.set(name, new Map(objects))
    }
  }

  changesAfter(version: number): Change[] {
    if (version < this.#compacted) throw expired(`too old resource version: ${version} (${this.#compacted})`)
    return this.#history.filter((change) => change.version > version)
  }

  /** Kinds that have, or have had, an object. */
  get collections(): string[] {
    return [...this.#collections.keys()]
  }

  list(collection: string): StoredObject[] {
    const objects = [...(this.#collections.get(collection)?.values() ?? [])]
    return objects.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  get(collection: string, ref: ObjectRef): StoredObject {
    const found = this.#collections.get(collection)?.get(keyOf(ref))
    if (!found) throw notFound(`${collection} "${keyOf(ref)}"`)
    return found
  }

  create(collection: string, object: StoredObject, { manager }: Writer, owners?: Owners): StoredObject {
    const { generateName, name = `${generateName}${randomUUID().slice(0, 5)}`, namespace } = object.metadata
    if (!name || (!object.metadata.name && !generateName))
      throw new FakeStatusError(422, 'Invalid', 'metadata.name: Required value: name or generateName is required')
    if (!object.metadata.name && !prefixPattern.test(generateName ?? ''))
      throw new FakeStatusError(422, 'Invalid', `metadata.generateName: Invalid value: "${generateName}"`)
    if (this.#collections.get(collection)?.has(keyOf({ name, namespace })))
      throw new FakeStatusError(409, 'AlreadyExists', `${collection} "${keyOf({ name, namespace })}" already exists`)
    if (object.metadata.resourceVersion)
      throw new FakeStatusError(400, 'BadRequest', 'resourceVersion should not be set on objects to be created')
    const uid = randomUUID()
    const creationTimestamp = timestamp(this.#clock.now())
    const metadata = { ...object.metadata, name, uid, creationTimestamp, generation: 1 }
    this.#owners.set(uid, owners ?? ownChanges(new Map(), `${manager}|Update|`, {}, managed(object)))
    return this.#store(collection, { ...object, metadata })
  }

  /** Update, merge patch and the status subresource end here: `next` is the whole object as the writer wants it. */
  replace(collection: string, ref: ObjectRef, next: StoredObject, writer: Writer): StoredObject {
    const live = this.get(collection, ref)
    checkPreconditions(live, next.metadata)
    const merged = mergeRegions(live, next, writer.subresource)
    const manager = `${writer.manager}|Update|${writer.subresource ?? ''}`
    return this.#write(collection, live, merged, (owners) =>
      ownChanges(owners, manager, managed(live), managed(merged)),
    )
  }

  /** Server-side apply to the main resource or to the status subresource. */
  apply(collection: string, ref: ObjectRef, applied: StoredObject, writer: Writer & { force: boolean }): StoredObject {
    const existing = this.#collections.get(collection)?.get(keyOf(ref))
    if (!existing && (writer.subresource || applied.metadata.uid)) throw notFound(`${collection} "${keyOf(ref)}"`)
    const live: StoredObject = existing ?? {
      apiVersion: applied.apiVersion,
      kind: applied.kind,
      metadata: { name: ref.name, ...(ref.namespace ? { namespace: ref.namespace } : {}) },
    }
    if (existing) checkPreconditions(existing, applied.metadata)
    const result = applyFields({
      live,
      owners: this.#owners.get(live.metadata.uid ?? '') ?? new Map(),
      manager: `${writer.manager}|Apply|${writer.subresource ?? ''}`,
      applied: regionOf(managed(applied), writer.subresource),
      force: writer.force,
    })
    if ('conflicts' in result) throw applyConflict(result)
    const object = result.object as StoredObject
    if (existing) return this.#write(collection, existing, object, () => result.owners)
    return this.create(collection, object, writer, result.owners)
  }

  /** Removes, or marks for deletion while finalizers hold the object. */
  delete(collection: string, ref: ObjectRef, preconditions: Preconditions = {}): StoredObject {
    const live = this.get(collection, ref)
    checkPreconditions(live, preconditions)
    if (!live.metadata.finalizers?.length) return this.#remove(collection, live)
    if (live.metadata.deletionTimestamp) return live
    const deletionTimestamp = timestamp(this.#clock.now())
    return this.#store(collection, { ...live, metadata: { ...live.metadata, deletionTimestamp } })
  }

  /** Puts an object in place as it is, status, uid and generation included: the state that a test begins with. */
  seed(collection: string, object: StoredObject): StoredObject {
    const live = this.#collections.get(collection)?.get(keyOf(object))
    const { generation: given = live?.metadata.generation } = object.metadata
    const changed =
      live !== undefined && given === live.metadata.generation && !isDeepStrictEqual(specOf(live), specOf(object))
    const defaults = { uid: randomUUID(), creationTimestamp: timestamp(this.#clock.now()), ...live?.metadata }
    const metadata = { ...defaults, ...object.metadata, generation: (given ?? 1) + (changed ? 1 : 0) }
    return this.#store(collection, { ...object, metadata })
  }

  #write(collection: string, live: StoredObject, next: StoredObject, own: (owners: Owners) => Owners): StoredObject {
    const uid = live.metadata.uid ?? ''
    const owners = this.#owners.get(uid) ?? new Map()
    this.#owners.set(uid, own(owners))
    // As the real server: a write that changes nothing makes no new version.
    if (isDeepStrictEqual(withoutServerFields(live), withoutServerFields(next))) return live
    const specChanged = !isDeepStrictEqual(specOf(live), specOf(next))
    const generation = (live.metadata.generation ?? 1) + (specChanged ? 1 : 0)
    const object = { ...next, metadata: { ...next.metadata, generation } }
    if (live.metadata.deletionTimestamp && !object.metadata.finalizers?.length) return this.#remove(collection, object)
    return this.#store(collection, object)
  }

  #store(collection: string, object: StoredObject): StoredObject {
    const objects = this.#collections.get(collection) ?? new Map<string, StoredObject>()
    this.#collections.set(collection, objects)
    const previous = objects.get(keyOf(object))
    const stored = this.#stamp(object)
    objects.set(keyOf(stored), stored)
    this.#emit(collection, previous ? 'MODIFIED' : 'ADDED', stored, previous)
    return stored
  }

  #remove(collection: string, object: StoredObject): StoredObject {
    const previous = this.#collections.get(collection)?.get(keyOf(object))
    this.#collections.get(collection)?.delete(keyOf(object))
    this.#owners.delete(object.metadata.uid ?? '')
    const removed = this.#stamp(object)
    this.#emit(collection, 'DELETED', removed, previous)
    return removed
  }

  #stamp(object: StoredObject): StoredObject {
    const managers = [...(this.#owners.get(object.metadata.uid ?? '')?.keys() ?? [])]
    const managedFields = managers.map((text) => {
      const [manager = '', operation = '', subresource] = text.split('|')
      return { manager, operation, apiVersion: object.apiVersion, ...(subresource ? { subresource } : {}) }
    })
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version), managedFields }
    return deepFreeze(structuredClone({ ...object, metadata }))
  }

  #emit(collection: string, type: Change['type'], object: StoredObject, previous?: StoredObject): void {
    const change = { collection, version: this.#version, type, object, ...(previous ? { previous } : {}) }
    this.#history.push(change)
    for (const listener of [...this.#listeners]) listener(change)
  }
}

/** A DNS subdomain that may end in dashes; the dot, customary in names of events, is refused. */
const prefixPattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?-*$/

const checkPreconditions = ({ metadata }: StoredObject, wanted: Preconditions | ObjectMeta): void => {
  if (wanted.uid && wanted.uid !== metadata.uid)
    throw conflict(`Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${metadata.uid}`)
  if (wanted.resourceVersion && wanted.resourceVersion !== metadata.resourceVersion)
    throw conflict(
      `the object has been modified; apply your changes to the latest version (${metadata.resourceVersion})`,
    )
}

const applyConflict = (result: Extract<Applied, { conflicts: unknown }>): FakeStatusError =>
  conflict(
    `Apply failed with ${result.conflicts.length} conflict(s): ${result.conflicts.map(({ manager, path }) => `${manager} owns ${path}`).join('; ')}`,
  )

/** Status writes change nothing but status, main writes everything else; identity never changes. */
const mergeRegions = (live: StoredObject, next: StoredObject, subresource: string | undefined): StoredObject => {
  if (subresource) return { ...live, status: next.status }
  const { uid, creationTimestamp, deletionTimestamp, generation, name, namespace } = live.metadata
  const identity = { uid, creationTimestamp, deletionTimestamp, generation, name, namespace }
  const metadata = { ...next.metadata, ...identity }
  return { ...next, metadata, ...('status' in live ? { status: live.status } : { status: undefined }) }
}

const regionOf = ({ status, ...rest }: Record<string, unknown>, subresource: string | undefined): object =>
  subresource ? { status } : rest

/** What field managers can own. */
const managed = ({ apiVersion: _a, kind: _k, metadata, ...rest }: StoredObject): Record<string, unknown> => {
  const { labels, annotations, finalizers, ownerReferences } = metadata
  return { ...rest, metadata: { labels, annotations, finalizers, ownerReferences } }
}

const withoutServerFields = (object: StoredObject): unknown => {
  const { resourceVersion: _r, managedFields: _m, generation: _g, ...metadata } = object.metadata
  return JSON.parse(JSON.stringify({ ...object, metadata }))
}

const specOf = ({ metadata: _m, status: _s, ...rest }: StoredObject): unknown => JSON.parse(JSON.stringify(rest))
