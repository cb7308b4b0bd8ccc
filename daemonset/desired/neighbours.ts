// The links of a node that can be used: their addresses are read, and each is that of one link.
import type { BridgeLink, BridgeProblem, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { isFailure } from '../wire/failure.ts'
import { type IpAddress, parseIpAddress } from '../wire/ip-address.ts'
import type { ObservedState } from './observed-state.ts'
import { textOf } from './tables.ts'

type LinksInput = { readonly spec: Pick<NodeBridgeSpec, 'links'>; readonly observed: Pick<ObservedState, 'tables'> }

/** A link whose address could be read. */
type Neighbour = BridgeLink & { readonly ip: IpAddress }
/** One object, so that a spec without links is the same each time. */
const NO_LINKS: readonly BridgeLink[] = []

/** Each address belongs to one link: the one in force, else the first by number. Two would count and answer for each other. */
const addressOwners = (links: readonly Neighbour[], { tables }: LinksInput['observed']): Map<IpAddress, number> => {
  const owners = new Map<IpAddress, number>()
  for (const { id, ip } of links) {
    const inForce = tables.peers.get(textOf({ address: ip }))?.value
    if (!owners.has(ip) || inForce === id) owners.set(ip, id)
  }
  return owners
}

/** The links that can be used, by number, and what is wrong with the others. */
export type Neighbours = {
  readonly usable: ReadonlyMap<number, Neighbour>
  readonly problems: readonly BridgeProblem[]
}

const readNeighbours = ({ spec, observed }: LinksInput): Neighbours => {
  const problems: BridgeProblem[] = []
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
    const message = `${link.address} is the address of link ${owner} as well: see that each node has its own`
    return drop(link, 'DuplicateAddress', message)
  })
  return { usable: new Map(used.map((link) => [link.id, link])), problems }
}

const lastNeighbours = new WeakMap<readonly BridgeLink[], Neighbours & { peers: unknown }>()

/** The same object for the same links, as long as the addresses in force are the same. */
export const neighboursOf = (input: LinksInput): Neighbours => {
  const { links = NO_LINKS } = input.spec
  const { peers } = input.observed.tables
  const known = lastNeighbours.get(links)
  if (known?.peers === peers) return known
  const made = { ...readNeighbours(input), peers }
  lastNeighbours.set(links, made)
  return made
}
