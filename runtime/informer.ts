import type { KubeObject, Resource } from './kube-object.ts'
import { Reflector, type ReflectorOptions, type ReflectorStatus } from './reflector.ts'
import { type ChangeHandler, type IndexFunction, type Lister, Store } from './store.ts'

export type InformerOptions<T extends KubeObject> = ReflectorOptions<T> & {
  /** By name: the values under which `lister.byIndex` finds an object. Must not throw. */
  indexes?: Record<string, IndexFunction<T>>
}

/** One kind, kept in memory and watched: a store that a reflector fills. */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly lister: Lister<T>
  readonly #store: Store<T>
  readonly #reflector: Reflector<T>

  constructor({ indexes, ...options }: InformerOptions<T>) {
    this.#store = new Store<T>(indexes)
    this.#reflector = new Reflector(this.#store, options)
    this.lister = this.#store
    this.resource = options.resource
  }

  /** The lister holds the cluster's objects (also when an `optional` kind does not exist: none). */
  get hasSynced(): boolean {
    return this.#reflector.status.hasSynced
  }

  get status(): Readonly<ReflectorStatus> {
    return this.#reflector.status
  }

  synced(signal: AbortSignal): Promise<void> {
    return this.#reflector.synced(signal)
  }

  /** Calls `handler` for every change; for what is there already, call it yourself over `lister.keys()`. Returns the way out. */
  onChange(handler: ChangeHandler<T>): () => void {
    return this.#store.onChange(handler)
  }

  /** The client leads to another server now: lists anew, and has not synced until then. The lister keeps what it has so far. */
  restart(): void {
    this.#reflector.restart()
  }

  /** Lists and watches until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal)
  }
}
