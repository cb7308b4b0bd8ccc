// Room for whole networks on bridges: what a node's maps and its object hold. A bridge that lacks it must not hold up all its other networks.

import type { CompileInput, NetworkInput } from './input.ts'
import { LIMITS } from './limits.ts'
import type { Shape } from './shape.ts'

type Taken = { networks: number; paths: number }

/** What a bridge lacks for a network. */
export type Lack = { bridge: string; of: 'networks' | 'paths'; taken: number; needed: number; limit: number }

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

export class Room {
  readonly #holdings: CompileInput['holdings']
  readonly #taken = new Map<string, Taken>()

  constructor(holdings: CompileInput['holdings']) {
    this.#holdings = holdings
  }

  /** What the networks that go on have already, as long as it is published. */
  *reserve(networks: readonly NetworkInput[]): Generator<void, void> {
    const vnis = new Map(networks.map(({ network, vni }) => [network, vni]))
    for (const [bridge, { carried }] of this.#holdings) {
      const held = [...carried].filter(([name, { vni }]) => vnis.get(name) === vni)
      this.#taken.set(bridge, { networks: held.length, paths: held.reduce((sum, [, each]) => sum + each.paths, 0) })
      yield
    }
  }

  isCarried(bridge: string, { network, vni }: NetworkInput): boolean {
    return this.#holdings.get(bridge)?.carried.get(network)?.vni === vni
  }

  /** Takes room for a network at each of its bridges; where any lacks it, nothing is taken. */
  take(network: NetworkInput, shape: Shape, mostPaths: number = LIMITS.paths): Lack[] {
    const needs = [...pathsOf(shape)].map(([bridge, count]) => {
      const held = this.isCarried(bridge, network)
        ? this.#holdings.get(bridge)?.carried.get(network.network)
        : undefined
      return { bridge, networks: held ? 0 : 1, paths: Math.max(0, count - (held?.paths ?? 0)) }
    })
    const lacks = needs.flatMap((need) => this.#lack(need, mostPaths))
    if (lacks.length > 0) return lacks
    for (const { bridge, ...need } of needs) {
      const taken = this.#at(bridge)
      this.#taken.set(bridge, { networks: taken.networks + need.networks, paths: taken.paths + need.paths })
    }
    return []
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
  networks.length <= LIMITS.networks && networks.length * bridges.length <= LIMITS.paths

/** What is wrong, where, and what to do. */
export const lackText = (lacks: readonly Lack[]): string => {
  const [first] = lacks
  if (!first) return ''
  const { bridge, of, taken, needed, limit } = first
  const more = lacks.length > 1 ? ` (and ${lacks.length - 1} more bridges)` : ''
  const cluster = bridge.slice(0, bridge.indexOf('/'))
  return of === 'networks'
    ? `bridge ${bridge}${more} carries ${taken} networks, the limit is ${limit}: delete networks that span cluster ${cluster}, or take it out of spec.clusters`
    : `bridge ${bridge}${more} holds ${taken} paths, one for each bridge that a network reaches, and needs ${needed} more, the limit is ${limit}: delete networks that span cluster ${cluster}, or let spec.clusters name fewer clusters`
}
