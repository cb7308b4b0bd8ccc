import type { BridgeProblem } from '#crds/node-bridge.ts'
import type { DesiredBridge, DesiredFilter, DesiredState, DesiredTunnel } from './desired-state.ts'
import { diffTables } from './diff-tables.ts'
import {
  filterKey,
  type Interface,
  isOtherLayout,
  isOwned,
  type ObservedState,
  type ProgramName,
} from './observed-state.ts'
import { deviceStep, filterStep, type Operation, PROGRAMS_STEP, stepOf } from './operation.ts'
import { textOf } from './tables.ts'
import { INLET_SUBJECT } from './tunnel.ts'

/** Steps in a safe order, and what cannot be done because it is somebody else's. */
export type Difference = { readonly operations: readonly Operation[]; readonly problems: readonly BridgeProblem[] }

/** A port opens only with its program: without it the VM would hear, and not be heard. */
const withProgram = (operation: Operation, { interfaces }: ObservedState): Operation => {
  if (operation.type !== 'PutEntry' || operation.table !== 'ports') return operation
  if (!(operation.entry.value as { open: boolean }).open) return operation
  const port = interfaces.find(({ ifindex }) => ifindex === operation.entry.key)
  return port ? { ...operation, needs: [...(operation.needs ?? []), filterStep(port.name, 'ingress')] } : operation
}

type Part = { readonly operations: Operation[]; readonly problems: BridgeProblem[] }

const part = (operations: Operation[] = [], problems: BridgeProblem[] = []): Part => ({ operations, problems })

const deviceNamed = (observed: ObservedState, device: string): Interface | undefined =>
  observed.interfaces.find(({ name }) => name === device)

/** Writes down a device that is ours and not, or not definitely, in the record. */
const adoption = (subject: string, { name: device, ifindex }: Interface, { owned }: ObservedState): Operation[] =>
  owned.devices[device] === ifindex ? [] : [{ type: 'AdoptDevice', subject, device, ifindex }]

/** A VXLAN device: whether it is up can be changed in place, its UDP port only by making it anew. */
const diffTunnel = (subject: string, tunnel: DesiredTunnel | undefined, observed: ObservedState): Part => {
  if (!tunnel) return part()
  const { device, mtuBytes } = tunnel
  const create: Operation = { type: 'CreateTunnel', subject, ...tunnel }
  const found = deviceNamed(observed, device)
  if (!found) return part([create])
  if (!isOwned(observed, found)) {
    const message = `interface ${device} (${found.kind || 'hardware'}) exists and is not ours; it is left alone; remove or rename it`
    return part([], [{ subject, reason: 'DeviceConflict', message }])
  }
  const { vxlan } = found
  const adopt = adoption(subject, found, observed)
  const fits = found.kind === 'vxlan' && textOf(vxlan) === textOf(tunnel.vxlan)
  if (!fits) return part([{ type: 'DeleteDevice', subject, device }, create])
  const configured = found.mtuBytes === mtuBytes && found.ipv6Disabled !== false
  return part(configured ? adopt : [...adopt, { type: 'ConfigureTunnel', subject, device, mtuBytes }])
}

/** A bridge: everything that we set can be changed in place. */
const diffBridge = (bridge: DesiredBridge, observed: ObservedState): Operation[] => {
  const { device, network: subject, mtuBytes } = bridge
  const found = deviceNamed(observed, device)
  if (!found) return [{ type: 'CreateBridge', subject, ...bridge }]
  const adopt = adoption(subject, found, observed)
  const { stp, ipv6Disabled } = found
  const configured = !stp && ipv6Disabled !== false && found.mtuBytes === mtuBytes
  return configured ? adopt : [...adopt, { type: 'ConfigureBridge', subject, ...bridge }]
}

const diffIsolation = ({ isolatedPorts }: DesiredState, observed: ObservedState): Operation[] =>
  isolatedPorts
    .filter((device) => deviceNamed(observed, device)?.isIsolated === false)
    .map((device) => ({ type: 'IsolatePort', subject: device, device }))

/**
 * The set of programs for a place where there is none: ours, or while that is not loaded (it may be refused) the one at work on the same
 * maps, which the next pass replaces. A new VM must not wait for an upgrade.
 */
const programsToAttach = (
  { programs }: DesiredState,
  observed: ObservedState,
): { programs: string; needs: string[] } => {
  const atWork = observed.filters.find((it) => it.programs !== undefined && !isOtherLayout(it.programs))?.programs
  const isPinned = atWork !== undefined && [observed.programs, ...observed.oldPrograms].includes(atWork)
  return observed.programs !== programs && isPinned
    ? { programs: atWork, needs: [] }
    : { programs, needs: [PROGRAMS_STEP] }
}

type FilterParts = { readonly added: Part; readonly replaced: Operation[]; readonly removed: Operation[] }

/**
 * Programs on devices. A new port gets its program at once (it starts closed); an older program is replaced in place, so that no frame
 * is lost, and only after the maps of the new one are filled.
 */
const diffFilters = (desired: DesiredState, observed: ObservedState, renewed: ReadonlySet<string>): FilterParts => {
  const added = part()
  const replaced: Operation[] = []
  // A device that is made anew loses its filters.
  const present = observed.filters.filter(({ device }) => !renewed.has(device))
  const foundAt = new Map(present.map((filter) => [filterKey(filter.device, filter.direction), filter]))
  const ours = { programs: desired.programs, needs: [PROGRAMS_STEP] }
  const first = programsToAttach(desired, observed)
  const attach = ({ subject, device, direction, program }: DesiredFilter, { programs, needs } = ours): Operation => ({
    type: 'AttachProgram',
    subject,
    device,
    direction,
    program,
    programs,
    needs: [...needs, deviceStep(device)],
  })
  for (const filter of desired.filters) {
    const key = filterKey(filter.device, filter.direction)
    const found = foundAt.get(key)
    if (!found) added.operations.push(attach(filter, first))
    else if (found.program === undefined) {
      const message = `tc ${filter.direction} of ${filter.device} has a filter of somebody else at our place; it is left alone; move it to another priority`
      added.problems.push({ subject: filter.subject, reason: 'FilterConflict', message })
    } else if (found.program !== filter.program || !found.isCurrent) replaced.push(attach(filter))
  }
  const wanted = new Set(desired.filters.map(({ device, direction }) => filterKey(device, direction)))
  const removed = present
    .filter(({ program, device, direction }) => program !== undefined && !wanted.has(filterKey(device, direction)))
    .map(({ device, direction, program }): Operation => {
      // A guard that moves to another device: not taken off here before it is there.
      const successors = desired.filters.filter((it) => it.program === program && it.device !== device)
      const needs = program === 'port_ingress' ? [] : successors.map((it) => filterStep(it.device, it.direction))
      return { type: 'DetachProgram', subject: device, device, direction, needs }
    })
  return { added, replaced, removed }
}

const GUARDS: ReadonlySet<ProgramName> = new Set(['tunnel_ingress', 'inlet_ingress', 'bridge_guard'])

/** A device of ours is up only with its programs: it is set down where one is missing, and raised when they are attached. */
const diffGuarded = (desired: DesiredState, observed: ObservedState, renewed: ReadonlySet<string>) => {
  const lowered: Operation[] = []
  const raised: Operation[] = []
  const needed = new Map<string, DesiredFilter[]>()
  for (const filter of desired.filters)
    if (GUARDS.has(filter.program)) needed.set(filter.device, [...(needed.get(filter.device) ?? []), filter])
  for (const [device, filters] of needed) {
    const found = renewed.has(device) ? undefined : deviceNamed(observed, device)
    const isGuarded = filters.every(({ direction, program }) =>
      observed.filters.some((it) => it.device === device && it.direction === direction && it.program === program),
    )
    if (found?.isUp && isGuarded) continue
    const [{ subject }] = filters as [DesiredFilter]
    if (found?.isUp) lowered.push({ type: 'LowerDevice', subject, device })
    const steps = filters.map((it) => filterStep(it.device, it.direction))
    const programs = filters.map(({ direction, program }) => ({ direction, program }))
    raised.push({ type: 'RaiseDevice', subject, device, programs, needs: [deviceStep(device), ...steps] })
  }
  return { lowered, raised }
}

const diffNotrack = ({ notrack }: DesiredState, observed: ObservedState): Part => {
  if (observed.notrack === notrack && observed.owned.notrack) return part()
  if (observed.notrack === undefined || observed.owned.notrack)
    return part([{ type: 'SetNotrack', subject: 'notrack', udpPort: notrack }])
  const message = 'nftables has a table "inet vnet" that is not ours; it is left alone; rename it'
  return part([], [{ subject: 'notrack', reason: 'TableConflict', message }])
}

/** Owned devices that nobody wants any more; a bridge only when its last port is gone. */
const unwantedDevices = (desired: DesiredState, observed: ObservedState): Operation[] => {
  const wanted = new Set([
    desired.tunnel.device,
    ...(desired.inlet ? [desired.inlet.device] : []),
    ...desired.bridges.map(({ device }) => device),
    ...desired.keptBridges,
  ])
  return observed.interfaces
    .filter((found) => isOwned(observed, found) && !wanted.has(found.name))
    .map(({ name }) => ({ type: 'DeleteDevice', subject: name, device: name }))
}

/**
 * The steps from what is to what should be. Add before delete: set down what lost its program; programs and maps; shut what must be shut;
 * devices and programs on new ones; supports, then roots; the mark that all is filled; newer programs in place of older ones; raise
 * devices; then removals, roots first. A step names those that it needs: what removes does not follow what failed to add.
 */
export const diff = (desired: DesiredState, observed: ObservedState): Difference => {
  const tables = diffTables(desired.tables, observed.tables)
  const tunnel = diffTunnel('tunnel', desired.tunnel, observed)
  const inlet = diffTunnel(INLET_SUBJECT, desired.inlet, observed)
  const unwanted = unwantedDevices(desired, observed)
  const renewed = new Set(
    [...tunnel.operations, ...inlet.operations, ...unwanted].flatMap((it) =>
      it.type === 'DeleteDevice' ? [it.device] : [],
    ),
  )
  const filters = diffFilters(desired, observed, renewed)
  const guarded = diffGuarded(desired, observed, renewed)
  const filled = [...tables.additions.filter((it) => it.subject !== 'macs'), ...tables.meta].flatMap(
    (it) => stepOf(it) ?? [],
  )
  const notrack = diffNotrack(desired, observed)
  const operations: Operation[] = [
    ...guarded.lowered,
    ...(observed.programs === desired.programs
      ? []
      : [{ type: 'LoadPrograms', subject: 'programs', programs: desired.programs } as const]),
    ...tables.closings,
    ...notrack.operations,
    ...tunnel.operations,
    ...inlet.operations,
    ...desired.bridges.flatMap((bridge) => diffBridge(bridge, observed)),
    ...diffIsolation(desired, observed),
    ...filters.added.operations,
    ...tables.additions.map((operation) => withProgram(operation, observed)),
    ...tables.meta,
    // A complete old table is better than a part of a new one. A MAC that is not in the table is flooded, and stops nothing.
    ...filters.replaced.map((it): Operation => ({ ...it, needs: [...(it.needs ?? []), ...filled] })),
    ...guarded.raised,
    ...tables.removals,
    ...unwanted,
    ...filters.removed,
    ...observed.oldPrograms
      // Pins of programs at work stay: without them nothing could be attached, and no map be written, should ours be refused.
      .filter((programs) => programs !== desired.programs && observed.programs === desired.programs)
      .filter((programs) => !observed.filters.some((filter) => filter.programs === programs))
      .map((programs): Operation => ({ type: 'RemovePrograms', subject: 'programs', programs })),
  ]
  return Object.freeze({
    operations: Object.freeze(operations.map((operation) => Object.freeze(operation))),
    problems: [
      ...desired.problems,
      ...filters.added.problems,
      ...tunnel.problems,
      ...inlet.problems,
      ...notrack.problems,
    ],
  })
}
