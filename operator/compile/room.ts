// Room for whole networks on bridges: what a node's maps and its object hold. A bridge that lacks it must not hold up all its other networks.
import type { CompileInput, NetworkInput } from './input.ts'
import { LIMITS } from './limits.ts'
import { LinkRoom } from './link-room.ts'
import type { Shape } from './shape.ts'

type Taken = { networks: number; paths: number }

/** What a bridge lacks for a network. */
type Lack = { bridge: string; of: keyof typeof words; taken: number; needed: number; limit: number }

const clusterOf = (bridge: string): string => bridge.slice(0, bridge.indexOf('/'))

/** What is wrong, where, and what to do; `bridge` with how many more. */
const words = {
  networks: ({ bridge, taken, limit }: Lack, where: string) =>
    `bridge ${where} carries ${taken} networks, the limit is ${limit}: delete networks that span cluster ${clusterOf(bridge)}, or take it out of spec.clusters`,
  paths: ({ bridge, taken, needed, limit }: Lack, where: string) =>
    `bridge ${where} holds ${taken} paths, one for each bridge that a network reaches, and needs ${needed} more, the limit is ${limit}: delete networks that span cluster ${clusterOf(bridge)}, or let spec.clusters name fewer clusters`,
  links: ({ taken, needed, limit }: Lack, where: string) =>
    `bridge ${where} has ${taken} links and needs ${needed} more, the limit is ${limit}: set spec.topology.type to Star, or let spec.clusters name fewer clusters`,
  copies: ({ needed, limit }: Lack, where: string) =>
    `bridge ${where} would send ${needed} copies of a flooded frame, the limit is ${limit}: set spec.topology.type to Star, or let spec.clusters name fewer clusters`,
}

export const lackText = (lacks: readonly Lack[]): string => {
  const [first] = lacks
  if (!first) return ''
  const more = lacks.length > 1 ? ` (and ${lacks.length - 1} more bridges)` : ''
  return words[first.of](first, `${first.bridge}${more}`)
}

const paths = new WeakMap<Shape, Map<string, number>>()

/**
 * Paths of a network at each of its bridges: one for each bridge that it reaches from there (daemonset/desired/desired-tables.ts). Its rows of
 * `peer_networks` are never more.
 */
const pathsOf = (shape: Shape): ReadonlyMap<string, number> => {
  const known = paths.get(shape)
  if (known) return known
  const made = new Map(
    shape.members.map((bridge) => {
      const near = shape.neighbours.get(bridge)
      const far = [...(shape.routes.get(bridge)?.keys() ?? [])].filter((to) => !near?.has(to))
      return [bridge, (near?.size ?? 0) + far.length]
    }),
  )
  paths.set(shape, made)
  return made
}

/** Where a flood without a tree is more copies than a bridge can send. */
const tooManyCopies = ({ tree, neighbours }: Shape): Lack[] => {
  if (tree !== undefined) return []
  const limit = LIMITS.treeLinks
  return [...neighbours]
    .filter(([, { size }]) => size > limit)
    .map(([bridge, { size }]) => ({ bridge, of: 'copies', taken: 0, needed: size, limit }))
}

export class Room {
  readonly #input: CompileInput
  readonly #taken = new Map<string, Taken>()
  readonly #links: LinkRoom | undefined

  constructor(input: CompileInput) {
    this.#input = input
    // Nobody has more neighbours than there are others.
    this.#links = input.bridges.length > LIMITS.links ? new LinkRoom(input) : undefined
  }

  /** What the networks that go on have already, as long as it is published. In steps. */
  *reserve(): Generator<void, void> {
    const vnis = new Map(this.#input.networks.map(({ network, vni }) => [network, vni]))
    for (const [bridge, { carried }] of this.#input.holdings) {
      const held = [...carried].filter(([name, { vni }]) => vnis.get(name) === vni)
      this.#taken.set(bridge, { networks: held.length, paths: held.reduce((sum, [, each]) => sum + each.paths, 0) })
      yield
    }
  }

  isCarried(bridge: string, network: NetworkInput): boolean {
    return this.#heldPaths(bridge, network) !== undefined
  }

  /** Takes room for a network at each of its bridges; where any lacks it, nothing is taken. In steps. */
  *take(network: NetworkInput, shape: Shape, mostPaths: number = LIMITS.paths): Generator<void, Lack[]> {
    const needs = [...pathsOf(shape)].map(([bridge, count]) => {
      const held = this.#heldPaths(bridge, network)
      return { bridge, networks: held === undefined ? 1 : 0, paths: Math.max(0, count - (held ?? 0)) }
    })
    const lacks = [
      ...tooManyCopies(shape),
      ...needs.flatMap((need) => this.#lack(need, mostPaths)),
      ...(this.#links ? yield* this.#links.lacks(shape) : []).map(
        (need): Lack => ({ ...need, of: 'links', limit: LIMITS.links }),
      ),
    ]
    if (lacks.length > 0) return lacks
    this.#links?.take(shape)
    for (const { bridge, ...need } of needs) {
      const taken = this.#at(bridge)
      this.#taken.set(bridge, { networks: taken.networks + need.networks, paths: taken.paths + need.paths })
    }
    return []
  }

  #heldPaths(bridge: string, { network, vni }: NetworkInput): number | undefined {
    const held = this.#input.holdings.get(bridge)?.carried.get(network)
    return held?.vni === vni ? held.paths : undefined
  }

  #at(bridge: string): Taken {
    return this.#taken.get(bridge) ?? { networks: 0, paths: 0 }
  }

  #lack({ bridge, ...need }: Taken & { bridge: string }, mostPaths: number): Lack[] {
    const taken = this.#at(bridge)
    const limits = { networks: LIMITS.networks, paths: mostPaths }
    return (['networks', 'paths'] as const)
      .filter((of) => need[of] > 0 && taken[of] + need[of] > limits[of])
      .map((of) => ({ bridge, of, taken: taken[of], needed: need[of], limit: limits[of] }))
      .slice(0, 1)
  }
}

/** Whether no bridge can run out of room, whatever the networks. */
export const isAmple = ({ networks, bridges }: CompileInput): boolean =>
  networks.length <= LIMITS.networks &&
  networks.length * bridges.length <= LIMITS.paths &&
  bridges.length <= Math.min(LIMITS.treeLinks, LIMITS.links)
