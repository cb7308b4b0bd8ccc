import type { Direction, Filter, Interface, Owned, ProgramName } from '../desired/observed-state.ts'
import { filterKey, PROGRAMS } from '../desired/observed-state.ts'
import { KernelError, runCommand, runJson } from './command.ts'
import { ifindexOf } from './interfaces.ts'
import type { Ledger } from './ledger.ts'
import type { ProgramSets } from './program-sets.ts'

// tc filters: our program on a device. In place: the program (the kernel swaps it, no frame in between is lost). The clsact queueing
// discipline under it may be shared; ours alone only when we made it.

/** Priority and handle of our filters. A newer filter of one priority runs first: so ours runs before those of a CNI at 1. */
const PRIORITY = 1
const HANDLE = '0x766e'

type TcFilter = {
  pref?: number
  kind?: string
  options?: { handle?: string; prog?: { id?: number; name?: string } }
}

const isAtOurPlace = ({ pref, kind, options }: TcFilter): boolean =>
  pref === PRIORITY && (kind === 'bpf' ? options?.handle === HANDLE : options !== undefined)

/** Devices that have a clsact (or ingress) discipline. */
const filteredDevices = async (): Promise<string[]> =>
  (await runJson<{ kind?: string; dev?: string }[]>(['tc', '-json', 'qdisc', 'show'])).flatMap(({ kind, dev }) =>
    kind === 'clsact' && dev ? [dev] : [],
  )

/** Output of many `tc filter show` in one process: one line of JSON for each that succeeded. */
const showFilters = async (places: readonly { device: string; direction: Direction }[]): Promise<TcFilter[][]> => {
  const input = places.map(({ device, direction }) => `filter show dev ${device} ${direction}\n`).join('')
  const { stdout, stderr } = await runCommand(['tc', '-json', '-force', '-batch', '-'], { input, tolerant: true })
  // A device that went away meanwhile prints nothing.
  const failed = new Set([...stderr.matchAll(/Command failed -:(\d+)/g)].map(([, line]) => Number(line) - 1))
  const lines = stdout.split('\n').filter((line) => line !== '')
  let next = 0
  return places.map((_, index) => (failed.has(index) ? [] : (JSON.parse(lines[next++] ?? '[]') as TcFilter[])))
}

const isProgramName = (name: string | undefined): name is ProgramName => PROGRAMS.includes(name as ProgramName)

/** Filters at our place on all devices, or on some: our programs, and foreign ones that are in the way. */
export const readFilters = async (
  sets: ProgramSets,
  owned: Owned,
  interfaces: readonly Interface[],
  only?: readonly string[],
): Promise<Filter[]> => {
  const devices = (await filteredDevices()).filter((device) => only?.includes(device) ?? true)
  const places = devices.flatMap((device) =>
    (['ingress', 'egress'] as const).map((direction) => ({ device, direction })),
  )
  if (places.length === 0) return []
  const known = sets.programsById()
  const ifindexes = new Map(interfaces.map(({ name, ifindex }) => [name, ifindex]))
  const shown = await showFilters(places)
  return places.flatMap(({ device, direction }, index): Filter[] => {
    const found = shown[index]?.find(isAtOurPlace)
    if (!found) return []
    const { id, name } = found.options?.prog ?? {}
    const pinned = known.get(id ?? -1)
    // Without pins (the file system of the pins was lost) our own record still proves it.
    const recorded = owned.filters[filterKey(device, direction)] === ifindexes.get(device) && isProgramName(name)
    const program = pinned?.program ?? (recorded ? name : undefined)
    const set = pinned ? { programs: pinned.programs } : {}
    return [{ device, direction, program, ...set, isCurrent: pinned?.programs === sets.digest }]
  })
}

const place = (device: string, direction: Direction): string[] => [
  ...['dev', device, direction, 'pref', String(PRIORITY), 'handle', HANDLE, 'protocol', 'all'],
]

const ensureClsact = async (ledger: Ledger, device: string, ifindex: number): Promise<void> => {
  if (ledger.owned.qdiscs[device] === ifindex) {
    await runCommand(['tc', 'qdisc', 'replace', 'dev', device, 'clsact'])
    return
  }
  ledger.record('qdiscs', device, ifindex)
  const { code, stderr } = await runCommand(['tc', 'qdisc', 'add', 'dev', device, 'clsact'], { tolerant: true })
  if (code === 0) return
  ledger.erase('qdiscs', device)
  if (!/Exclusivity flag on|File exists/.test(stderr))
    throw new KernelError(`adding clsact to ${device}`, stderr.trim(), {
      hint: 'the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_ACT',
    })
}

export type Attachment = { device: string; direction: Direction; pin: string }

/** Puts the program on the device, or in place of the one that is there. */
export const attachProgram = async (ledger: Ledger, { device, direction, pin }: Attachment): Promise<void> => {
  const ifindex = await ifindexOf(device)
  await ensureClsact(ledger, device, ifindex)
  ledger.record('filters', filterKey(device, direction), ifindex)
  await runCommand(['tc', 'filter', 'replace', ...place(device, direction), 'bpf', 'direct-action', 'pinned', pin])
}

const isGone = (stderr: string): boolean =>
  /Cannot find device|Cannot find specified filter|No such|Invalid handle|Parent Qdisc/.test(stderr)

/** Takes our program off; also the clsact discipline when we made it and nothing else uses it. */
export const detachProgram = async (ledger: Ledger, device: string, direction: Direction): Promise<void> => {
  const argv = ['tc', 'filter', 'delete', ...place(device, direction), 'bpf'] as [string, ...string[]]
  const { code, stderr } = await runCommand(argv, { tolerant: true })
  if (code !== 0 && !isGone(stderr)) throw new KernelError(argv.join(' '), stderr.trim())
  ledger.erase('filters', filterKey(device, direction))
  if (ledger.owned.qdiscs[device] === undefined) return
  const shown = await showFilters((['ingress', 'egress'] as const).map((it) => ({ device, direction: it })))
  if (shown.some((filters) => filters.length > 0)) return
  await runCommand(['tc', 'qdisc', 'delete', 'dev', device, 'clsact'], { tolerant: true })
  ledger.erase('qdiscs', device)
}
