// What one bridge can hold (daemonset/bpf, and the sizes in crds/node-bridge.ts). What does not fit is left out and named: the rest works.
import type { Path, Topology, TopologyProblem } from './topology.ts'
import { pathText } from './topology.ts'

export const LIMITS = { treeLinks: 1024, labels: 4096, links: 4096, routes: 4096 } as const

/** Labels of each bridge that are taken so far, as remaining paths: shared by all networks. */
export type LabelBudget = Map<string, Set<string>>

const remainders = (path: Path): { bridge: string; text: string }[] =>
  path.slice(1, -1).map((bridge, index) => ({ bridge, text: pathText(path, index + 1) }))

/** Takes the labels that a path needs; false, and nothing taken, when a bridge has none left. */
const takeLabels = (path: Path, budget: LabelBudget): boolean => {
  const needed = remainders(path).filter(({ bridge, text }) => !budget.get(bridge)?.has(text))
  if (needed.some(({ bridge }) => (budget.get(bridge)?.size ?? 0) >= LIMITS.labels)) return false
  for (const { bridge, text } of needed) budget.set(bridge, (budget.get(bridge) ?? new Set()).add(text))
  return true
}

const limitRoutes = (routes: Topology['routes'], budget: LabelBudget): { kept: Topology['routes']; lost: string[] } => {
  const lost: string[] = []
  const kept = new Map<string, Map<string, Path>>()
  for (const [ingress, paths] of routes) {
    const fitting = new Map<string, Path>()
    for (const [destination, path] of paths)
      if (fitting.size < LIMITS.routes && takeLabels(path, budget)) fitting.set(destination, path)
      else lost.push(`${ingress}>${destination}`)
    if (fitting.size > 0) kept.set(ingress, fitting)
  }
  return { kept, lost }
}

/** A branch is cut at both ends, so that both agree. */
const limitTree = (tree: NonNullable<Topology['tree']>): { kept: NonNullable<Topology['tree']>; lost: string[] } => {
  const lost: string[] = []
  const kept = new Map([...tree].map(([bridge, branches]) => [bridge, new Set(branches)]))
  for (const [bridge, branches] of kept)
    for (const branch of [...branches].sort().slice(LIMITS.treeLinks)) {
      branches.delete(branch)
      kept.get(branch)?.delete(bridge)
      lost.push(`${bridge}>${branch}`)
    }
  return { kept, lost }
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

/** The topology without what exceeds the limits, and problems that name it. Takes labels from the shared budget. */
export const withinLimits = (topology: Topology, budget: LabelBudget): Topology => {
  const routes = limitRoutes(topology.routes, budget)
  const tree = topology.tree && limitTree(topology.tree)
  return {
    ...topology,
    routes: routes.kept,
    tree: tree?.kept,
    problems: [
      ...topology.problems,
      ...problem('paths', routes.lost, 'add OverlayLinks that shorten them, or use a Mesh'),
      ...problem('branches of the flood tree', tree?.lost ?? [], 'use more hubs, or fewer bridges in one network'),
    ],
  }
}
