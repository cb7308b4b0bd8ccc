import type { Neighbourhood } from './neighbourhood.ts'
import { mayRelink } from './problem.ts'
import { pick, type Random } from './random.ts'
import { activeGroups, type Search } from './search.ts'
import type { State } from './state.ts'

/** So many links are tried in the place of one, on problems too large to try all. */
const sampledLinks = 4

/** The moves that give a network other links, with the routes that follow from it. */
export class LinkExchange {
  private readonly search: Search
  private readonly state: State
  private readonly moves: Neighbourhood

  constructor(search: Search, moves: Neighbourhood) {
    this.search = search
    this.state = search.state
    this.moves = moves
  }

  /** Tries each link that can be taken out; where the budget of links is used up, against each that could come instead. */
  improve(random: Random): boolean {
    let improved = false
    for (let network = 0; network < this.state.problem.input.networks.length; network++)
      for (const link of this.removable(network)) {
        if (this.search.over) return improved
        if (this.moves.bestOf(this.substitutes(network, random).map((by) => () => this.exchange(network, link, by)))) {
          improved = true
          this.search.offer()
        }
      }
    return improved
  }

  /** A random exchange, for better or worse; false if the network has no link to exchange. */
  exchangeAny(network: number, random: Random): boolean {
    const links = this.removable(network)
    if (links.length === 0) return false
    this.exchange(network, pick(random, links), pick(random, this.substitutes(network, random)))
    return true
  }

  /** Links of a network that a search may take out: beyond the baseline, not pinned, in use. */
  private removable(network: number): number[] {
    const { state } = this
    if (!mayRelink(state.problem, network)) return []
    const used = new Set<number>()
    for (const group of activeGroups(state))
      if (group.network === network) for (const arc of group.path?.arcs ?? []) used.add(arc >> 1)
    return [...used].filter((link) => !state.routing.keptLinks[network]!.has(link)).sort((x, y) => x - y)
  }

  /**
   * What may come in the place of a link: anything (`undefined`); and if the budget lets only one come, each by name, or
   * the first path that is laid anew would decide which.
   */
  private substitutes(network: number, random: Random): (number | undefined)[] {
    const { topology, routing, problem } = this.state
    if (topology.spare(network) > 0) return [undefined]
    const usable = routing.usable(network)
    const others = Array.from(problem.input.links.keys()).filter(
      (link) => usable[2 * link] === 1 && !topology.has(network, link),
    )
    if (this.moves.exhaustive || others.length <= sampledLinks) return [undefined, ...others]
    return [undefined, ...Array.from({ length: sampledLinks }, () => pick(random, others))]
  }

  /** Takes a link out, re-routes what used it (with `by` at hand), and lets others use what became free. */
  private exchange(network: number, link: number, by: number | undefined): void {
    const { moves, state } = this
    const users = activeGroups(state).filter(
      (group) => group.network === network && group.path?.arcs.some((arc) => arc >> 1 === link),
    )
    moves.proposals.ban = { network, link }
    moves.proposals.grant = by === undefined ? undefined : { network, link: by }
    for (const group of users) state.setPath(group, undefined)
    for (const group of users) moves.reroute(group)
    moves.proposals.ban = undefined
    const others = moves.exhaustive ? moves.routable().filter((group) => group.network === network) : users
    for (const group of others) moves.reroute(group)
    moves.proposals.grant = undefined
  }
}
