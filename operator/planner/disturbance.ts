import type { LinkExchange } from './link-exchange.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import { may } from './problem.ts'
import { pick, type Random, randomBelow } from './random.ts'
import type { State } from './state.ts'

const [vmShare, linkShare] = [0.6, 0.2]

/** Changes of a state at random, for better or worse: what gets a search out of a local optimum. */
export class Disturbance {
  private readonly state: State
  private readonly moves: Neighbourhood
  private readonly random: Random
  private readonly links: LinkExchange | undefined

  /** @param links if given, a link is exchanged now and then. */
  constructor(state: State, moves: Neighbourhood, random: Random, links?: LinkExchange) {
    this.state = state
    this.moves = moves
    this.random = random
    this.links = links
  }

  /** Moves a VM, lets two change places, exchanges a link, or takes another path. */
  apply(): void {
    const { state, random, moves } = this
    const group = state.groupOfDemand[randomBelow(random, state.groupOfDemand.length)]
    const routable = group && group.from !== group.to && may(state.problem, group.network, 'Routes')
    if (moves.movable.length > 0 && (!routable || random() < vmShare)) this.moveVms()
    else if (routable && !this.exchangeLink(group.network)) {
      const mark = state.uncommitted
      const held = group.path
      state.setPath(group, undefined)
      const choices = moves.proposals.paths(group, 'All').filter((path) => path !== held)
      if (choices.length === 0) state.rollback(mark)
      else state.setPath(group, pick(random, choices))
    }
  }

  private exchangeLink(network: number): boolean {
    return this.links !== undefined && this.random() < linkShare && this.links.exchangeAny(network, this.random)
  }

  private moveVms(): void {
    const { state, random, moves } = this
    const vm = pick(random, moves.movable)
    const other = pick(random, moves.movable)
    const here = state.placement.bridgeOf[vm]!
    const there = state.placement.bridgeOf[other]!
    const exchange = random() < 0.5 && there >= 0 && here >= 0
    if (exchange && state.placement.mayHost(vm, there) && state.placement.mayHost(other, here)) {
      state.place(vm, there)
      state.place(other, here)
      return
    }
    const allowed = moves.allowedBridges(vm)
    if (allowed.length > 0) state.place(vm, pick(random, allowed))
  }
}
