// Which bridges carry a network, and which of them are the hubs of a star.
import { matchesLabels } from '#crds/names.ts'
import type { BridgeInput, NetworkInput, Site } from './input.ts'

export type Members = {
  /** Bridges whose VMs may attach, by name. */
  access: string[]
  /** Hubs of a star, the preferred one first; empty for other types. */
  hubs: string[]
  /** Both, by name. */
  all: string[]
}

const byName = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

/** The first site whose selector matches the node's labels. */
export const siteOf = (labels: Record<string, string>, sites: readonly Site[]): string | undefined =>
  sites.find(({ matchLabels }) => matchesLabels(matchLabels, labels))?.name

/** Ready bridges first, so that a hub that fails is replaced; then by name, so that the choice does not depend on the order of input. */
const hubsOf = (
  { topology }: NetworkInput,
  bridges: readonly BridgeInput[],
  sites: ReadonlyMap<string, Site[]>,
): string[] => {
  const wanted = topology.type === 'Star' ? topology.star?.hubs : undefined
  if (!wanted) return []
  return bridges
    .filter(({ cluster, labels }) => {
      if (cluster !== wanted.cluster) return false
      return wanted.site === undefined || siteOf(labels, sites.get(cluster) ?? []) === wanted.site
    })
    .sort((left, right) => Number(right.isReady) - Number(left.isReady) || byName(left.bridge, right.bridge))
    .slice(0, wanted.replicas)
    .map(({ bridge }) => bridge)
}

export const membersOf = (
  network: NetworkInput,
  bridges: readonly BridgeInput[],
  sites: ReadonlyMap<string, Site[]>,
): Members => {
  const clusters = new Set(network.clusters)
  const access = bridges.filter(({ cluster }) => clusters.has(cluster)).map(({ bridge }) => bridge)
  const hubs = hubsOf(network, bridges, sites)
  return { access: access.sort(byName), hubs, all: [...new Set([...access, ...hubs])].sort(byName) }
}
