// Numbers of links, labels and flood trees: those that are published stay, new ones go round.
import { type Path, pathText, type Topology } from '#operator/compile/topology.ts'
import type { Situation } from './situation.ts'
import { treeNumberOf } from './tree-numbers.ts'
import type { BridgeView } from './view.ts'

export const LABEL_RANGE = { first: 16, last: 32767 } as const
const LINK_RANGE = { first: 1, last: 65535 } as const

type Range = { first: number; last: number }

/** Numbers that one bridge gives out. */
export type BridgeNumbers = {
  /** By neighbour. */
  links: ReadonlyMap<string, number>
  /** By remaining path. */
  labels: ReadonlyMap<string, number>
  cursors: { linkCursor: number; labelCursor: number }
}

export type Numbers = {
  /** Those of a living bridge, worked out when somebody asks. */
  of: (bridge: string) => BridgeNumbers | undefined
  /** Remaining paths that bridges must know, by their text. */
  remainders: ReadonlyMap<string, ReadonlyMap<string, Path>>
  /** Flood tree of each network; 0 where there is none. */
  trees: ReadonlyMap<string, number>
}

/** The first free number after the cursor, going round. */
export const nextFree = (cursor: number, { first, last }: Range, isTaken: (number: number) => boolean): number => {
  const size = last - first + 1
  for (let step = 1; step <= size; step++) {
    const candidate = first + ((((cursor - first + step) % size) + size) % size)
    if (!isTaken(candidate)) return candidate
  }
  throw new Error(`giving out a number between ${first} and ${last}: all are in use`)
}

type Remainders = Map<string, Map<string, Path>>
type Routes = Topology['routes']

/** Remaining paths of one topology's routes: millions of them in a large star, and the same from step to step. */
const remaindersOfRoutes = new WeakMap<Routes, Remainders>()

function* remaindersOver(routes: Routes): Generator<void, Remainders> {
  const known = remaindersOfRoutes.get(routes)
  if (known) return known
  const found: Remainders = new Map()
  for (const paths of routes.values()) {
    for (const path of paths.values())
      for (let at = 1; at < path.length - 1; at++) {
        const bridge = path[at] as string
        const text = pathText(path, at)
        const there = found.get(bridge) ?? new Map<string, Path>()
        if (!there.has(text)) found.set(bridge, there.set(text, path.slice(at)))
      }
    yield
  }
  remaindersOfRoutes.set(routes, found)
  return found
}

/** For each bridge, the remaining paths of all routes that pass it. */
function* remaindersOf({ networks }: Situation): Generator<void, Remainders> {
  const shapes = [...new Set([...networks.values()].map(({ routes }) => routes))].filter(({ size }) => size > 0)
  const [first] = shapes
  if (first && shapes.length === 1) return yield* remaindersOver(first)
  const all: Remainders = new Map()
  for (const routes of shapes)
    for (const [bridge, paths] of yield* remaindersOver(routes)) {
      const known = all.get(bridge) ?? new Map<string, Path>()
      for (const [text, path] of paths) if (!known.has(text)) known.set(text, path)
      all.set(bridge, known)
    }
  return all
}

/** Living bridges that the bridge is to have a link to, for any network. */
const desiredNeighbours = ({ neighbourMaps, isLiving }: Situation, bridge: string): Set<string> => {
  const all = new Set<string>()
  for (const neighbours of neighbourMaps)
    for (const name of neighbours.get(bridge) ?? []) if (isLiving(name)) all.add(name)
  return all
}

/**
 * Where to begin with labels. A new object begins where its Node's UID says, since neighbours may remember labels of its predecessor; after the
 * hub lost its latest writes (a restored etcd), half the range away from what those may have given out.
 */
const labelCursorOf = ({ published, programmed, digest, bridges }: Situation, bridge: string): number => {
  const spec = published.get(bridge)
  const size = LABEL_RANGE.last - LABEL_RANGE.first + 1
  if (spec?.labelCursor === undefined)
    return LABEL_RANGE.first + (Number.parseInt(digest(bridges.get(bridge)?.nodeUID ?? bridge).slice(0, 8), 16) % size)
  const inKernel = programmed.get(bridge)
  const wentBack = inKernel && (inKernel.serial > (spec.serial ?? 0) || inKernel.epoch > (spec.epoch ?? 0))
  return wentBack ? LABEL_RANGE.first + ((spec.labelCursor - LABEL_RANGE.first + size / 2) % size) : spec.labelCursor
}

const numberEach = <Key>(
  wanted: Iterable<Key>,
  known: (key: Key) => number | undefined,
  range: Range,
  { cursor, taken }: { cursor: number; taken: ReadonlySet<number> },
): { numbers: Map<Key, number>; cursor: number } => {
  const numbers = new Map<Key, number>()
  const used = new Set(taken)
  let last = cursor
  for (const key of wanted) {
    const present = known(key)
    if (present === undefined) last = nextFree(last, range, (number) => used.has(number))
    const number = present ?? last
    used.add(number)
    numbers.set(key, number)
  }
  return { numbers, cursor: last }
}

const numbersAt = (situation: Situation, bridge: string, remainders: ReadonlyMap<string, Path>): BridgeNumbers => {
  const { spec, links: present, labels: known, labelOfPath, neighbourOf } = situation.view.get(bridge) as BridgeView
  const wanted = new Set([...present.keys(), ...[...desiredNeighbours(situation, bridge)].sort()])
  const links = numberEach(wanted, (neighbour) => present.get(neighbour)?.id, LINK_RANGE, {
    cursor: spec.linkCursor ?? 0,
    taken: new Set(neighbourOf.keys()),
  })
  const labels = numberEach([...remainders.keys()].sort(), (path) => labelOfPath.get(path)?.label, LABEL_RANGE, {
    cursor: labelCursorOf(situation, bridge),
    taken: new Set(known.keys()),
  })
  return {
    links: links.numbers,
    labels: labels.numbers,
    cursors: { linkCursor: links.cursor, labelCursor: labels.cursor },
  }
}

/** In steps. */
export function* numbersOf(situation: Situation): Generator<void, Numbers> {
  const remainders = yield* remaindersOf(situation)
  const numbers = new Map<string, BridgeNumbers>()
  const of = (bridge: string): BridgeNumbers | undefined => {
    if (!situation.isLiving(bridge)) return undefined
    const found = numbers.get(bridge) ?? numbersAt(situation, bridge, remainders.get(bridge) ?? new Map())
    numbers.set(bridge, found)
    return found
  }
  const trees = new Map<string, number>()
  for (const network of situation.networks.values()) {
    trees.set(network.network, treeNumberOf(network, situation))
    yield
  }
  return { of, remainders, trees }
}
