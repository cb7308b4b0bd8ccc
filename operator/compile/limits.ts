// What one bridge can hold (daemonset/bpf, and the sizes in crds/node-bridge.ts). What does not fit is left out and named: the rest works.
import type { CompileInput } from './input.ts'
import type { Shape } from './shape.ts'
import type { Path, Topology, TopologyProblem } from './topology.ts'
import { pathText } from './topology.ts'

/**
 * `specRoutes`: routes of all networks of a bridge together, so that its object stays below what the API server stores.
 * `paths`: of all networks of a bridge together. The map has room for `pathsOfCarriers`; the rest is for old ones beside new ones, and for networks
 * that grow where they are carried already.
 */
export const LIMITS = {
  treeLinks: 1024,
  labels: 4096,
  links: 4096,
  routes: 4096,
  specRoutes: 12_288,
  networks: 1024,
  paths: 229_376,
  pathsOfCarriers: 262_144,
} as const

type Routes = Topology['routes']
type Limited<Value> = { kept: Value; lost: string[] }

const remainders = (path: Path): { bridge: string; text: string }[] =>
  path.slice(1, -1).map((bridge, index) => ({ bridge, text: pathText(path, index + 1) }))

/** Labels of bridges: shared by all networks, and taken by what is published until it is gone. */
class Labels {
  readonly #holdings: CompileInput['holdings']
  /** No bridge has more than this. As long as it fits, nobody looks at single paths. */
  readonly #atMost = new Map<string, number>()
  readonly #fitting: Shape[] = []
  #taken: Map<string, Set<string>> | undefined

  constructor(holdings: CompileInput['holdings']) {
    this.#holdings = holdings
  }

  *limit(shape: Shape): Generator<void, Limited<Routes>> {
    if (!this.#taken && this.#fits(shape)) return { kept: shape.routes, lost: [] }
    if (!this.#taken) {
      this.#taken = new Map()
      for (const each of this.#fitting) yield* this.#take(each, this.#taken)
    }
    return yield* this.#take(shape, this.#taken)
  }

  #fits(shape: Shape): boolean {
    const sums = [...shape.labels].map(([bridge, count]): [string, number] => {
      const before = this.#atMost.get(bridge) ?? this.#holdings.get(bridge)?.labelOfPath.size ?? 0
      return [bridge, before + count]
    })
    if (sums.some(([, sum]) => sum > LIMITS.labels)) return false
    for (const [bridge, sum] of sums) this.#atMost.set(bridge, sum)
    this.#fitting.push(shape)
    return true
  }

  *#take({ routes }: Shape, taken: Map<string, Set<string>>): Generator<void, Limited<Routes>> {
    const lost: string[] = []
    const kept = new Map<string, Map<string, Path>>()
    for (const [ingress, paths] of routes) {
      const fitting = new Map<string, Path>()
      for (const [destination, path] of paths)
        if (this.#takePath(path, taken)) fitting.set(destination, path)
        else lost.push(`${ingress}>${destination}`)
      if (fitting.size > 0) kept.set(ingress, fitting)
      yield
    }
    return lost.length === 0 ? { kept: routes, lost } : { kept, lost }
  }

  /** Takes the labels that a path needs; false, and nothing taken, when a bridge has none left. */
  #takePath(path: Path, taken: Map<string, Set<string>>): boolean {
    const at = (bridge: string): Set<string> => {
      const known = taken.get(bridge) ?? new Set(this.#holdings.get(bridge)?.labelOfPath.keys())
      taken.set(bridge, known)
      return known
    }
    const needed = remainders(path).filter(({ bridge, text }) => !at(bridge).has(text))
    if (needed.some(({ bridge }) => at(bridge).size >= LIMITS.labels)) return false
    for (const { bridge, text } of needed) at(bridge).add(text)
    return true
  }
}

/** Routes of one network at one bridge. */
const limitIngresses = (routes: Routes): Limited<Routes> => {
  const full = [...routes].filter(([, { size }]) => size > LIMITS.routes)
  if (full.length === 0) return { kept: routes, lost: [] }
  const lost = full.flatMap(([ingress, paths]) =>
    [...paths.keys()].slice(LIMITS.routes).map((to) => `${ingress}>${to}`),
  )
  const kept = new Map([...routes].map(([ingress, paths]) => [ingress, new Map([...paths].slice(0, LIMITS.routes))]))
  return { kept, lost }
}

/** A branch is cut at both ends, so that both agree. */
const limitTree = (tree: NonNullable<Topology['tree']>): Limited<NonNullable<Topology['tree']>> => {
  const lost: string[] = []
  if ([...tree.values()].every(({ size }) => size <= LIMITS.treeLinks)) return { kept: tree, lost }
  const kept = new Map([...tree].map(([bridge, branches]) => [bridge, new Set(branches)]))
  for (const [bridge, branches] of kept)
    for (const branch of [...branches].sort().slice(LIMITS.treeLinks)) {
      branches.delete(branch)
      kept.get(branch)?.delete(bridge)
      lost.push(`${bridge}>${branch}`)
    }
  return { kept, lost }
}

const problem = (what: string, lost: readonly string[], advice: string): TopologyProblem[] =>
  lost.length === 0
    ? []
    : [
        {
          reason: 'LimitExceeded',
          message: `${lost.length} ${what} do not fit, the first is ${lost[0]}: ${advice}`,
        },
      ]

const withoutRoutes = (shape: Shape): Shape => ({
  ...shape,
  routes: new Map(),
  problems: [
    ...shape.problems,
    ...problem(
      'paths',
      [...shape.routes.keys()],
      'its bridges have as many as they can hold: use a Mesh, or fewer networks',
    ),
  ],
})

/**
 * Fits shapes into what bridges hold, in the order in which they come; a shape that comes again has what it needs already. The same shape comes back
 * where nothing is left out. In steps.
 */
export class Limits {
  readonly #labels: Labels
  readonly #routeCounts = new Map<string, number>()
  readonly #fitted = new Map<Shape, Shape>()

  constructor(holdings: CompileInput['holdings']) {
    this.#labels = new Labels(holdings)
  }

  *fit(shape: Shape): Generator<void, Shape> {
    const found = this.#fitted.get(shape) ?? (yield* this.#fitOnce(shape))
    this.#fitted.set(shape, found)
    if (found.routes.size === 0) return found
    if (!this.#hasRoomForRoutes(found)) return withoutRoutes(found)
    for (const [ingress, { size }] of found.routes)
      this.#routeCounts.set(ingress, (this.#routeCounts.get(ingress) ?? 0) + size)
    return found
  }

  /** Routes are written for each network anew, so a shape takes them each time. */
  #hasRoomForRoutes({ routes }: Shape): boolean {
    return [...routes].every(([ingress, { size }]) => (this.#routeCounts.get(ingress) ?? 0) + size <= LIMITS.specRoutes)
  }

  *#fitOnce(shape: Shape): Generator<void, Shape> {
    const single = limitIngresses(shape.routes)
    const routes = yield* this.#labels.limit(single.lost.length === 0 ? shape : { ...shape, routes: single.kept })
    const tree = shape.tree && limitTree(shape.tree)
    const problems = [
      ...problem('paths', [...single.lost, ...routes.lost], 'add OverlayLinks that shorten them, or use a Mesh'),
      ...problem('branches of the flood tree', tree?.lost ?? [], 'use more hubs, or fewer bridges in one network'),
    ]
    if (problems.length === 0) return shape
    return { ...shape, routes: routes.kept, tree: tree?.kept, problems: [...shape.problems, ...problems] }
  }
}
