import { isIP } from 'node:net'
import type { NodeFacts } from '../desired/desired-state.ts'
import type { Interface } from '../desired/observed-state.ts'
import { runJson } from './command.ts'

export type NodeFactsOptions = {
  /** Addresses by which the other nodes know this one (downward API `status.hostIPs`). */
  nodeIPs: readonly string[]
  /** Takes the place of `nodeIPs`: all addresses of this interface. */
  underlayInterface: string | undefined
  nodeUID: string
}

/** Interface of the default route, of the first family that has one. Several at once: none, since one alone would be guarded. */
const defaultRouteDevice = async (families: readonly string[]): Promise<string | undefined> => {
  for (const family of families) {
    const routes = await runJson<{ type?: string; dev?: string }[]>(['ip', family, '-json', 'route', 'show', 'default'])
    // One with a type leads nowhere (`unreachable`, `blackhole`).
    const route = routes.find(({ type }) => type === undefined)
    if (route) return route.dev
  }
  return undefined
}

/** Loopback and dummy devices hold addresses (of a node that speaks BGP, for example), but no packet of another node comes or goes there. */
const leadsNowhere = ({ name, kind }: Interface): boolean => name === 'lo' || kind === 'dummy'

const underlayOf = async (
  { nodeIPs, underlayInterface }: NodeFactsOptions,
  interfaces: readonly Interface[],
): Promise<Interface | undefined> => {
  const outward = interfaces.filter((it) => !leadsNowhere(it))
  const named = (wanted: string | undefined): Interface | undefined => outward.find(({ name }) => name === wanted)
  if (underlayInterface) return named(underlayInterface)
  const isHere = ({ addresses }: Interface): boolean => addresses.some((address) => nodeIPs.includes(address))
  const holder = outward.find(isHere)
  // An address that no interface has just now is no reason to announce, and to guard, another network of the node.
  if (holder || (nodeIPs.length > 0 && !interfaces.some(isHere))) return holder
  return named(await defaultRouteDevice(isIP(nodeIPs[0] ?? '') === 6 ? ['-6', '-4'] : ['-4', '-6']))
}

/** Where and as what the node stands in the underlay. Without an interface there the device is empty. */
export const readNodeFacts = async (
  options: NodeFactsOptions,
  interfaces: readonly Interface[],
): Promise<NodeFacts> => {
  const underlay = await underlayOf(options, interfaces)
  const present = underlay?.addresses ?? []
  // What the node is known by and stands on no interface that leads outward is reached by this one.
  const own = [present, ...interfaces.filter(leadsNowhere).map(({ addresses }) => addresses)].flat()
  const isNamed = !underlay || options.underlayInterface
  const preferred = isNamed ? [] : options.nodeIPs.filter((address) => own.includes(address))
  const others = present.filter((address) => isIP(address) && !preferred.includes(address))
  // Of each family the first is enough: the neighbours accept one source for a link.
  const firstOf = (family: 4 | 6): string[] => [...preferred, ...others].filter((it) => isIP(it) === family).slice(0, 1)
  const addresses = [...firstOf(4), ...firstOf(6)]
  const [first] = preferred
  if (first && isIP(first) === 6) addresses.reverse()
  return {
    nodeUID: options.nodeUID,
    underlayDevice: underlay?.name ?? '',
    underlayMTUBytes: underlay?.mtuBytes ?? 0,
    addresses,
  }
}
