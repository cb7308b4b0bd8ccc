// The links of one network: those that its baseline topology implies, and the OverlayLinks that it may use.
import { matchesLabels } from '#crds/names.ts'
import { addLink, emptyGraph, type Graph } from './graph.ts'
import type { LinkInput, NetworkInput } from './input.ts'
import type { Members } from './members.ts'

/** Cost of a link that a baseline topology implies. */
export const BASELINE_COST = 10

export type Edges = {
  /** All links of the network. */
  graph: Graph
  /** Those of OverlayLinks alone: in a mesh only a path over these can beat the direct link. */
  extra: Graph
  used: string[]
  refused: { link: string; reason: string }[]
}

const addBaseline = (graph: Graph, { topology }: NetworkInput, { all, hubs }: Members): void => {
  if (topology.type === 'Mesh')
    for (const [index, a] of all.entries()) for (const b of all.slice(index + 1)) addLink(graph, a, b, BASELINE_COST)
  if (topology.type === 'Star') for (const hub of hubs) for (const b of all) addLink(graph, hub, b, BASELINE_COST)
}

/** Why a link that selects the network is not used by it, or undefined. */
const objection = (link: LinkInput, graph: Graph): string | undefined => {
  if (!link.isUp) return 'AdminDown'
  const missing = [link.a, link.b].filter((bridge) => !graph.has(bridge))
  return missing.length > 0 ? `NotCarried: ${missing.join(' and ')} does not carry the network` : undefined
}

export const edgesOf = (network: NetworkInput, members: Members, links: readonly LinkInput[]): Edges => {
  const graph = emptyGraph(members.all)
  const extra = emptyGraph(members.all)
  const used: string[] = []
  const refused: Edges['refused'] = []
  addBaseline(graph, network, members)
  for (const link of links) {
    if (!matchesLabels(link.matchLabels, network.labels)) continue
    const reason = objection(link, graph)
    if (reason) {
      refused.push({ link: link.name, reason })
      continue
    }
    addLink(graph, link.a, link.b, link.cost)
    addLink(extra, link.a, link.b, link.cost)
    used.push(link.name)
  }
  return { graph, extra, used, refused }
}
