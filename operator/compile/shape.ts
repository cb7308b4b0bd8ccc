// The form of a network's topology, without its name and numbers: networks over the same clusters share it.
import { followPath, nextHopsTo } from './cheapest-paths.ts'
import { type Family, familiesOf } from './common-address.ts'
import { BASELINE_COST, type Edges, edgesOf } from './edges.ts'
import { floodTreeOf } from './flood-tree.ts'
import { componentsOf } from './graph.ts'
import type { BridgeInput, CompileInput, LinkInput, NetworkInput } from './input.ts'
import { type Members, membersOf } from './members.ts'
import type { Path, Topology, TopologyProblem } from './topology.ts'

export type Shape = Omit<Topology, 'network' | 'vni' | 'device' | 'mtuBytes'> &
  Pick<Edges, 'used' | 'refused'> & {
    /** How many different paths pass each bridge: each is a label there. */
    labels: ReadonlyMap<string, number>
  }

type Routes = { routes: Map<string, Map<string, Path>>; labels: Map<string, number> }

/**
 * In a mesh a path can beat the direct link only over OverlayLinks alone, since each further link costs as much as the direct one: so the search
 * stays within those, and a mesh of a thousand bridges costs nothing.
 */
const searchSpace = (network: NetworkInput, { graph, extra }: Edges) =>
  network.topology.type === 'Mesh' ? { graph: extra, limit: BASELINE_COST - 1 } : { graph: graph(), limit: undefined }

/** What remains of a path at a bridge depends on its destination alone: so each destination is one label there. */
const countLabels = (labels: Map<string, number>, paths: readonly Path[]): void => {
  for (const bridge of new Set(paths.flatMap((path) => path.slice(1, -1))))
    labels.set(bridge, (labels.get(bridge) ?? 0) + 1)
}

function* routesOf(
  network: NetworkInput,
  { access }: Members,
  edges: Edges,
  unready: ReadonlySet<string>,
): Generator<void, Routes> {
  const made: Routes = { routes: new Map(), labels: new Map() }
  if (network.topology.type === 'Mesh' && edges.used.length === 0) return made
  const { graph, limit } = searchSpace(network, edges)
  const isAccess = new Set(access)
  for (const destination of access) {
    const hops = nextHopsTo(destination, graph, unready, limit)
    const ingresses = [...hops].filter(([ingress, { next }]) => next !== destination && isAccess.has(ingress))
    const paths = ingresses.map(([ingress]) => followPath(ingress, destination, hops))
    for (const path of paths) {
      const [ingress = ''] = path
      const known = made.routes.get(ingress) ?? new Map<string, Path>()
      made.routes.set(ingress, known.set(destination, path))
    }
    countLabels(made.labels, paths)
    yield
  }
  return made
}

/** Neighbours that cannot send to each other; their VMs are apart, whatever the topology says. */
const apartOf = (bridges: readonly BridgeInput[], { all }: Members, { neighbours }: Edges): TopologyProblem[] => {
  const carriers = new Set(all)
  const single: Record<Family, string[]> = { IPv4: [], IPv6: [] }
  for (const { bridge, addresses } of bridges) {
    const [family, another] = familiesOf(addresses)
    if (carriers.has(bridge) && family && !another) single[family].push(bridge)
  }
  let [first, count] = ['', 0]
  for (const a of single.IPv4)
    for (const b of single.IPv6)
      if (neighbours.get(a)?.has(b)) {
        first ||= `${a} and ${b}`
        count++
      }
  if (count === 0) return []
  const advice = 'give these nodes addresses of one family, or choose topology.type Star with a hub that has both'
  const more = count > 1 ? ` and ${count - 1} more pairs` : ''
  return [{ reason: 'NoCommonFamily', message: `${first}${more}: one has IPv4 alone, the other IPv6: ${advice}` }]
}

const hubProblemsOf = ({ topology }: NetworkInput, { hubs }: Members): TopologyProblem[] => {
  const wanted = topology.star?.hubs
  if (topology.type !== 'Star' || !wanted || hubs.length === wanted.replicas) return []
  const place = `cluster ${wanted.cluster}${wanted.site === undefined ? '' : `, site ${wanted.site}`}`
  const advice = 'lower topology.star.hubs.replicas, add nodes there, or correct cluster and site'
  return [
    {
      reason: hubs.length === 0 ? 'NoHub' : 'TooFewHubs',
      message: `${place} has ${hubs.length} of ${wanted.replicas} hub bridges: ${advice}`,
    },
  ]
}

/** Whether each access bridge has a link to each other. */
const isFull = ({ topology }: NetworkInput, { access }: Members, { neighbours }: Edges): boolean =>
  topology.type === 'Mesh' ||
  access.every((bridge) => access.every((other) => other === bridge || neighbours.get(bridge)?.has(other)))

const groupsOf = ({ topology }: NetworkInput, { all }: Members, { graph }: Edges): string[][] =>
  topology.type === 'Mesh' ? (all.length > 0 ? [[...all]] : []) : componentsOf(graph())

/** In steps. `links`: OverlayLinks that select the network. */
export function* shapeOf(
  network: NetworkInput,
  { bridges, sites }: CompileInput,
  links: readonly LinkInput[],
): Generator<void, Shape> {
  const members = membersOf(network, bridges, sites)
  const unready = new Set(bridges.filter(({ isReady }) => !isReady).map(({ bridge }) => bridge))
  const edges = edgesOf(network, members, links)
  const access = new Set(members.access)
  const { routes, labels } = yield* routesOf(network, members, edges, unready)
  yield
  const groups = groupsOf(network, members, edges)
  // Where all reach each other directly, a copy on each link reaches everyone once, and no tree is needed.
  const isDirect = routes.size === 0 && isFull(network, members, edges)
  return {
    access,
    members: members.all,
    neighbours: edges.neighbours,
    routes,
    labels,
    tree: isDirect ? undefined : floodTreeOf(edges.graph(), groups, access, { preferred: members.hubs, unready }),
    components: groups.map((group) => group.filter((bridge) => access.has(bridge))).filter(({ length }) => length),
    problems: [...hubProblemsOf(network, members), ...apartOf(bridges, members, edges)],
    used: edges.used,
    refused: edges.refused,
  }
}
