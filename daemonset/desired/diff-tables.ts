import type { Operation } from './operation.ts'
import { type Entry, type TableName, type Tables, textOf } from './tables.ts'

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

const additions = (table: TableName, desired: Tables, observed: Tables): Operation[] =>
  [...desired[table]].flatMap(([text, entry]) => {
    const found = observed[table].get(text)
    return found && textOf(found.value) === textOf(entry.value) ? [] : [put(table, entry)]
  })

const removals = (table: TableName, desired: Tables, observed: Tables): Operation[] =>
  [...observed[table]].flatMap(([text, entry]): Operation[] =>
    desired[table].has(text) ? [] : [{ type: 'DeleteEntry', subject: table, table, entry }],
  )

export type TableOperations = {
  readonly closings: readonly Operation[]
  readonly additions: readonly Operation[]
  readonly meta: readonly Operation[]
  readonly removals: readonly Operation[]
}

/** What makes the observed tables the desired ones. */
export const diffTables = (desired: Tables, observed: Tables): TableOperations => ({
  closings: closings(desired, observed),
  additions: order.flatMap((table) => additions(table, desired, observed)),
  meta: additions('meta', desired, observed),
  removals: order.toReversed().flatMap((table) => removals(table, desired, observed)),
})
