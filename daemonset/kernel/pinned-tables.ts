import { join } from 'node:path'
import { type Entry, emptyTables, TABLES, type TableName, type Tables, textOf } from '../desired/tables.ts'
import { type BpfMap, openMap } from '../native/index.ts'
import { u32 } from '../wire/codec.ts'
import { generationIndex, mapLayouts } from '../wire/map-layouts.ts'

type AnyCodec = { emit(value: unknown): Uint8Array; parse(bytes: Uint8Array): unknown }

const codecs = (table: TableName): { key: AnyCodec; value: AnyCodec } =>
  mapLayouts[table] as unknown as { key: AnyCodec; value: AnyCodec }

/** Lists carry a stamp that no other list may ever have had: a reader in the kernel stops when it changes under it. */
const isStamped = (table: TableName): boolean => table === 'trees' || table === 'network_ports'

/** No interface has this index: in `port_stats` it stands for all that are gone. */
const FORMER_PORTS = 0
const portKey = (vni: number, ifindex: number): Uint8Array => mapLayouts.port_stats.key.emit({ vni, ifindex })

/** The maps that the agent fills, through their pins. */
export class PinnedTables {
  readonly #folder: string
  readonly #maps = new Map<string, BpfMap>()
  readonly #known = new Map<TableName, { content: Buffer; entries: ReadonlyMap<string, Entry> }>()
  #stamp: number

  /** `firstStamp`: above all that an earlier agent gave; seconds of the clock will do. */
  constructor(folder: string, firstStamp: number) {
    this.#folder = folder
    this.#stamp = firstStamp
  }

  /** All entries; empty while nothing is loaded. */
  read(hasMaps: boolean): Tables {
    if (!hasMaps) return emptyTables()
    return Object.fromEntries(TABLES.map((table) => [table, this.#readTable(table)])) as unknown as Tables
  }

  put(table: TableName, { key, value }: Entry): void {
    const { key: keyCodec, value: valueCodec } = codecs(table)
    const stamped = isStamped(table) ? { ...(value as object), stamp: ++this.#stamp >>> 0 } : value
    const keyBytes = keyCodec.emit(key)
    const valueBytes = valueCodec.emit(stamped)
    if (this.#add(table, keyBytes, valueBytes)) return
    this.#map(table).update(keyBytes, valueBytes)
    this.#raiseGeneration(table, key)
  }

  delete(table: TableName, { key, value }: Entry): void {
    const bytes = codecs(table).key.emit(key)
    this.#map(table).delete(bytes)
    this.#raiseGeneration(table, key)
    // What the programs keep by that key goes as well: their maps would fill up with what was.
    // Link ids are used again, with another neighbour: its counts start anew.
    if (table === 'links') for (const name of ['link_stats', 'hops']) this.#map(name).delete(bytes)
    if (table === 'ports') this.#settlePort((value as { vni: number }).vni, key as number)
    if (table === 'networks') this.#map('port_stats').delete(portKey(key as number, FORMER_PORTS))
  }

  /** Adds the counts of a port that is gone to those of its network's former ports: a network's total never falls. */
  #settlePort(vni: number, ifindex: number): void {
    const counts = this.#map('port_stats')
    const own = counts.lookupPerCpu(portKey(vni, ifindex))
    if (!own) return
    const { value } = mapLayouts.port_stats
    const former = counts.lookupPerCpu(portKey(vni, FORMER_PORTS))?.map((bytes) => value.parse(bytes))
    const totals = own
      .map((bytes) => value.parse(bytes))
      .map(({ packets, bytes }, cpu) =>
        value.emit({ packets: packets + (former?.[cpu]?.packets ?? 0n), bytes: bytes + (former?.[cpu]?.bytes ?? 0n) }),
      )
    counts.updatePerCpu(portKey(vni, FORMER_PORTS), totals)
    counts.delete(portKey(vni, ifindex))
  }

  /** Forgets the open maps: they were replaced, or removed. */
  close(): void {
    for (const map of this.#maps.values()) map.close()
    this.#maps.clear()
  }

  /** A table without a change is the same object as the last time, and costs next to nothing: the large ones hardly ever change. */
  #readTable(table: TableName): ReadonlyMap<string, Entry> {
    const content = this.#map(table).content()
    const known = this.#known.get(table)
    if (content && known?.content.equals(content)) return known.entries
    const { key: keyCodec, value: valueCodec } = codecs(table)
    const entries = new Map<string, Entry>()
    for (const [keyBytes, valueBytes] of this.#map(table).entries()) {
      const key = keyCodec.parse(keyBytes)
      const value = this.#withoutStamp(table, valueCodec.parse(valueBytes))
      entries.set(textOf(key), { key, value } as Entry)
    }
    if (content) this.#known.set(table, { content, entries })
    return entries
  }

  /** Something new: nothing that was made from the maps before depends on it. */
  #add(table: TableName, key: Uint8Array, value: Uint8Array): boolean {
    // The elements of an array are there from the beginning.
    if (table === 'meta') return false
    try {
      this.#map(table).update(key, value, 'create')
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    }
  }

  /** After a write that changes or removes something: the fast path asks the maps again. */
  #raiseGeneration(table: TableName, key: unknown): void {
    const vni = table === 'ports' ? undefined : (key as { vni?: number }).vni
    const index = u32.emit(vni === undefined ? 0 : generationIndex(vni))
    const map = this.#map('generations')
    map.update(index, u32.emit((u32.parse(map.lookup(index)!) + 1) >>> 0))
  }

  #withoutStamp(table: TableName, value: unknown): unknown {
    if (!isStamped(table)) return value
    const { stamp, ...rest } = value as { stamp: number }
    this.#stamp = Math.max(this.#stamp, stamp)
    return rest
  }

  #map(name: string): BpfMap {
    const known = this.#maps.get(name)
    if (known) return known
    const map = openMap(join(this.#folder, name))
    this.#maps.set(name, map)
    return map
  }
}
