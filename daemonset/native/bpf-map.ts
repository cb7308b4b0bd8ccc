import { addon, type Handle, type RawMap } from './addon.ts'
import { bpfError } from './bpf-error.ts'
import type { BpfProgram } from './bpf-program.ts'
import { mapContent, walkMap } from './map-walk.ts'
import { type MapType, mapTypeName, mapTypeNumber } from './object-type.ts'

/** `create` fails with EEXIST where the key is present, `exist` with ENOENT where it is not. */
export type UpdateMode = 'any' | 'create' | 'exist'

const modes = { any: 0, create: 1, exist: 2 } as const satisfies Record<UpdateMode, number>

/** BPF_F_NO_PREALLOC: elements are allocated when they are added; `lpm_trie` has to have it. */
export const NO_PREALLOC = 1

export type MapShape = {
  type: MapType
  /** Bytes. */
  keySize: number
  /** Bytes; for a per-CPU map those of one CPU. */
  valueSize: number
  maxEntries: number
  /** BPF_F_*; none by default. */
  flags?: number
  /** At most 15 characters of [A-Za-z0-9_.]. */
  name?: string
  /** For `array_of_maps` and `hash_of_maps`: a map of the shape that the inner ones have. */
  innerMap?: BpfMap
}

/**
 * An open eBPF map. Keys and values are bytes of exactly `keySize` and `valueSize`; what is returned is a copy, and nothing
 * passed in is kept. Failures of the kernel are Errors with `code`, `errno` and `syscall: 'bpf'`; after `close()` every use
 * throws EBADF.
 */
export class BpfMap {
  readonly type: MapType | `type-${number}`
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly id: number
  readonly flags: number
  readonly name: string
  /** Whether a value exists once for each possible CPU: then `lookupPerCpu`, `updatePerCpu` and `entriesPerCpu` apply. */
  readonly perCpu: boolean
  /** Names the map in messages: its pin, or the name that it was made with. */
  readonly origin: string
  /** For the addon only. */
  readonly handle: Handle
  readonly #raw: RawMap
  readonly #strideBytes: number

  constructor(raw: RawMap, origin: string) {
    this.type = mapTypeName(raw.type)
    this.keySize = raw.keySize
    this.valueSize = raw.valueSize
    this.maxEntries = raw.maxEntries
    this.id = raw.id
    this.flags = raw.flags
    this.name = raw.name
    this.perCpu = raw.cpus > 0
    this.origin = origin
    this.handle = raw.handle
    this.#raw = raw
    // The kernel pads the value of each CPU to a multiple of eight bytes.
    this.#strideBytes = Math.ceil(raw.valueSize / 8) * 8
  }

  /** The value's bytes, or undefined where the key is absent. For a map of maps: the 32-bit id of the inner map. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#expectPerCpu(false, 'lookup', 'lookupPerCpu')
    return addon().lookup(this.handle, key)
  }

  /** One value for each possible CPU, in the order of their numbers. */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    this.#expectPerCpu(true, 'lookupPerCpu', 'lookup')
    const values = addon().lookup(this.handle, key)
    return values && this.#split(values)
  }

  update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = 'any'): void {
    this.#expectPerCpu(false, 'update', 'updatePerCpu')
    addon().update(this.handle, key, value, modes[mode])
  }

  /** Sets the value of every possible CPU: `values` has `possibleCpus()` elements. */
  updatePerCpu(key: Uint8Array, values: readonly Uint8Array[], mode: UpdateMode = 'any'): void {
    this.#expectPerCpu(true, 'updatePerCpu', 'update')
    if (values.length !== this.#raw.cpus) {
      throw this.#error('EINVAL', `needs a value for each of ${this.#raw.cpus} possible CPUs, given ${values.length}`)
    }
    const joined = new Uint8Array(this.#strideBytes * this.#raw.cpus)
    for (const [cpu, value] of values.entries()) {
      if (value.length !== this.valueSize) {
        throw this.#error('EINVAL', `the value of CPU ${cpu} must be ${this.valueSize} bytes, given ${value.length}`)
      }
      joined.set(value, cpu * this.#strideBytes)
    }
    addon().update(this.handle, key, joined, modes[mode])
  }

  /** Puts an inner map into a map of maps, or a program into a `prog_array`; an atomic replacement of what was there. */
  updateObject(key: Uint8Array, object: BpfMap | BpfProgram, mode: UpdateMode = 'any'): void {
    addon().updateObject(this.handle, key, object.handle, modes[mode])
  }

  /** Whether the key was present. Array elements cannot be deleted (EINVAL). */
  delete(key: Uint8Array): boolean {
    return addon().delete(this.handle, key)
  }

  /** All pairs; `walkMap` says what holds while others add and delete. */
  entries(): Generator<[key: Uint8Array, value: Uint8Array], void, undefined> {
    this.#expectPerCpu(false, 'entries', 'entriesPerCpu')
    return walkMap(this.#raw, this.origin)
  }

  /** All bytes, to find out whether anything changed; `mapContent` says when there are none. */
  content(): Buffer | undefined {
    return mapContent(this.#raw, this.origin)
  }

  entriesPerCpu(): Generator<[key: Uint8Array, values: Uint8Array[]], void, undefined> {
    this.#expectPerCpu(true, 'entriesPerCpu', 'entries')
    return this.#splitAll(walkMap(this.#raw, this.origin))
  }

  /** Pins the map; `path` must be free and in a folder on a bpffs. */
  pin(path: string): void {
    addon().pin(this.handle, path)
  }

  /** Closes the descriptor; the map itself lives on while it is pinned or used. A second close does nothing. */
  close(): void {
    addon().close(this.handle)
  }

  *#splitAll(pairs: Iterable<[Uint8Array, Uint8Array]>): Generator<[Uint8Array, Uint8Array[]], void, undefined> {
    for (const [key, values] of pairs) yield [key, this.#split(values)]
  }

  #split(values: Uint8Array): Uint8Array[] {
    return Array.from({ length: this.#raw.cpus }, (_, cpu) => {
      const start = cpu * this.#strideBytes
      return values.slice(start, start + this.valueSize)
    })
  }

  #expectPerCpu(wanted: boolean, method: string, instead: string): void {
    if (this.perCpu !== wanted)
      throw this.#error('EINVAL', `${method} does not fit its type ${this.type}: use ${instead}`)
  }

  #error(code: 'EINVAL', message: string): Error {
    return bpfError(code, `map '${this.origin}' (key ${this.keySize} bytes, value ${this.valueSize} bytes): ${message}`)
  }
}

/** Opens the map pinned at `pinPath`. Throws ENOENT where nothing is pinned, EINVAL where something else is. */
export const openMap = (pinPath: string): BpfMap => new BpfMap(addon().openMap(pinPath), pinPath)

/** Makes a map that lives until it is closed, unless it is pinned or put into another. */
export const createMap = (shape: MapShape): BpfMap => {
  const name = shape.name ?? ''
  const { keySize, valueSize, maxEntries, flags = 0 } = shape
  const type = mapTypeNumber(shape.type)
  return new BpfMap(addon().createMap(type, keySize, valueSize, maxEntries, flags, name, shape.innerMap?.handle), name)
}
