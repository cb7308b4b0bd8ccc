import { followPath, nextHopsTo } from './cheapest-paths.ts'
import { BASELINE_COST, type Edges, edgesOf } from './edges.ts'
import { floodTreeOf } from './flood-tree.ts'
import { componentsOf } from './graph.ts'
import type { CompileInput, NetworkInput } from './input.ts'
import { type LabelBudget, withinLimits } from './limits.ts'
import { type Members, membersOf } from './members.ts'
import type { LinkUse, Overlay, Path, Topology, TopologyProblem } from './topology.ts'

type Routes = Map<string, Map<string, Path>>

const byName = (left: { network: string }, right: { network: string }): number =>
  left.network < right.network ? -1 : left.network > right.network ? 1 : 0

/**
 * In a mesh a path can beat the direct link only over OverlayLinks alone, since each further link costs as much as the direct one: so the search
 * stays within those, and a mesh of a thousand bridges costs nothing.
 */
const searchSpace = (network: NetworkInput, { graph, extra }: Edges) =>
  network.topology.type === 'Mesh' ? { graph: extra, limit: BASELINE_COST - 1 } : { graph, limit: undefined }

const routesOf = (network: NetworkInput, { access }: Members, edges: Edges, unready: ReadonlySet<string>): Routes => {
  const { graph, limit } = searchSpace(network, edges)
  const isAccess = new Set(access)
  const routes: Routes = new Map()
  for (const destination of access) {
    const hops = nextHopsTo(destination, graph, unready, limit)
    for (const [ingress, { next }] of hops) {
      if (next === destination || !isAccess.has(ingress)) continue
      const paths = routes.get(ingress) ?? new Map<string, Path>()
      routes.set(ingress, paths.set(destination, followPath(ingress, destination, hops)))
    }
  }
  return routes
}

const problemsOf = ({ topology }: NetworkInput, { hubs }: Members): TopologyProblem[] => {
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

const topologyOf = (network: NetworkInput, input: CompileInput): { topology: Topology; edges: Edges } => {
  const members = membersOf(network, input.bridges, input.sites)
  const unready = new Set(input.bridges.filter(({ isReady }) => !isReady).map(({ bridge }) => bridge))
  const edges = edgesOf(network, members, input.links)
  const access = new Set(members.access)
  const routes = routesOf(network, members, edges, unready)
  const connected = componentsOf(edges.graph)
  const components = connected
    .map((group) => group.filter((bridge) => access.has(bridge)))
    .filter(({ length }) => length)
  // Where all reach each other directly, a copy on each link reaches everyone once, and no tree is needed.
  const isDirect =
    routes.size === 0 && members.access.every((bridge) => isNeighbourOfAll(bridge, members.access, edges.graph))
  const roots = { preferred: members.hubs, unready }
  const { network: name, vni, device, mtuBytes } = network
  return {
    edges,
    topology: {
      network: name,
      vni,
      device,
      mtuBytes,
      access,
      neighbours: new Map([...edges.graph].map(([bridge, links]) => [bridge, new Set(links.keys())])),
      routes,
      tree: isDirect ? undefined : floodTreeOf(edges.graph, connected, access, roots),
      components,
      problems: problemsOf(network, members),
    },
  }
}

const isNeighbourOfAll = (bridge: string, others: readonly string[], graph: Edges['graph']): boolean => {
  const links = graph.get(bridge)
  return others.every((other) => other === bridge || links?.has(other))
}

/**
 * Topologies of all networks, and how each OverlayLink is used. The result does not depend on the order of the input. Networks share the labels
 * of a bridge, so they are served by name when labels run out.
 */
export const compile = (input: CompileInput): Overlay => {
  const topologies = new Map<string, Topology>()
  const links = new Map<string, LinkUse>(input.links.map(({ name }) => [name, { networks: [], notIn: [] }]))
  const budget: LabelBudget = new Map()
  for (const network of [...input.networks].sort(byName)) {
    const { topology, edges } = topologyOf(network, input)
    topologies.set(network.network, withinLimits(topology, budget))
    for (const name of edges.used) links.get(name)?.networks.push(network.network)
    for (const { link, reason } of edges.refused) links.get(link)?.notIn.push({ network: network.network, reason })
  }
  return { topologies, links }
}
