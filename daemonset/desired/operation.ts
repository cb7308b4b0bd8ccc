import type { DesiredBridge, DesiredTunnel } from './desired-state.ts'
import type { Direction, ProgramName } from './observed-state.ts'
import type { Entry, TableName } from './tables.ts'
import { textOf } from './tables.ts'

/** A program at its place on a device. */
export type Placed = { readonly direction: Direction; readonly program: ProgramName }

/** One step towards the desired state, as data: what carries it out is `kernel/`. Each may be carried out again without harm. */
export type Operation = {
  readonly subject: string
  /** Names of steps (`stepOf`) that must not have failed: a removal must not follow a failed addition. */
  readonly needs?: readonly string[]
} & (
  | { readonly type: 'LoadPrograms'; readonly programs: string }
  | { readonly type: 'RemovePrograms'; readonly programs: string }
  /** Made down: see `RaiseDevice`. */
  | ({ readonly type: 'CreateTunnel' } & DesiredTunnel)
  | { readonly type: 'ConfigureTunnel'; readonly device: string; readonly mtuBytes: number }
  | ({ readonly type: 'CreateBridge' } & DesiredBridge)
  /** The CNI plugin made it, or the record of it was lost: from now on it is ours. */
  | { readonly type: 'AdoptDevice'; readonly device: string; readonly ifindex: number }
  | ({ readonly type: 'ConfigureBridge' } & DesiredBridge)
  /** Raises a device of ours, if the programs are attached to it: without them its frames would reach the host's own IP stack. */
  | { readonly type: 'RaiseDevice'; readonly device: string; readonly programs: readonly Placed[] }
  | { readonly type: 'LowerDevice'; readonly device: string }
  | { readonly type: 'DeleteDevice'; readonly device: string }
  | { readonly type: 'IsolatePort'; readonly device: string }
  | {
      readonly type: 'AttachProgram'
      readonly device: string
      readonly direction: Direction
      readonly program: ProgramName
      readonly programs: string
    }
  | { readonly type: 'DetachProgram'; readonly device: string; readonly direction: Direction }
  | { readonly type: 'SetNotrack'; readonly udpPort: number }
  | { readonly type: 'RemoveNotrack' }
  | { readonly type: 'PutEntry'; readonly table: TableName; readonly entry: Entry }
  | { readonly type: 'DeleteEntry'; readonly table: TableName; readonly entry: Entry }
)
export type OperationType = Operation['type']
export type OperationOf<T extends OperationType> = Extract<Operation, { type: T }>

export const PROGRAMS_STEP = 'programs'
export const entryStep = (table: TableName, key: string): string => `entry ${table} ${key}`
export const filterStep = (device: string, direction: Direction): string => `filter ${device}/${direction}`
export const deviceStep = (device: string): string => `device ${device}`

/** The name by which other steps need this one; undefined: none does. */
export const stepOf = (operation: Operation): string | undefined => {
  switch (operation.type) {
    case 'LoadPrograms':
      return PROGRAMS_STEP
    case 'PutEntry':
    case 'DeleteEntry':
      return entryStep(operation.table, textOf(operation.entry.key))
    case 'AttachProgram':
      return filterStep(operation.device, operation.direction)
    case 'CreateTunnel':
    case 'CreateBridge':
    case 'LowerDevice':
    case 'DeleteDevice':
      return deviceStep(operation.device)
    default:
      return undefined
  }
}

/** One line for logs and tests. */
export const describeOperation = (operation: Operation): string => {
  const { type, subject: _subject, needs: _needs, ...rest } = operation
  if ('entry' in rest) {
    const { key, value } = rest.entry
    return `${type} ${rest.table}[${textOf(key)}]${type === 'PutEntry' ? ` = ${textOf(value)}` : ''}`
  }
  return `${type} ${Object.values(rest)
    .map((value) => (typeof value === 'object' ? textOf(value) : value))
    .join(' ')}`.trim()
}
