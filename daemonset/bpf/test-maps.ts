import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, openMap } from '#daemonset/native/index.ts'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import { type Codec, u32 } from '#daemonset/wire/codec.ts'
import { type DropReason, dropReasonOf } from '#daemonset/wire/drop-reasons.ts'
import { LAYOUT_VERSION, type MapKey, type MapName, type MapValue, mapLayouts } from '#daemonset/wire/map-layouts.ts'
import { SOURCE_PORT_END, SOURCE_PORT_FIRST } from '#daemonset/wire/vxlan-header.ts'

export const MARK = 0x3076
export const UDP_PORT = 14789
/** Of the tunnel device, beside `external gbp`: as the agent makes it. */
export const VXLAN_OPTIONS = `udp6zerocsumrx srcport ${SOURCE_PORT_FIRST} ${SOURCE_PORT_END}`

/** Of the inlet: a device for IPv4, whose one network number no datagram on the wire has to carry. */
export const INLET_OPTIONS = `id 1 nolearning dstport ${UDP_PORT + 1}`

/** How often each reason was counted. */
export type Drops = Partial<Record<DropReason, number>>

const objectFolder = join(import.meta.dirname, '../../build/bpf')

/** `uncounted.bpf.o`: what is shipped, but without accounting. */
export type BpfObject = 'vnet.bpf.o' | 'test.bpf.o' | 'uncounted.bpf.o'

/** Builds what this folder compiles, and returns the path of one product. */
export const built = (name: BpfObject | 'test-socket'): string => {
  execFileSync('make', ['-s', '-C', import.meta.dirname, `OUT=${objectFolder}`, join(objectFolder, name)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(objectFolder, name)
}

/** The pinned maps of one bridge under test, written through the codecs as the agent writes them. */
export class TestMaps {
  /** Folder of the pins: `prog/NAME` and `maps/NAME`. */
  readonly pins: string
  readonly #open = new Map<string, BpfMap>()
  #fastPath = true
  #inlet = false

  /** Loads an object under `name` into `bpffs`, and fills `meta`. */
  constructor(bpffs: Bpffs, name: string, object: BpfObject) {
    this.pins = join(bpffs.path, name)
    mkdirSync(this.pins)
    const folders = [`${this.pins}/prog`, 'pinmaps', `${this.pins}/maps`]
    execFileSync('bpftool', ['prog', 'loadall', built(object), ...folders], { stdio: ['ignore', 'ignore', 'inherit'] })
    this.configure(LAYOUT_VERSION)
  }

  /** Whether frames may take the fast path. */
  set fastPath(on: boolean) {
    this.#fastPath = on
    this.configure(LAYOUT_VERSION)
  }

  /** Whether there is an inlet. */
  set inlet(on: boolean) {
    this.#inlet = on
    this.configure(LAYOUT_VERSION)
  }

  configure(layout: number): void {
    this.put('meta', 0, {
      layout,
      udpPort: UDP_PORT,
      mark: MARK,
      fastPath: this.#fastPath,
      inlet: this.#inlet,
      overlay: 1n,
      node: 2n,
      serial: 3n,
    })
  }

  put<N extends MapName>(name: N, key: MapKey<N>, value: MapValue<N>): void {
    const { key: keys, value: values } = mapLayouts[name] as unknown as { key: Codec<unknown>; value: Codec<unknown> }
    this.raw(name).update(keys.emit(key), values.emit(value))
    if (!mapLayouts[name].perCpu) this.raiseGeneration()
  }

  remove<N extends MapName>(name: N, key: MapKey<N>): void {
    this.raw(name).delete((mapLayouts[name].key as Codec<unknown>).emit(key))
    this.raiseGeneration()
  }

  /** The fast path forgets what it knows, as after every write of the agent. */
  raiseGeneration(): void {
    const zero = u32.emit(0)
    const map = this.raw('generations')
    map.update(zero, u32.emit(u32.parse(map.lookup(zero)!) + 1))
  }

  /** Values of a per-CPU map, one for each CPU; none for an absent key. */
  perCpu<N extends MapName>(name: N, key: MapKey<N>): MapValue<N>[] {
    const { key: keys, value } = mapLayouts[name] as unknown as { key: Codec<unknown>; value: Codec<MapValue<N>> }
    return (this.raw(name).lookupPerCpu(keys.emit(key)) ?? []).map(value.parse)
  }

  /** Empties every hash, and sets `meta` again; counters stay. */
  clear(): void {
    const hashes = (Object.keys(mapLayouts) as MapName[]).filter(
      (name) => !mapLayouts[name].perCpu && name !== 'meta' && name !== 'generations',
    )
    for (const name of hashes) for (const [key] of [...this.raw(name).entries()]) this.raw(name).delete(key)
    this.configure(LAYOUT_VERSION)
  }

  /** All drops so far, over all CPUs. */
  drops(): Drops {
    const totals: Drops = {}
    for (const [key, values] of this.raw('drops').entriesPerCpu()) {
      const number = u32.parse(key)
      const total = values.map(mapLayouts.drops.value.parse).reduce((sum, count) => sum + Number(count), 0)
      const reason = dropReasonOf(number)
      if (total > 0 && !reason) throw new Error(`a program counted drop reason ${number}, which has no name`)
      if (total > 0 && reason) totals[reason] = total
    }
    return totals
  }

  /** A map by its pin's name, as bytes. */
  raw(name: string): BpfMap {
    const map = this.#open.get(name) ?? openMap(`${this.pins}/maps/${name}`)
    this.#open.set(name, map)
    return map
  }

  close(): void {
    for (const map of this.#open.values()) map.close()
  }
}

/** What was counted between two readings. */
export const dropsSince = (before: Drops, after: Drops): Drops =>
  Object.fromEntries(
    (Object.keys(after) as DropReason[])
      .map((reason) => [reason, after[reason]! - (before[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  )
