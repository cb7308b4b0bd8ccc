import { bridgeId, type Digest } from '#crds/names.ts'
import type { BridgeLink, BridgeNetwork, BridgeProblem, BridgeTree, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { isFailure } from '../wire/failure.ts'
import { type IpAddress, isIpv6, parseIpAddress } from '../wire/ip-address.ts'
import type { Mac } from '../wire/mac.ts'
import { LAYOUT_VERSION, MAX_TREE_LINKS } from '../wire/map-layouts.ts'
import { bridgeOfClaim, type Claims } from './claims.ts'
import type { NodeFacts } from './desired-state.ts'
import { isOwned, type ObservedState } from './observed-state.ts'
import type { PortDecision } from './ports.ts'
import { type TableKey, type TableName, type Tables, type TableValue, tableOf, textOf } from './tables.ts'
import { overheadBytes, TUNNEL_DEVICE, TUNNEL_MARK } from './tunnel.ts'

export type DesiredTablesInput = {
  readonly spec: NodeBridgeSpec
  readonly networks: readonly BridgeNetwork[]
  readonly claims: Claims
  readonly ports: readonly PortDecision[]
  readonly facts: NodeFacts
  readonly observed: ObservedState
  readonly udpPort: number
  readonly fastPath: boolean
  readonly digest: Digest
}

type Rows<N extends TableName> = { key: TableKey<N>; value: TableValue<N> }[]
/** A link whose address could be read. */
type Neighbour = BridgeLink & { readonly ip: IpAddress }
type Context = DesiredTablesInput & { readonly neighbours: ReadonlyMap<number, Neighbour> }

/** Each address belongs to one link: the one in force, else the first by number. Two would count and answer for each other. */
const addressOwners = (links: readonly Neighbour[], { tables }: ObservedState): Map<IpAddress, number> => {
  const owners = new Map<IpAddress, number>()
  for (const { id, ip } of links) {
    const inForce = tables.peers.get(textOf({ address: ip }))?.value
    if (!owners.has(ip) || inForce === id) owners.set(ip, id)
  }
  return owners
}

/** The links that can be used, by number; what is wrong with the others. */
const readNeighbours = (
  { spec, observed }: DesiredTablesInput,
  problems: BridgeProblem[],
): ReadonlyMap<number, Neighbour> => {
  const drop = ({ id, bridge }: BridgeLink, reason: string, message: string): [] => {
    problems.push({ subject: `link ${id} to ${bridge}`, reason, message })
    return []
  }
  const readable = (spec.links ?? []).flatMap((link) => {
    const ip = parseIpAddress(link.address)
    return isFailure(ip) ? drop(link, 'BadAddress', ip.failure) : [{ ...link, ip }]
  })
  const owners = addressOwners(readable, observed)
  const used = readable.flatMap((link) => {
    const owner = owners.get(link.ip)
    if (owner === link.id) return [link]
    return drop(
      link,
      'DuplicateAddress',
      `${link.address} is the address of link ${owner} as well: see that each node has its own`,
    )
  })
  return new Map(used.map((link) => [link.id, link]))
}

const localAddress = ({ addresses }: NodeFacts, family6: boolean): IpAddress | null => {
  for (const text of addresses) {
    const address = parseIpAddress(text)
    if (!isFailure(address) && isIpv6(address) === family6) return address
  }
  return null
}

/** Nothing of the neighbour's family here: what is sent would get lost without a word. */
const isUnreachable = ({ addresses }: NodeFacts, local: IpAddress | null): boolean =>
  local === null && addresses.length > 0

const linkRows = ({ neighbours, facts, observed }: Context, problems: BridgeProblem[]): Rows<'links'> => {
  const tunnel = observed.interfaces.find(({ name }) => name === TUNNEL_DEVICE)
  return [...neighbours.values()].map(({ id, bridge, address, ip }) => {
    // A doubt about who made the device takes down no link that works.
    const inForce = observed.tables.links.get(textOf(id))?.value
    const isKept = inForce?.up === true && inForce.tunnelIfindex === tunnel?.ifindex
    const tunnelIfindex = tunnel && (isOwned(observed, tunnel) || isKept) ? tunnel.ifindex : 0
    const family6 = isIpv6(ip)
    const frameBytes = Math.max(0, facts.underlayMTUBytes - overheadBytes(family6))
    const local = localAddress(facts, family6)
    const isApart = isUnreachable(facts, local)
    if (isApart)
      problems.push({
        subject: `link ${id} to ${bridge}`,
        reason: 'NoCommonFamily',
        message: `${address} is IPv${family6 ? 6 : 4}, and this node has no such address on its underlay interface: give it one`,
      })
    const value = { remote: ip, local, tunnelIfindex, up: tunnelIfindex > 0 && !isApart, frameBytes }
    return { key: id, value }
  })
}

const peerRows = ({ neighbours }: Context): Rows<'peers'> =>
  [...neighbours.values()].map(({ id, ip }) => ({ key: { address: ip }, value: id }))

const carried = ({ neighbours }: Context, links: readonly number[]): number[] =>
  links.filter((id) => neighbours.has(id)).sort((a, b) => a - b)

const treeRows = (context: Context, problems: BridgeProblem[]): Rows<'trees'> => {
  const headEnd = context.networks
    .filter(({ floodTree }) => floodTree === 0)
    .map(({ vni, links }): BridgeTree => ({ vni, tree: 0, links }))
  return [...headEnd, ...(context.spec.trees ?? [])].flatMap(({ vni, tree, links }) => {
    const known = carried(context, links)
    if (known.length <= MAX_TREE_LINKS) return [{ key: { vni, tree }, value: { links: known } }]
    problems.push({
      subject: `tree ${tree} of network ${vni}`,
      reason: 'TooManyBranches',
      message: `${known.length} links at this bridge, the limit is ${MAX_TREE_LINKS}; use a topology with fewer neighbours, as Star or Tree`,
    })
    return []
  })
}

const pathRows = (context: Context): Rows<'paths'> => {
  const { networks, neighbours, digest } = context
  return networks.flatMap(({ vni, links, routes }) => {
    const hops = new Map<string, { link: number; label: number }>()
    for (const link of carried(context, links)) hops.set(neighbours.get(link)!.bridge, { link, label: 0 })
    for (const { to, link, label } of routes) if (neighbours.has(link)) hops.set(to, { link, label })
    return [...hops].map(([bridge, value]) => ({ key: { bridge: bridgeId(bridge, digest), vni }, value }))
  })
}

const portRows = (ports: readonly PortDecision[]): Rows<'ports'> =>
  ports.flatMap(({ ifindex, network, mac, open, peerNamespace }) =>
    network && mac ? [{ key: ifindex, value: { vni: network.vni, mac, open, peerNamespace } }] : [],
  )

/**
 * Where each MAC of a network is. A bridge that no VM of the network has used holds none: it only passes frames on, by label. One whose
 * last VM has moved away goes on knowing: those who have not heard of it yet, in another cluster while the hub is away, send to here. A
 * MAC on a bridge that cannot be reached is left out, so that its frames are flooded rather than dropped.
 */
const macRows = (context: Context, reachable: ReadonlySet<string>): Rows<'macs'> => {
  const own = context.spec.bridge ?? ''
  const known = new Set([...context.observed.tables.macs.values()].map(({ key }) => key.vni))
  return context.networks.flatMap(({ name, vni, access }) => {
    const local = new Map(
      context.ports.filter(({ open, network }) => open && network?.name === name).map((it) => [it.mac, it.ifindex]),
    )
    const claimed = [...(context.claims.get(name) ?? [])]
    const isUsedHere =
      (access && known.has(vni)) ||
      context.ports.some(({ network }) => network?.name === name) ||
      claimed.some(([, { claims }]) => claims.some((claim) => bridgeOfClaim(claim) === own))
    if (!isUsedHere) return []
    return claimed.flatMap(([address, { winner }]): Rows<'macs'> => {
      const mac = address as Mac
      const ifindex = local.get(mac)
      if (ifindex !== undefined) return [{ key: { vni, mac }, value: { bridge: 0n, ifindex } }]
      const bridge = winner && bridgeOfClaim(winner)
      if (bridge === undefined || bridge === own) return []
      const id = bridgeId(bridge, context.digest)
      return reachable.has(`${id} ${vni}`) ? [{ key: { vni, mac }, value: { bridge: id, ifindex: 0 } }] : []
    })
  })
}

const networkPortRows = (ports: readonly PortDecision[]): Rows<'network_ports'> => {
  const lists = new Map<number, number[]>()
  for (const { open, network, ifindex } of ports)
    if (open && network) lists.set(network.vni, [...(lists.get(network.vni) ?? []), ifindex])
  return [...lists].map(([vni, ifindexes]) => ({ key: vni, value: { ifindexes: ifindexes.sort((a, b) => a - b) } }))
}

const identity = (uid: string, digest: Digest): bigint => BigInt(`0x${digest(uid).slice(0, 16)}`)

const metaRow = ({ spec, facts, udpPort, fastPath, digest }: Context): Rows<'meta'> => [
  {
    key: 0,
    value: {
      layout: LAYOUT_VERSION,
      udpPort,
      mark: TUNNEL_MARK,
      fastPath,
      overlay: identity(spec.overlayUID ?? '', digest),
      node: identity(facts.nodeUID, digest),
      serial: BigInt(spec.serial ?? 0),
    },
  },
]

/** Contents of the maps, and what of the spec could not be expressed. References lead only to entries that exist. */
export const desiredTables = (input: DesiredTablesInput): { tables: Tables; problems: BridgeProblem[] } => {
  const problems: BridgeProblem[] = []
  const context: Context = { ...input, neighbours: readNeighbours(input, problems) }
  const trees = treeRows(context, problems)
  const treeKeys = new Set(trees.map(({ key }) => `${key.vni} ${key.tree}`))
  const paths = pathRows(context)
  const reachable = new Set(paths.map(({ key }) => `${key.bridge} ${key.vni}`))
  const { networks, neighbours, spec, ports } = context
  const labels = (spec.labels ?? []).filter(({ link }) => neighbours.has(link))
  const tables: Tables = {
    links: tableOf<'links'>(linkRows(context, problems)),
    peers: tableOf<'peers'>(peerRows(context)),
    peer_networks: tableOf<'peer_networks'>(
      networks.flatMap(({ vni, links }) => carried(context, links).map((link) => ({ key: { link, vni }, value: 1 }))),
    ),
    labels: tableOf<'labels'>(labels.map(({ label, link, nextLabel }) => ({ key: label, value: { link, nextLabel } }))),
    trees: tableOf<'trees'>(trees),
    networks: tableOf<'networks'>(
      networks
        .filter(({ vni, floodTree }) => treeKeys.has(`${vni} ${floodTree}`))
        .map(({ vni, floodTree }) => ({ key: vni, value: { floodTree } })),
    ),
    paths: tableOf<'paths'>(paths),
    ports: tableOf<'ports'>(portRows(ports)),
    macs: tableOf<'macs'>(macRows(context, reachable)),
    network_ports: tableOf<'network_ports'>(networkPortRows(ports)),
    meta: tableOf<'meta'>(metaRow(context)),
  }
  return { tables, problems }
}
