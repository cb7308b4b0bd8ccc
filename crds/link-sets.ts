// Networks over the same bridges have the same links: a spec says them once.
import type { BridgeNetwork, NodeBridgeSpec } from './node-bridge.ts'

/** A spec whose networks name all their links themselves; those of one set share one array. */
export const expandLinkSets = (spec: NodeBridgeSpec): NodeBridgeSpec => {
  const { linkSets = [], networks, ...rest } = spec
  if (linkSets.length === 0 || !networks) return spec
  const expand = ({ linkSet, ...network }: BridgeNetwork): BridgeNetwork => {
    const set = linkSet === undefined ? undefined : linkSets[linkSet]
    if (!set) return network
    return { ...network, links: network.links.length === 0 ? set : [...new Set([...set, ...network.links])] }
  }
  return { ...rest, networks: networks.map(expand) }
}

/** Inverse of `expandLinkSets`: link lists that several networks have become sets. Lists are ordered. */
export const shareLinkSets = (spec: NodeBridgeSpec): NodeBridgeSpec => {
  const { networks = [] } = spec
  const texts = new Map<readonly number[], string>()
  const textOf = (links: readonly number[]): string => {
    const text = texts.get(links) ?? links.join()
    texts.set(links, text)
    return text
  }
  const counts = new Map<string, number>()
  for (const { links } of networks) counts.set(textOf(links), (counts.get(textOf(links)) ?? 0) + 1)
  const numbers = new Map<string, number>()
  const linkSets: number[][] = []
  const share = (network: BridgeNetwork): BridgeNetwork => {
    const text = textOf(network.links)
    if (network.links.length < 2 || (counts.get(text) ?? 0) < 2) return network
    const linkSet = numbers.get(text) ?? linkSets.push(network.links) - 1
    numbers.set(text, linkSet)
    return { ...network, links: [], linkSet }
  }
  const shared = networks.map(share)
  return linkSets.length === 0 ? spec : { ...spec, linkSets, networks: shared }
}
