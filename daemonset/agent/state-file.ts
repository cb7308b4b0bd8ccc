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
  /** Why the file could not be read. */
  problem: BridgeProblem | undefined

  constructor(stateDir: string) {
    this.#path = join(stateDir, STATE_FILE)
  }

  read(): StoredState {
    const { content, problem } = readJsonFile(this.#path)
    this.problem = problem
    const { version, ...state } = content as Partial<StoredState> & { version?: number }
    return version === VERSION ? { ...emptyState, ...state } : emptyState
  }

  write(state: StoredState): void {
    writeFileDurably(this.#path, JSON.stringify({ version: VERSION, ...state }))
  }
}
