import type { DesiredBridge, DesiredTunnel } from './desired-state.ts'
import type { Direction, ProgramName } from './observed-state.ts'
import type { Entry, TableName } from './tables.ts'
import { textOf } from './tables.ts'

/** One step towards the desired state, as data: what carries it out is `kernel/`. Each may be carried out again without harm. */
export type Operation = { readonly subject: string } & (
  | { readonly type: 'LoadPrograms'; readonly programs: string }
  | { readonly type: 'RemovePrograms'; readonly programs: string }
  | ({ readonly type: 'CreateTunnel' } & DesiredTunnel)
  | { readonly type: 'ConfigureTunnel'; readonly device: string; readonly mtuBytes: number }
  | ({ readonly type: 'CreateBridge' } & DesiredBridge)
  /** The CNI plugin made it: from now on it is ours. */
  | { readonly type: 'AdoptBridge'; readonly device: string; readonly ifindex: number }
  | ({ readonly type: 'ConfigureBridge' } & DesiredBridge)
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

/** One line for logs and tests. */
export const describeOperation = (operation: Operation): string => {
  const { type, subject: _, ...rest } = operation
  if ('entry' in rest) {
    const { key, value } = rest.entry
    return `${type} ${rest.table}[${textOf(key)}]${type === 'PutEntry' ? ` = ${textOf(value)}` : ''}`
  }
  return `${type} ${Object.values(rest).join(' ')}`.trim()
}
