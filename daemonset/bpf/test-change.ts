// A change of paths, flood trees and one MAC's home, as the single map writes that it consists of.
import * as fc from 'fast-check'
import { LABEL_PATH_FIRST, LABEL_TREE_FIRST } from '#daemonset/wire/labels.ts'
import { bridgeId, linkTo, MOVING_PORT, movingMac, type TestOverlay, VNI } from './test-overlay.ts'

/** One map write on one bridge. */
export type Write = { bridge: number; apply(): void }

/** Bridges in order from an ingress to a destination; never one twice. */
export type Path = readonly number[]

/** `parents[n]`: the neighbour of bridge n + 1 towards bridge 0; undefined: no tree, but copies to all (mesh). */
export type Shape = { paths: readonly Path[]; parents: readonly number[] | undefined; home: number }

export type Change = { before: Shape; after: Shape }

/** Writes of a change by kind, in the order that make-before-break asks for. `moves` go one after another. */
export type Writes = { supports: Write[]; roots: Write[]; moves: Write[]; removals: Write[] }

const pairs = (count: number): [number, number][] =>
  Array.from({ length: count * count }, (_, index): [number, number] => [
    Math.floor(index / count),
    index % count,
  ]).filter(([from, to]) => from !== to)

const pathsOf = (count: number): fc.Arbitrary<Path[]> =>
  fc.tuple(
    ...pairs(count).map(([from, to]) =>
      fc
        .shuffledSubarray(
          Array.from({ length: count }, (_, index) => index).filter((index) => index !== from && index !== to),
        )
        .map((middle) => [from, ...middle, to]),
    ),
  )

const shapes = (count: number): fc.Arbitrary<Shape> =>
  fc.record({
    paths: pathsOf(count),
    parents: fc.option(fc.tuple(...Array.from({ length: count - 1 }, (_, index) => fc.nat(index))), { nil: undefined }),
    home: fc.nat(count - 1),
  })

/** Any two states of an overlay of `count` bridges. */
export const changes = (count: number): fc.Arbitrary<Change> =>
  fc.record({ before: shapes(count), after: shapes(count) })

/** Numbers of one bridge for what is left of a path from it on, shared by all who have the same rest before them; 0 at its end. */
class Labels {
  readonly #numbers = new Map<number, Map<string, number>>()

  of(rest: Path): number {
    if (rest.length <= 1) return 0
    const own = this.#numbers.get(rest[0]!) ?? new Map<string, number>()
    const number = own.get(rest.join()) ?? LABEL_PATH_FIRST + own.size
    this.#numbers.set(rest[0]!, own.set(rest.join(), number))
    return number
  }
}

/** What transit bridges need for a path: one entry for each rest that begins at one of them. */
const supportsOf = (paths: readonly Path[]): Map<string, Path> =>
  new Map(
    paths.flatMap((path) =>
      path.slice(1, -1).map((_, index) => [path.slice(index + 1).join(), path.slice(index + 1)] as const),
    ),
  )

const treeId = (version: number): number => LABEL_TREE_FIRST + version

const treeLinks = (parents: readonly number[], bridge: number): number[] =>
  parents.flatMap((parent, index) => {
    if (index + 1 === bridge) return [linkTo(parent)]
    return parent === bridge ? [linkTo(index + 1)] : []
  })

/** Splits a change into its writes; `prepare` puts the overlay into the state before. */
export const planWrites = (overlay: TestOverlay, { before, after }: Change): Writes & { prepare(): void } => {
  const labels = new Labels()
  const numbers = [...overlay.bridges.keys()]
  const write = (bridge: number, apply: (maps: (typeof overlay.bridges)[number]) => void): Write => ({
    bridge,
    apply: () => apply(overlay.bridges[bridge]!),
  })

  const addLabel = (rest: Path): Write => {
    const label = labels.of(rest)
    return write(rest[0]!, (maps) =>
      maps.put('labels', label, { link: linkTo(rest[1]!), nextLabel: labels.of(rest.slice(1)) }),
    )
  }
  const removeLabel = (rest: Path): Write => write(rest[0]!, (maps) => maps.remove('labels', labels.of(rest)))
  const setPath = (path: Path): Write =>
    write(path[0]!, (maps) =>
      maps.put(
        'paths',
        { bridge: bridgeId(path.at(-1)!), vni: VNI },
        { link: linkTo(path[1]!), label: labels.of(path.slice(1)) },
      ),
    )

  const addTrees = ({ parents }: Shape, version: number): Write[] =>
    parents
      ? numbers.map((bridge) =>
          write(bridge, (maps) =>
            maps.put(
              'trees',
              { vni: VNI, tree: treeId(version) },
              { stamp: version + 10, links: treeLinks(parents, bridge) },
            ),
          ),
        )
      : []
  const setFlood = ({ parents }: Shape, version: number): Write[] =>
    numbers.map((bridge) =>
      write(bridge, (maps) => maps.put('networks', VNI, { floodTree: parents ? treeId(version) : 0 })),
    )
  const removeTrees = ({ parents }: Shape, version: number): Write[] =>
    parents
      ? numbers.map((bridge) => write(bridge, (maps) => maps.remove('trees', { vni: VNI, tree: treeId(version) })))
      : []

  const setHome =
    (home: number) =>
    (bridge: number): Write =>
      write(bridge, (maps) =>
        maps.put(
          'macs',
          { vni: VNI, mac: movingMac },
          { bridge: bridgeId(home), ifindex: bridge === home ? MOVING_PORT : 0 },
        ),
      )
  const others = numbers.filter((bridge) => bridge !== before.home && bridge !== after.home)
  const movers = before.home === after.home ? [] : [after.home, before.home, ...others]

  const oldSupports = supportsOf(before.paths)
  const newSupports = supportsOf(after.paths)
  const mesh = numbers.map((bridge) =>
    write(bridge, (maps) =>
      maps.put(
        'trees',
        { vni: VNI, tree: 0 },
        { stamp: 2, links: numbers.filter((other) => other !== bridge).map(linkTo) },
      ),
    ),
  )
  return {
    prepare: () => {
      overlay.reset()
      const supports = [...oldSupports.values()].map(addLabel)
      const roots = [...before.paths.map(setPath), ...setFlood(before, 0), ...numbers.map(setHome(before.home))]
      for (const { apply } of [...supports, ...mesh, ...addTrees(before, 0), ...roots]) apply()
    },
    supports: [
      ...[...newSupports].filter(([key]) => !oldSupports.has(key)).map(([, rest]) => addLabel(rest)),
      ...addTrees(after, 1),
    ],
    roots: [...after.paths.map(setPath), ...setFlood(after, 1)],
    moves: movers.map(setHome(after.home)),
    removals: [
      ...[...oldSupports].filter(([key]) => !newSupports.has(key)).map(([, rest]) => removeLabel(rest)),
      ...removeTrees(before, 0),
    ],
  }
}
