import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { NodeBridge, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import type { Lister } from '#runtime/store.ts'
import { type Identity, type Refusal, refusalOf } from '../desired/accept-spec.ts'
import type { Slices, StateFile, StoredState } from './state-file.ts'

type View<T> = { readonly hasSynced: boolean; readonly lister: Pick<Lister<T>, 'get' | 'list'> }

export type InstructionsOptions = {
  file: StateFile
  /** `namespace/name` of this node's NodeBridge. */
  key: string
  bridges: View<NodeBridge>
  slices: View<NetworkEndpointSlice>
  /** UID of the Node object; empty as long as it is not known. */
  nodeUID: () => string
}

/** What the node has to do now, and why not what it was told last. */
export type InForce = {
  readonly identity: Identity
  /** Undefined: nothing to do yet. */
  readonly spec: NodeBridgeSpec | undefined
  readonly slices: Slices
  readonly refusal: Refusal | undefined
}

const waiting: Refusal = { reason: 'WaitingForHub', message: 'this node has no NodeBridge yet' }

const versionsOf = (objects: readonly KubeObject[]): string =>
  objects.map(({ metadata }) => `${metadata?.name} ${metadata?.resourceVersion}`).join('\n')

/**
 * Which instructions are in force: the API server's where it has been heard and they are acceptable, else the last accepted ones. An
 * object that is missing, or empty, is no instruction to remove everything: that is what `--cleanup` is for.
 */
export class Instructions {
  readonly #options: InstructionsOptions
  #stored: StoredState
  #storedVersions = ''
  #isKept = true

  constructor(options: InstructionsOptions) {
    this.#options = options
    this.#stored = options.file.read()
  }

  /** Reads anew; what is accepted is in the local file before this returns, unless that cannot be written: then the next call tries again. */
  read(): InForce {
    const { bridges, slices, key } = this.#options
    const identity = this.#identity()
    const object = bridges.hasSynced ? bridges.lister.get(key) : undefined
    const { spec: inForce } = this.#stored
    const refusal = object ? refusalOf(object.spec ?? {}, identity, inForce) : bridges.hasSynced ? waiting : undefined
    const accepted = object && !refusal ? object.spec : undefined
    const heard = slices.hasSynced ? slices.lister.list() : undefined
    this.#store(
      {
        identity: accepted
          ? { ...identity, epoch: accepted.epoch ?? 0, overlayUID: accepted.overlayUID ?? '' }
          : identity,
        spec: accepted ?? this.#stored.spec,
        slices: heard ? heard.map(({ spec }) => ({ spec })) : this.#stored.slices,
      },
      `${versionsOf(accepted && object ? [object] : [])}\n${versionsOf(heard ?? [])}`,
    )
    // Without slices every port would be closed: at the first start wait until they have been heard.
    const { slices: known } = this.#stored
    return { identity: this.#stored.identity, spec: known && this.#stored.spec, slices: known ?? [], refusal }
  }

  #identity(): Identity {
    const { identity } = this.#stored
    return { ...identity, nodeUID: this.#options.nodeUID() || identity.nodeUID }
  }

  #store(next: StoredState, versions: string): void {
    const { identity } = this.#stored
    const sameIdentity = JSON.stringify(identity) === JSON.stringify(next.identity)
    const heardNothing = next.spec === this.#stored.spec && next.slices === this.#stored.slices
    if (this.#isKept && sameIdentity && (heardNothing || versions === this.#storedVersions)) return
    this.#isKept = this.#options.file.write(next)
    this.#stored = next
    this.#storedVersions = versions
  }
}
