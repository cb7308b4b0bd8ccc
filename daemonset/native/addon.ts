import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A tagged external of the addon; it closes its descriptor when it is collected. */
export type Handle = { readonly handle: unique symbol }

export type RawMap = {
  handle: Handle
  type: number
  keySize: number
  valueSize: number
  maxEntries: number
  id: number
  flags: number
  /** Possible CPUs of a per-CPU map, else 0. */
  cpus: number
  name: string
}

export type RawProgram = { handle: Handle; type: number; id: number; tag: string; name: string }

export type RawBatch = {
  done: boolean
  grow: boolean
  count: number
  keys: Uint8Array
  values: Uint8Array
  cursor: Uint8Array | undefined
}

export type RawRun = { returnValue: number; durationNs: number; data: Uint8Array; context: Uint8Array | undefined }

/** The functions of module.c. Each checks its arguments and throws an Error with `code`, `errno` and `syscall: 'bpf'`. */
export type Addon = {
  possibleCpus(): number
  openMap(path: string): RawMap
  createMap(
    type: number,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    flags: number,
    name: string,
    innerMap: Handle | undefined,
  ): RawMap
  pin(map: Handle, path: string): void
  close(object: Handle): void
  lookup(map: Handle, key: Uint8Array): Uint8Array | undefined
  update(map: Handle, key: Uint8Array, value: Uint8Array, mode: number): void
  updateObject(map: Handle, key: Uint8Array, object: Handle, mode: number): void
  delete(map: Handle, key: Uint8Array): boolean
  nextKey(map: Handle, key: Uint8Array | undefined): Uint8Array | undefined
  batch(map: Handle, cursor: Uint8Array | undefined, count: number): RawBatch | undefined
  openProgram(path: string): RawProgram
  testRun(program: Handle, data: Uint8Array, context: Uint8Array | undefined, repeat: number): RawRun
  attachTcx(program: Handle, ifindex: number, attachType: number, path: string): void
  updateTcx(path: string, program: Handle): void
  detachTcx(path: string): void
  tcxLink(path: string): { ifindex: number; attachType: number; program: number; name: string }
  tcxPrograms(ifindex: number, attachType: number): number[]
  openRing(path: string): RawMap
  drain(ring: Handle, max: number): Uint8Array[]
  wait(ring: Handle, callback: (status: number) => void): void
  cancel(ring: Handle): void
  closeRing(ring: Handle): void
}

let loaded: Addon | undefined

/** Where the addon is: `VNET_NATIVE` names the file; otherwise it is where `make native` puts it. */
export const addonPath = (env: NodeJS.ProcessEnv): string =>
  resolve(env.VNET_NATIVE || join(import.meta.dirname, '../../build/native/vnet.node'))

/**
 * The addon, loaded at the first use, so that importing this folder needs neither Linux nor a build.
 * Throws when it is absent or was built for another machine.
 */
export const addon = (): Addon => {
  loaded ??= load(addonPath(process.env))
  return loaded
}

const load = (path: string): Addon => {
  if (!existsSync(path)) {
    throw new Error(`No native addon at '${path}': build it with 'make native', or name the file in VNET_NATIVE.`)
  }
  // Not require(): that would run a script, should VNET_NATIVE name one.
  const module: { exports: unknown } = { exports: {} }
  try {
    process.dlopen(module, path)
    return module.exports as Addon
  } catch (cause) {
    throw new Error(`The native addon '${path}' does not load: build it again with 'make native'.`, { cause })
  }
}
