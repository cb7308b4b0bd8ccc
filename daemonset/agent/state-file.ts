import { join } from 'node:path'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { BridgeProblem, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { Identity } from '../desired/accept-spec.ts'
import { readJsonFile, writeFileDurably } from '../kernel/ledger.ts'

export const STATE_FILE = 'desired.json'
const VERSION = 1

export type Slices = readonly Pick<NetworkEndpointSlice, 'spec'>[]

/** What the node was last told, for the time in which nobody can be asked. */
export type StoredState = {
  readonly identity: Identity
  readonly spec: NodeBridgeSpec | undefined
  readonly slices: Slices | undefined
}

export const emptyState: StoredState = {
  identity: { epoch: 0, overlayUID: '', nodeUID: '' },
  spec: undefined,
  slices: undefined,
}

/** `<state-dir>/desired.json`. A file of another version counts as none. */
export class StateFile {
  readonly #path: string
  #unreadable: BridgeProblem | undefined
  #unwritable: BridgeProblem | undefined

  constructor(stateDir: string) {
    this.#path = join(stateDir, STATE_FILE)
  }

  /** Why the file cannot be written, or could not be read. */
  get problem(): BridgeProblem | undefined {
    return this.#unwritable ?? this.#unreadable
  }

  read(): StoredState {
    const { content, problem } = readJsonFile(this.#path)
    this.#unreadable = problem
    const { version, ...state } = content as Partial<StoredState> & { version?: number }
    return version === VERSION ? { ...emptyState, ...state } : emptyState
  }

  /** False: it could not be written. A node does as it is told all the same; what it was told is lost with the process. */
  write(state: StoredState): boolean {
    try {
      writeFileDurably(this.#path, JSON.stringify({ version: VERSION, ...state }))
      this.#unwritable = undefined
    } catch (error) {
      const message = `${(error as Error).message}; an agent that starts while the API server is away will not know what to do: make room in the folder, and let it be writable`
      this.#unwritable = { subject: this.#path, reason: 'StateUnwritable', message }
    }
    return this.#unwritable === undefined
  }
}
