import { bridgeId, type Digest } from '#crds/names.ts'
import type { BridgeNetwork, BridgeProblem, BridgeTree, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { isFailure } from '../wire/failure.ts'
import { type IpAddress, isIpv6, parseIpAddress } from '../wire/ip-address.ts'
import type { Mac } from '../wire/mac.ts'
import { LAYOUT_VERSION, MAX_TREE_LINKS } from '../wire/map-layouts.ts'
import { bridgeOfClaim, type Claims } from './claims.ts'
import type { NodeFacts } from './desired-state.ts'
import { type Neighbours, neighboursOf } from './neighbours.ts'
import { isOwned, type ObservedState } from './observed-state.ts'
import type { PortDecision } from './ports.ts'
import { type Table, type TableKey, type TableName, type Tables, type TableValue, tableOf, textOf } from './tables.ts'
import { overheadBytes, type Receive, TUNNEL_DEVICE, TUNNEL_MARK } from './tunnel.ts'

export type DesiredTablesInput = {
  readonly spec: NodeBridgeSpec
  readonly networks: readonly BridgeNetwork[]
  readonly claims: Claims
  readonly ports: readonly PortDecision[]
  readonly facts: NodeFacts
  readonly observed: ObservedState
  readonly udpPort: number
  readonly fastPath: boolean
  readonly receive: Receive
  readonly digest: Digest
}

type Rows<N extends TableName> = { key: TableKey<N>; value: TableValue<N> }[]
type Context = DesiredTablesInput & {
  readonly neighbours: Neighbours['usable']
  /** `bridgeId`, computed once for each bridge. */
  readonly bridgeId: (bridge: string) => bigint
}

const rememberIds = (digest: Digest): Context['bridgeId'] => {
  const known = new Map<string, bigint>()
  return (bridge) => {
    const id = known.get(bridge) ?? bridgeId(bridge, digest)
    known.set(bridge, id)
    return id
  }
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

/** Rows of a network that depend on nothing but it and the links: by far the most. */
type NetworkRows = { readonly paths: Table<'paths'>; readonly peers: Table<'peer_networks'> }

const makeNetworkRows = (context: Context, { vni, links, routes }: BridgeNetwork): NetworkRows => {
  const { neighbours } = context
  const hops = new Map<string, { link: number; label: number }>()
  const own = carried(context, links)
  for (const link of own) hops.set(neighbours.get(link)!.bridge, { link, label: 0 })
  for (const { to, link, label } of routes) if (neighbours.has(link)) hops.set(to, { link, label })
  return {
    paths: tableOf<'paths'>(
      [...hops].map(([bridge, value]) => ({ key: { bridge: context.bridgeId(bridge), vni }, value })),
    ),
    peers: tableOf<'peer_networks'>(own.map((link) => ({ key: { link, vni }, value: 1 }))),
  }
}

const lastRows = new WeakMap<BridgeNetwork, NetworkRows & { neighbours: Context['neighbours'] }>()

/** Made once for the same network over the same links. */
const networkRows = (context: Context, network: BridgeNetwork): NetworkRows => {
  const known = lastRows.get(network)
  if (known?.neighbours === context.neighbours) return known
  const made = { ...makeNetworkRows(context, network), neighbours: context.neighbours }
  lastRows.set(network, made)
  return made
}

const lastUnions = new WeakMap<object, { parts: readonly object[]; table: Table }>()

/** The union of tables without common keys: the same object for the same parts. */
const union = <N extends TableName>(parts: readonly Table<N>[]): Table<N> => {
  const [first] = parts
  if (!first) return new Map()
  const known = lastUnions.get(first)
  if (known && known.parts.length === parts.length && parts.every((part, at) => part === known.parts[at]))
    return known.table as unknown as Table<N>
  const table = new Map(parts.flatMap((part) => [...part]))
  lastUnions.set(first, { parts, table: table as unknown as Table })
  return table
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
const macRows = (context: Context, paths: Table<'paths'>): Rows<'macs'> => {
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
      const id = context.bridgeId(bridge)
      return paths.has(textOf({ bridge: id, vni })) ? [{ key: { vni, mac }, value: { bridge: id, ifindex: 0 } }] : []
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

const metaRow = ({ spec, facts, udpPort, fastPath, receive, digest }: Context): Rows<'meta'> => [
  {
    key: 0,
    value: {
      layout: LAYOUT_VERSION,
      udpPort,
      mark: TUNNEL_MARK,
      fastPath,
      inlet: receive === 'Inlet',
      overlay: identity(spec.overlayUID ?? '', digest),
      node: identity(facts.nodeUID, digest),
      serial: BigInt(spec.serial ?? 0),
    },
  },
]

/** Contents of the maps, and what of the spec could not be expressed. References lead only to entries that exist. */
export const desiredTables = (input: DesiredTablesInput): { tables: Tables; problems: BridgeProblem[] } => {
  const { usable, problems: badLinks } = neighboursOf(input)
  const problems = [...badLinks]
  const context: Context = { ...input, neighbours: usable, bridgeId: rememberIds(input.digest) }
  const { networks, neighbours, spec, ports } = context
  const trees = treeRows(context, problems)
  const treeKeys = new Set(trees.map(({ key }) => `${key.vni} ${key.tree}`))
  const rows = networks.map((network) => networkRows(context, network))
  const paths = union(rows.map((each) => each.paths))
  const labels = (spec.labels ?? []).filter(({ link }) => neighbours.has(link))
  const tables: Tables = {
    links: tableOf<'links'>(linkRows(context, problems)),
    peers: tableOf<'peers'>(peerRows(context)),
    peer_networks: union(rows.map(({ peers }) => peers)),
    labels: tableOf<'labels'>(labels.map(({ label, link, nextLabel }) => ({ key: label, value: { link, nextLabel } }))),
    trees: tableOf<'trees'>(trees),
    networks: tableOf<'networks'>(
      networks
        .filter(({ vni, floodTree }) => treeKeys.has(`${vni} ${floodTree}`))
        .map(({ vni, floodTree }) => ({ key: vni, value: { floodTree } })),
    ),
    paths,
    ports: tableOf<'ports'>(portRows(ports)),
    macs: tableOf<'macs'>(macRows(context, paths)),
    network_ports: tableOf<'network_ports'>(networkPortRows(ports)),
    meta: tableOf<'meta'>(metaRow(context)),
  }
  return { tables, problems }
}
