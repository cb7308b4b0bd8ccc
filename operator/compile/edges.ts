// The links of one network: those that its baseline topology implies, and the OverlayLinks that it may use.
import { addLink, emptyGraph, type Graph } from './graph.ts'
import type { LinkInput, NetworkInput } from './input.ts'
import type { Members } from './members.ts'
import { allBut, type NameSet } from './name-set.ts'

/** Cost of a link that a baseline topology implies. */
export const BASELINE_COST = 10

export type Edges = {
  neighbours: ReadonlyMap<string, NameSet>
  /** All links with their costs. Of a mesh it is large, and seldom needed. */
  graph: () => Graph
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
const objection = (link: LinkInput, members: ReadonlySet<string>): string | undefined => {
  if (!link.isUp) return 'AdminDown'
  const missing = [link.a, link.b].filter((bridge) => !members.has(bridge))
  return missing.length > 0 ? `NotCarried: ${missing.join(' and ')} does not carry the network` : undefined
}

const neighboursOf = (network: NetworkInput, { all }: Members, graph: () => Graph): Edges['neighbours'] => {
  if (network.topology.type !== 'Mesh')
    return new Map([...graph()].map(([bridge, links]) => [bridge, new Set(links.keys())]))
  const names = new Set(all)
  return new Map(all.map((bridge) => [bridge, allBut(names, bridge)]))
}

/** `links`: OverlayLinks that select the network. */
export const edgesOf = (network: NetworkInput, members: Members, links: readonly LinkInput[]): Edges => {
  const carriers = new Set(members.all)
  const reasons = links.map((link) => ({ link, reason: objection(link, carriers) }))
  const usable = reasons.filter(({ reason }) => reason === undefined).map(({ link }) => link)
  const extra = emptyGraph(members.all)
  for (const { a, b, cost } of usable) addLink(extra, a, b, cost)
  let all: Graph | undefined
  const graph = (): Graph => {
    if (all) return all
    all = emptyGraph(members.all)
    addBaseline(all, network, members)
    for (const { a, b, cost } of usable) addLink(all, a, b, cost)
    return all
  }
  return {
    neighbours: neighboursOf(network, members, graph),
    graph,
    extra,
    used: usable.map(({ name }) => name),
    refused: reasons.flatMap(({ link, reason }) => (reason === undefined ? [] : [{ link: link.name, reason }])),
  }
}
