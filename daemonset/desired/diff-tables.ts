import { entryStep, type Operation, stepOf } from './operation.ts'
import { type Entry, haveSameValue, type TableName, type Tables, textOf } from './tables.ts'

/**
 * Tables in the order in which they may refer to each other: an entry refers to tables before its own only. Additions go forward,
 * removals backward, so at no moment does anything refer to an absent entry. `meta` comes after all others.
 */
const order: readonly TableName[] = [
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
]

const put = (table: TableName, entry: Entry): Operation => ({ type: 'PutEntry', subject: table, table, entry })

/** Ports that are open but should not be: shut before anything else happens. */
const closings = (desired: Tables, observed: Tables): Operation[] =>
  [...observed.ports].flatMap(([text, entry]) => {
    if (!entry.value.open) return []
    const target = desired.ports.get(text)
    const stays = target?.value.open && target.value.mac === entry.value.mac && target.value.vni === entry.value.vni
    return stays ? [] : [put('ports', { key: entry.key, value: { ...entry.value, open: false } } as Entry)]
  })

/** Entries that an entry refers to, by the names of their steps. */
const references = (table: TableName, { key, value }: Entry): string[] => {
  const link = (id: number): string => entryStep('links', textOf(id))
  // The members of each table are known by its name.
  const { vni } = key as { vni: number }
  switch (table) {
    case 'peers':
      return [link(value as number)]
    case 'peer_networks':
      return [link((key as { link: number }).link)]
    case 'labels':
    case 'paths':
      return [link((value as { link: number }).link)]
    case 'trees':
      return (value as { links: number[] }).links.map(link)
    case 'networks':
      return [entryStep('trees', textOf({ vni: key, tree: (value as { floodTree: number }).floodTree }))]
    case 'macs': {
      const { ifindex, bridge } = value as { ifindex: number; bridge: bigint }
      return [ifindex ? entryStep('ports', textOf(ifindex)) : entryStep('paths', textOf({ bridge, vni }))]
    }
    case 'network_ports':
      return (value as { ifindexes: number[] }).ifindexes.map((ifindex) => entryStep('ports', textOf(ifindex)))
    default:
      return []
  }
}

const additions = (table: TableName, desired: Tables, observed: Tables): Operation[] =>
  [...desired[table]].flatMap(([text, entry]) => {
    const found = observed[table].get(text)
    if (found && haveSameValue(found, entry)) return []
    return [{ ...put(table, entry), needs: references(table, entry) }]
  })

/** Steps after which an entry is not referred to any more, by the step that is the entry's own. */
const releases = (changed: readonly TableName[], desired: Tables, observed: Tables): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const table of changed)
    for (const [text, entry] of observed[table]) {
      const next = desired[table].get(text)
      if (next && haveSameValue(next, entry)) continue
      for (const target of references(table, entry))
        found.set(target, [...(found.get(target) ?? []), entryStep(table, text)])
    }
  return found
}

const removals = (changed: readonly TableName[], desired: Tables, observed: Tables): Operation[] => {
  const released = releases(changed, desired, observed)
  return changed.toReversed().flatMap((table) =>
    [...observed[table]].flatMap(([text, entry]): Operation[] => {
      if (desired[table].has(text)) return []
      return [{ type: 'DeleteEntry', subject: table, table, entry, needs: released.get(entryStep(table, text)) ?? [] }]
    }),
  )
}

/** On these the nodes rely that send to this one. */
const isForwarding = (table: TableName): boolean => !['ports', 'macs', 'network_ports'].includes(table)

export type TableOperations = {
  readonly closings: readonly Operation[]
  readonly additions: readonly Operation[]
  readonly meta: readonly Operation[]
  readonly removals: readonly Operation[]
}

/** Tables that were found equal, by the desired one: as long as both are the same objects, they are. */
const equal = new WeakMap<object, object>()

const isEqual = (table: TableName, desired: Tables, observed: Tables): boolean => {
  if (equal.get(desired[table]) === observed[table]) return true
  const found: ReadonlyMap<string, Entry> = observed[table]
  const isSame = (text: string, entry: Entry): boolean => {
    const other = found.get(text)
    return other !== undefined && haveSameValue(entry, other)
  }
  if (desired[table].size !== found.size) return false
  for (const [text, entry] of desired[table]) if (!isSame(text, entry)) return false
  equal.set(desired[table], observed[table])
  return true
}

/** What makes the observed tables the desired ones. */
export const diffTables = (desired: Tables, observed: Tables): TableOperations => {
  const changed = order.filter((table) => !isEqual(table, desired, observed))
  const added = changed.flatMap((table) => additions(table, desired, observed))
  const needs = added.flatMap((it) => (isForwarding(it.subject as TableName) ? (stepOf(it) ?? []) : []))
  return {
    closings: closings(desired, observed),
    additions: added,
    meta: additions('meta', desired, observed).map((it) => ({ ...it, needs })),
    removals: removals(changed, desired, observed),
  }
}
