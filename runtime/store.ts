import { isDeepStrictEqual } from 'node:util'
import { deepFreeze, type KubeObject, keyOf } from './kube-object.ts'

/** Values under which an object is found by `byIndex`. */
export type IndexFunction<T> = (object: T) => string[]

/** Told which key changed, and the last object known under it; what is true now is in the lister (`undefined`: deleted). */
export type ChangeHandler<T> = (key: string, previous: T | undefined) => void

/** Read-only view of a store. Objects are shared and deeply frozen. */
export interface Lister<T> {
  get(key: string): T | undefined
  list(): T[]
  byIndex(index: string, value: string): T[]
  keys(): string[]
  readonly size: number
}

const hasVersionOf = ({ metadata }: KubeObject, other: KubeObject): boolean =>
  metadata?.resourceVersion !== undefined && metadata.resourceVersion === other.metadata?.resourceVersion

/** The objects of one kind in memory, by key, with indexes. Handlers run after the store has changed. */
export class Store<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes: ReadonlyMap<string, Index<T>>
  readonly #handlers = new Set<ChangeHandler<T>>()

  constructor(indexes: Record<string, IndexFunction<T>> = {}) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, values]) => [name, new Index(values)]))
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  keys(): string[] {
    return [...this.#objects.keys()]
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index)
    if (!found)
      throw new RangeError(`no index "${index}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`)
    return found.keys(value).map((key) => this.#objects.get(key) as T)
  }

  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  /** Adds or replaces; an object that has the stored resource version is no change. */
  upsert(object: T): void {
    const key = keyOf(object)
    const previous = this.#objects.get(key)
    if (!previous || !hasVersionOf(object, previous)) this.#put(key, object, previous)
  }

  #put(key: string, object: T, previous: T | undefined): void {
    const frozen = deepFreeze(object)
    this.#objects.set(key, frozen)
    for (const index of this.#indexes.values()) index.move(key, previous, frozen)
    this.#notify(key, previous)
  }

  delete(key: string): void {
    const previous = this.#objects.get(key)
    if (!previous) return
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) index.move(key, previous, undefined)
    this.#notify(key, previous)
  }

  /**
   * Makes the store exactly `objects`; handlers hear of the differences only, deletions included. Equal resource versions do not make objects equal
   * here: a server that was restored, or another one, gives the same versions to other content.
   */
  replace(objects: readonly T[]): void {
    const present = new Set(objects.map(keyOf))
    for (const key of this.keys()) if (!present.has(key)) this.delete(key)
    for (const object of objects) {
      const key = keyOf(object)
      const previous = this.#objects.get(key)
      if (!previous || !hasVersionOf(object, previous) || !isDeepStrictEqual(object, previous))
        this.#put(key, object, previous)
    }
  }

  #notify(key: string, previous: T | undefined): void {
    for (const handler of [...this.#handlers]) handler(key, previous)
  }
}

class Index<T> {
  readonly #values: IndexFunction<T>
  readonly #keys = new Map<string, Set<string>>()

  constructor(values: IndexFunction<T>) {
    this.#values = values
  }

  keys(value: string): string[] {
    return [...(this.#keys.get(value) ?? [])]
  }

  move(key: string, from: T | undefined, to: T | undefined): void {
    for (const value of from ? this.#values(from) : []) {
      this.#keys.get(value)?.delete(key)
      if (this.#keys.get(value)?.size === 0) this.#keys.delete(value)
    }
    for (const value of to ? this.#values(to) : []) {
      const keys = this.#keys.get(value)
      if (keys) keys.add(key)
      else this.#keys.set(value, new Set([key]))
    }
  }
}
