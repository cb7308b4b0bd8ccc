// What one bridge can hold (daemonset/bpf, and the sizes in crds/node-bridge.ts). What does not fit is left out and named: the rest works.
import type { NameSet } from './name-set.ts'
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

/** What bridges have taken of something so far, by bridge: shared by all networks. */
type Budget = Map<string, Set<string>>

const remainders = (path: Path): { bridge: string; text: string }[] =>
  path.slice(1, -1).map((bridge, index) => ({ bridge, text: pathText(path, index + 1) }))

/** Takes the labels that a path needs; false, and nothing taken, when a bridge has none left. */
const takeLabels = (path: Path, budget: Budget): boolean => {
  const needed = remainders(path).filter(({ bridge, text }) => !budget.get(bridge)?.has(text))
  if (needed.some(({ bridge }) => (budget.get(bridge)?.size ?? 0) >= LIMITS.labels)) return false
  for (const { bridge, text } of needed) budget.set(bridge, (budget.get(bridge) ?? new Set()).add(text))
  return true
}

const limitRoutes = (routes: Topology['routes'], labels: Budget): { kept: Topology['routes']; lost: string[] } => {
  const lost: string[] = []
  const kept = new Map<string, Map<string, Path>>()
  for (const [ingress, paths] of routes) {
    const fitting = new Map<string, Path>()
    for (const [destination, path] of paths)
      if (fitting.size < LIMITS.routes && takeLabels(path, labels)) fitting.set(destination, path)
      else lost.push(`${ingress}>${destination}`)
    if (fitting.size > 0) kept.set(ingress, fitting)
  }
  return lost.length === 0 ? { kept: routes, lost } : { kept, lost }
}

/** A branch is cut at both ends, so that both agree. */
const limitTree = (tree: NonNullable<Topology['tree']>): { kept: NonNullable<Topology['tree']>; lost: string[] } => {
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

/** Takes links, each at both of its ends; those that one end has no room for are left out at both. */
export const limitLinks = (
  neighbours: ReadonlyMap<string, NameSet>,
  taken: Budget,
  limit: number = LIMITS.links,
): { kept: ReadonlyMap<string, NameSet>; lost: string[] } => {
  const lost: string[] = []
  const kept = new Map<string, Set<string>>([...neighbours.keys()].map((bridge) => [bridge, new Set()]))
  const hasRoom = (bridge: string, other: string): boolean =>
    taken.get(bridge)?.has(other) || (taken.get(bridge)?.size ?? 0) < limit
  const take = (bridge: string, other: string): void => {
    taken.set(bridge, (taken.get(bridge) ?? new Set()).add(other))
    kept.get(bridge)?.add(other)
  }
  for (const [bridge, others] of neighbours)
    for (const other of others) {
      if (bridge > other) continue
      if (hasRoom(bridge, other) && hasRoom(other, bridge)) {
        take(bridge, other)
        take(other, bridge)
      } else lost.push(`${bridge}>${other}`)
    }
  return lost.length === 0 ? { kept: neighbours, lost } : { kept, lost }
}

const problem = (what: string, lost: string[], advice: string): TopologyProblem[] =>
  lost.length === 0
    ? []
    : [
        {
          reason: 'LimitExceeded',
          message: `${lost.length} ${what} do not fit, the first is ${lost[0]}: ${advice}`,
        },
      ]

/** Bridges whose copies of a flood, one for each link, are more than a bridge can send. */
const overwhelmed = ({ tree, neighbours }: Shape): string[] =>
  tree === undefined ? [...neighbours].filter(([, { size }]) => size > LIMITS.treeLinks).map(([bridge]) => bridge) : []

/**
 * Fits shapes into what bridges hold, in the order in which they come; a shape that comes again has what it needs already. The same shape comes back
 * where nothing is left out.
 */
export const createLimits = (bridges: number): { fit: (shape: Shape) => Shape } => {
  const labels: Budget = new Map()
  const links: Budget = new Map()
  const routeCounts = new Map<string, number>()
  const fitted = new Map<Shape, Shape>()

  /** Routes are written for each network anew, so a shape takes them each time. */
  const hasRoomForRoutes = ({ routes }: Shape): boolean =>
    [...routes].every(([ingress, { size }]) => (routeCounts.get(ingress) ?? 0) + size <= LIMITS.specRoutes)

  const fitOnce = (shape: Shape): Shape => {
    // Nobody has more neighbours than there are others.
    const pairs = bridges <= LIMITS.links + 1 ? undefined : limitLinks(shape.neighbours, links)
    const routes = limitRoutes(shape.routes, labels)
    const tree = shape.tree && limitTree(shape.tree)
    const problems = [
      ...problem('links', pairs?.lost ?? [], 'use a Star, or networks that span fewer clusters'),
      ...problem('paths', routes.lost, 'add OverlayLinks that shorten them, or use a Mesh'),
      ...problem('branches of the flood tree', tree?.lost ?? [], 'use more hubs, or fewer bridges in one network'),
      ...problem('floods', overwhelmed(shape), `a bridge copies to ${LIMITS.treeLinks} links at most; use a Star`),
    ]
    if (problems.length === 0) return shape
    return {
      ...shape,
      neighbours: pairs?.kept ?? shape.neighbours,
      routes: routes.kept,
      tree: tree?.kept,
      problems: [...shape.problems, ...problems],
    }
  }

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

  return {
    fit(shape) {
      const found = fitted.get(shape) ?? fitOnce(shape)
      fitted.set(shape, found)
      if (found.routes.size === 0) return found
      if (!hasRoomForRoutes(found)) return withoutRoutes(found)
      for (const [ingress, { size }] of found.routes) routeCounts.set(ingress, (routeCounts.get(ingress) ?? 0) + size)
      return found
    },
  }
}
