import { basename } from 'node:path'
import type { Direction, Filter, Interface, Owned, ProgramName } from '../desired/observed-state.ts'
import { filterKey, PROGRAMS } from '../desired/observed-state.ts'
import { KernelError, runCommand, runJson } from './command.ts'
import { ifindexOf, readInterfaces } from './interfaces.ts'
import type { Ledger } from './ledger.ts'
import type { ProgramSets } from './program-sets.ts'
import type { TcxLinks } from './tcx-links.ts'

// Our programs on devices. Where the kernel has tcx (Linux 6.6) as links there (`tcx-links.ts`), else as filters of tc: these are in place, too
// (the kernel swaps the program, no frame in between is lost). The queueing discipline under them may be shared: a clsact, which is ours
// alone only when we made it, or for ingress also somebody's `ingress`. Both have the same hook for arriving frames. But `ingress` has no
// other: the kernel takes what is meant for its egress as ingress too, so that a program for sent frames would judge received ones. And a
// device has one of the two, so clsact cannot be added beside it.

/** Priority and handle of our filters. A newer filter of one priority runs first: so ours runs before those of a CNI at 1. */
const PRIORITY = 1
const HANDLE = '0x766e'

type TcFilter = {
  pref?: number
  kind?: string
  options?: { handle?: string; prog?: { id?: number; name?: string } }
}

const isOurs = ({ pref, kind, options }: TcFilter): boolean =>
  pref === PRIORITY && kind === 'bpf' && options?.handle === HANDLE
const isAtOurPlace = ({ pref, kind, options }: TcFilter): boolean =>
  pref === PRIORITY && (kind === 'bpf' ? options?.handle === HANDLE : options !== undefined)

const isGone = (stderr: string): boolean =>
  /Cannot find device|Cannot find specified|No such|Invalid handle|Parent Qdisc/.test(stderr)

type Discipline = 'clsact' | 'ingress'
const directionsOf: Record<Discipline, readonly Direction[]> = { clsact: ['ingress', 'egress'], ingress: ['ingress'] }

type Qdisc = { kind?: string; dev?: string }
const holdsFilters = (kind: string | undefined): kind is Discipline => kind === 'clsact' || kind === 'ingress'

/** All places of devices where filters can be. */
const filteredPlaces = async (): Promise<{ device: string; direction: Direction }[]> =>
  (await runJson<Qdisc[]>(['tc', '-json', 'qdisc', 'show'])).flatMap(({ kind, dev: device }) =>
    holdsFilters(kind) && device ? directionsOf[kind].map((direction) => ({ device, direction })) : [],
  )

/** What holds the filters of a device; undefined where nothing does, or there is no such device. */
const disciplineOf = async (device: string): Promise<Discipline | undefined> => {
  const argv = ['tc', '-json', 'qdisc', 'show', 'dev', device] as const
  const { stdout, stderr, code } = await runCommand(argv, { tolerant: true })
  if (code !== 0 && !isGone(stderr)) throw new KernelError(argv.join(' '), stderr.trim())
  return (JSON.parse(stdout.trim() || '[]') as Qdisc[]).map(({ kind }) => kind).find(holdsFilters)
}

/**
 * Filters by place, of many `tc filter show` in one process: one line of JSON for each that succeeded. A device that went away meanwhile has
 * none; any other failure rejects, since what tc did not say is not "no filters".
 */
const showFilters = async (places: readonly { device: string; direction: Direction }[]): Promise<TcFilter[][]> => {
  if (places.length === 0) return []
  const input = places.map(({ device, direction }) => `filter show dev ${device} ${direction}\n`).join('')
  const { stdout, stderr } = await runCommand(['tc', '-json', '-force', '-batch', '-'], { input, tolerant: true })
  const gone = new Set<number>()
  for (const [, said = '', line] of stderr.matchAll(/([\s\S]*?)Command failed -:(\d+)/g)) {
    if (!isGone(said)) throw new KernelError('tc filter show', said.trim())
    gone.add(Number(line) - 1)
  }
  const lines = stdout.split('\n').filter((line) => line !== '')
  if (lines.length + gone.size !== places.length)
    throw new KernelError('tc filter show', stderr.trim() || `${lines.length} answers about ${places.length} places`)
  let next = 0
  return places.map((_, index) => (gone.has(index) ? [] : (JSON.parse(lines[next++] ?? '[]') as TcFilter[])))
}

const isProgramName = (name: string | undefined): name is ProgramName => PROGRAMS.includes(name as ProgramName)

export type FilterContext = {
  readonly sets: ProgramSets
  readonly links: TcxLinks
  readonly owned: Owned
  readonly interfaces: readonly Interface[]
}

/** Programs of ours at tcx hooks. One that others run before is not as it should be. */
const linkedFilters = ({ sets, links, interfaces }: FilterContext, known: KnownPrograms): Filter[] =>
  interfaces.flatMap(({ name: device, ifindex }) =>
    (['ingress', 'egress'] as const).flatMap((direction): Filter[] => {
      const program = links.programAt({ ifindex, direction })
      if (!program) return []
      const found = known.get(program.id)
      // The link is ours in any case, also when the pins of its program were lost.
      if (!found)
        return isProgramName(program.name) ? [{ device, direction, program: program.name, isCurrent: false }] : []
      const isCurrent = found.programs === sets.digest && program.isFirst
      return [{ device, direction, ...found, isCurrent }]
    }),
  )

type KnownPrograms = ReturnType<ProgramSets['programsById']>

/** Our programs on all devices, or on some; and foreign filters of tc that are in the way. */
export const readFilters = async (context: FilterContext, only?: readonly string[]): Promise<Filter[]> => {
  const isWanted = (device: string): boolean => only?.includes(device) ?? true
  const interfaces = context.interfaces.filter(({ name }) => isWanted(name))
  const known = context.sets.programsById()
  const linked = linkedFilters({ ...context, interfaces }, known)
  const filters = await readTcFilters({ ...context, interfaces }, known)
  const isAmong = (others: readonly Filter[], { device, direction }: Filter): boolean =>
    others.some((it) => it.device === device && it.direction === direction)
  return [
    // Both are there when the move from one to the other was cut off: to attach once more ends it.
    ...linked.map((it) => (isAmong(filters, it) ? { ...it, isCurrent: false } : it)),
    ...filters.filter((it) => !isAmong(linked, it)),
  ]
}

const readTcFilters = async (
  { sets, links, owned, interfaces }: FilterContext,
  known: KnownPrograms,
): Promise<Filter[]> => {
  const ifindexes = new Map(interfaces.map(({ name, ifindex }) => [name, ifindex]))
  const places = (await filteredPlaces()).filter(({ device }) => ifindexes.has(device))
  const shown = await showFilters(places)
  return places.flatMap(({ device, direction }, index): Filter[] => {
    const found = shown[index]?.find(isAtOurPlace)
    if (!found) return []
    const { id, name } = found.options?.prog ?? {}
    const pinned = known.get(id ?? -1)
    // Without pins (the file system of the pins was lost) our own record still proves it.
    const recorded = owned.filters[filterKey(device, direction)] === ifindexes.get(device) && isProgramName(name)
    const program = pinned?.program ?? (recorded ? name : undefined)
    // What others have there is not in the way of a link.
    if (links.isUsed && program === undefined) return []
    const set = pinned ? { programs: pinned.programs } : {}
    return [{ device, direction, program, ...set, isCurrent: pinned?.programs === sets.digest && !links.isUsed }]
  })
}

const place = (device: string, direction: Direction): string[] => [
  ...['dev', device, direction, 'pref', String(PRIORITY), 'handle', HANDLE, 'protocol', 'all'],
]

type NewPlace = { device: string; direction: Direction; ifindex: number }

/**
 * Makes a clsact where nothing holds filters. Somebody's `ingress` is left and serves arriving frames as well: a VM's port whose plugin
 * made one needs no more. Nothing of the other direction may go there.
 */
const ensureDiscipline = async (ledger: Ledger, { device, direction, ifindex }: NewPlace): Promise<void> => {
  const found = await disciplineOf(device)
  if (found === 'clsact') return
  if (found === 'ingress') {
    ledger.erase('qdiscs', device)
    if (direction === 'ingress') return
    throw new KernelError(`attaching to the egress of ${device}`, 'it has a queueing discipline "ingress"', {
      reason: 'QdiscConflict',
      hint: `beside it no clsact can be, which has an egress: let its owner use clsact, or remove it (\`tc qdisc delete dev ${device} ingress\`)`,
    })
  }
  ledger.record('qdiscs', device, ifindex)
  const { code, stderr } = await runCommand(['tc', 'qdisc', 'add', 'dev', device, 'clsact'], { tolerant: true })
  if (code === 0) return
  ledger.erase('qdiscs', device)
  throw new KernelError(`adding clsact to ${device}`, stderr.trim(), {
    hint: 'the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_ACT',
  })
}

export type Attachment = { device: string; direction: Direction; pin: string }

/** What the host's filters are made with. */
export type FilterTools = { readonly ledger: Ledger; readonly links: TcxLinks }

/** Has an error of the kernel say what it was about. */
const naming = (attempt: string, act: () => void): void => {
  try {
    act()
  } catch (cause) {
    throw new KernelError(attempt, (cause as Error).message, { cause })
  }
}

/** Puts the program on the device, or in place of the one that is there. */
export const attachProgram = async (
  { ledger, links }: FilterTools,
  { device, direction, pin }: Attachment,
): Promise<void> => {
  const ifindex = await ifindexOf(device)
  if (links.isUsed) {
    ledger.record('filters', filterKey(device, direction), ifindex)
    naming(`attaching ${basename(pin)} to the ${direction} of ${device}`, () =>
      links.attach({ ifindex, direction }, pin),
    )
    await removeFilter(ledger, device, direction)
    return
  }
  await ensureDiscipline(ledger, { device, direction, ifindex })
  ledger.record('filters', filterKey(device, direction), ifindex)
  await runCommand(['tc', 'filter', 'replace', ...place(device, direction), 'bpf', 'direct-action', 'pinned', pin])
}

/** That it is gone already is as good. */
const ensureRemoved = async (argv: readonly [string, ...string[]]): Promise<void> => {
  const { code, stderr } = await runCommand(argv, { tolerant: true })
  if (code !== 0 && !isGone(stderr)) throw new KernelError(argv.join(' '), stderr.trim())
}

/** Takes our filter off; also the clsact discipline when we made it and nothing else uses it. */
const removeFilter = async (ledger: Ledger, device: string, direction: Direction): Promise<void> => {
  const discipline = await disciplineOf(device)
  const holds = discipline && directionsOf[discipline].includes(direction)
  const [filters = []] = holds ? await showFilters([{ device, direction }]) : []
  if (filters.some(isOurs)) await ensureRemoved(['tc', 'filter', 'delete', ...place(device, direction), 'bpf'])
  if (ledger.owned.qdiscs[device] === undefined) return
  if (discipline === 'clsact') {
    const shown = await showFilters(directionsOf.clsact.map((it) => ({ device, direction: it })))
    if (shown.some((filters) => filters.length > 0)) return
    await ensureRemoved(['tc', 'qdisc', 'delete', 'dev', device, 'clsact'])
  }
  ledger.erase('qdiscs', device)
}

/** Takes our program off. */
export const detachProgram = async (
  { ledger, links }: FilterTools,
  device: string,
  direction: Direction,
): Promise<void> => {
  const recorded = ledger.owned.filters[filterKey(device, direction)]
  // Records can be lost; a link whose pin is ours is ours.
  const ifindex = recorded ?? (await readInterfaces()).find(({ name }) => name === device)?.ifindex
  if (ifindex !== undefined)
    naming(`taking the program off the ${direction} of ${device}`, () => links.detach({ ifindex, direction }))
  await removeFilter(ledger, device, direction)
  ledger.erase('filters', filterKey(device, direction))
}
