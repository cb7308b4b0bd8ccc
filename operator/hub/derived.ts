import type { Source } from '#runtime/controller.ts'
import type { Informer } from '#runtime/informer.ts'
import type { KubeObject } from '#runtime/kube-object.ts'

type View = { synced: Informer<KubeObject>['synced']; onChange(handler: () => void): () => void }

/**
 * A value worked out from views, once for all who ask until one of these changes: what looks at everything must not be done for each request.
 * As a source it makes no requests; it only hears of changes while its controller runs, and remembers nothing before.
 */
export class Derived<Value> implements Source {
  readonly #views: readonly View[]
  readonly #make: () => Value
  #isHearing = false
  #known: { value: Value } | undefined

  constructor(views: readonly View[], make: () => Value) {
    this.#views = views
    this.#make = make
  }

  get(): Value {
    if (!this.#isHearing) return this.#make()
    this.#known ??= { value: this.#make() }
    return this.#known.value
  }

  /** Something else that it rests on has changed. */
  forget(): void {
    this.#known = undefined
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#views.map((view) => view.synced(signal)))
  }

  start(): () => void {
    const stops = this.#views.map((view) => view.onChange(() => this.forget()))
    this.forget()
    this.#isHearing = true
    return () => {
      this.#isHearing = false
      for (const stop of stops) stop()
    }
  }
}
