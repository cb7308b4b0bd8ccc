import { nextHopsTo } from './cheapest-paths.ts'
import type { Graph } from './graph.ts'

type Tree = Map<string, Set<string>>

const link = (tree: Tree, a: string, b: string): void => {
  tree.set(a, (tree.get(a) ?? new Set()).add(b))
  tree.set(b, (tree.get(b) ?? new Set()).add(a))
}

/** Takes off branches that end at bridges without VMs: nobody there wants the frames. */
const prune = (tree: Tree, access: ReadonlySet<string>): void => {
  const ends = [...tree.keys()].filter((bridge) => !access.has(bridge) && tree.get(bridge)?.size === 1)
  for (let end = ends.pop(); end; end = ends.pop()) {
    const [neighbour] = tree.get(end) ?? []
    tree.delete(end)
    if (neighbour === undefined) continue
    const rest = tree.get(neighbour)
    rest?.delete(end)
    if (rest?.size === 0) tree.delete(neighbour)
    else if (rest?.size === 1 && !access.has(neighbour)) ends.push(neighbour)
  }
}

/**
 * One spanning tree for each component: the cheapest paths to a root. The root is the first of `preferred` in the component, else its first
 * ready bridge by name.
 */
export const floodTreeOf = (
  graph: Graph,
  components: readonly (readonly string[])[],
  access: ReadonlySet<string>,
  { preferred, unready }: { preferred: readonly string[]; unready: ReadonlySet<string> },
): Map<string, Set<string>> => {
  const tree: Tree = new Map()
  for (const component of components) {
    const members = new Set(component)
    const root =
      preferred.find((bridge) => members.has(bridge)) ??
      component.find((bridge) => !unready.has(bridge)) ??
      component[0]
    if (root === undefined) continue
    for (const [bridge, { next }] of nextHopsTo(root, graph, unready)) link(tree, bridge, next)
  }
  prune(tree, access)
  return tree
}
