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

/** Interface of the default route, IPv4 before IPv6. */
const defaultRouteDevice = async (): Promise<string | undefined> => {
  for (const family of ['-4', '-6']) {
    const [route] = await runJson<{ dev?: string }[]>(['ip', family, '-json', 'route', 'show', 'default'])
    if (route?.dev) return route.dev
  }
  return undefined
}

const underlayOf = async (
  options: NodeFactsOptions,
  interfaces: readonly Interface[],
): Promise<Interface | undefined> => {
  const named = (wanted: string | undefined): Interface | undefined => interfaces.find(({ name }) => name === wanted)
  if (options.underlayInterface) return named(options.underlayInterface)
  // An address that no interface has just now is no reason to announce, and to guard, another network of the node.
  if (options.nodeIPs.length === 0) return named(await defaultRouteDevice())
  return interfaces.find(({ addresses }) => addresses.some((address) => options.nodeIPs.includes(address)))
}

/** Where and as what the node stands in the underlay. Without an interface there the device is empty. */
export const readNodeFacts = async (
  options: NodeFactsOptions,
  interfaces: readonly Interface[],
): Promise<NodeFacts> => {
  const underlay = await underlayOf(options, interfaces)
  const present = underlay?.addresses ?? []
  const preferred = options.underlayInterface ? [] : options.nodeIPs.filter((address) => present.includes(address))
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
