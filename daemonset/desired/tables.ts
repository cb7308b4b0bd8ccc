import type { MapKey, MapName, MapValue } from '../wire/map-layouts.ts'

/** The maps that the agent fills. The others hold what the programs count. */
export const TABLES = [
  'links',
  'peers',
  'peer_networks',
  'labels',
  'trees',
  'networks',
  'paths',
  'ports',
  'macs',
  'network_ports',
  'meta',
] as const satisfies readonly MapName[]
export type TableName = (typeof TABLES)[number]

export type TableKey<N extends TableName> = MapKey<N>
/** The value without the stamp of lists: the door to the kernel gives each list that it writes a new one. */
export type TableValue<N extends TableName> =
  Omit<MapValue<N>, 'stamp'> extends infer V ? (MapValue<N> extends number ? number : V) : never

export type Entry<N extends TableName = TableName> = {
  [M in N]: { readonly key: TableKey<M>; readonly value: TableValue<M> }
}[N]

/** Entries by the text of their key. */
export type Table<N extends TableName = TableName> = ReadonlyMap<string, Entry<N>>
export type Tables = { readonly [N in TableName]: Table<N> }

/**
 * One text for equal values: members in the order of their names, 64-bit numbers marked. Used as key and for comparison, so that
 * the order in which a codec fills an object does not matter.
 */
export const textOf = (value: unknown): string => {
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${name}:${textOf(member)}`).join(',')}}`
}

export const haveSameValue = (left: Entry, right: Entry): boolean =>
  left === right || textOf(left.value) === textOf(right.value)

/** Builds one table; a second value for the same key replaces the first. */
export const tableOf = <N extends TableName>(
  entries: Iterable<{ readonly key: TableKey<N>; readonly value: TableValue<N> }>,
): Table<N> => new Map([...entries].map((entry) => [textOf(entry.key), entry as Entry<N>]))

export const emptyTables = (): Tables =>
  Object.fromEntries(TABLES.map((name) => [name, new Map()])) as unknown as Tables
