import { Disturbance } from './disturbance.ts'
import { greedy, routeByRate } from './greedy.ts'
import type { Group } from './group.ts'
import { LinkExchange } from './link-exchange.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { isBetter } from './objectives.ts'
import { seededRandom, shuffle } from './random.ts'
import { restoreSnapshot, type Search, takeSnapshot } from './search.ts'
import { bestConnected, gather } from './starts.ts'

/** Rounds of disturbance without a better result after which a search counts as converged. */
const patience = { small: 60, large: 8 }

/**
 * Iterated local search: descends from the present state, the greedy one, and placements gathered around each bridge;
 * then again and again disturbs the best result a little, descends, and keeps what is not worse.
 */
export const localSearch = (search: Search): void => {
  const { state } = search
  const random = seededRandom(search.options.seed)
  const neighbourhood = new Neighbourhood(search, random)
  const links = new LinkExchange(search, neighbourhood)
  const disturbance = new Disturbance(state, neighbourhood, random, links)
  const start = takeSnapshot(state)
  const feasible = state.violations.total === 0

  greedy(search)
  if (feasible && neighbourhood.exhaustive) {
    descend(search, neighbourhood)
    restoreSnapshot(state, start)
    descend(search, neighbourhood)
  }
  for (const bridge of gatheringPlaces()) {
    restoreSnapshot(state, start)
    gather(state, bridge)
    routeByRate(search)
    if (neighbourhood.exhaustive) descend(search, neighbourhood)
    else search.offer()
  }
  restoreSnapshot(state, search.best)
  descend(search, neighbourhood)

  let current = search.guide()
  let waited = 0
  const limit = neighbourhood.exhaustive ? patience.small : patience.large
  while (!search.over && waited < limit) {
    const strength = 1 + (waited % 4)
    for (let i = 0; i < strength; i++) disturbance.apply()
    descend(search, neighbourhood, false)
    const value = search.guide()
    waited++
    if (isBetter(value, current)) waited = 0
    if (isBetter(current, value)) state.rollback()
    else {
      state.commit()
      current = value
    }
  }

  function descend(_: Search, moves: Neighbourhood, commit = true): void {
    for (let improved = true; improved && !search.over; ) {
      improved = false
      for (const group of reroutingOrder(moves)) {
        if (search.over) break
        if (group.demands.length > 0 && moves.reroute(group)) improved = true
      }
      if (improved) search.offer()
      for (const vm of shiftingOrder(moves)) {
        if (search.over) break
        if (moves.shift(vm)) {
          improved = true
          search.offer()
        }
      }
      if (moves.movable.length > 1 && swapAll(moves)) improved = true
      if (!improved && swapBridges(moves)) improved = true
      if (!improved && links.improve(random)) improved = true
      if (commit) state.commit()
    }
    search.offer()
  }

  /** At random; on large problems the most promising first, because there may be no time for all of them. */
  function reroutingOrder(moves: Neighbourhood): Group[] {
    const groups = shuffle(random, moves.routable())
    if (moves.exhaustive) return groups
    const heat = new Map(groups.map((group) => [group, moves.heat(group)]))
    return groups.sort((x, y) => heat.get(y)! - heat.get(x)! || x.key - y.key)
  }

  function shiftingOrder(moves: Neighbourhood): number[] {
    const vms = shuffle(random, [...moves.movable])
    if (moves.exhaustive) return vms
    const heat = moves.heatOfVms()
    return vms.sort((x, y) => heat[y]! - heat[x]! || x - y)
  }

  function swapAll(moves: Neighbourhood): boolean {
    let improved = false
    const vms = shuffle(random, [...moves.movable])
    const partners = moves.exhaustive ? vms.length : 3
    vms.forEach((x, i) => {
      for (let k = 1; k <= partners && i + k < vms.length && !search.over; k++)
        if (moves.swap(x, vms[i + k]!)) {
          improved = true
          search.offer()
        }
    })
    return improved
  }

  function swapBridges(moves: Neighbourhood): boolean {
    let improved = false
    if (!moves.exhaustive || moves.movable.length === 0) return false
    for (let x = 0; x < state.problem.bridges; x++)
      for (let y = x + 1; y < state.problem.bridges && !search.over; y++)
        if (moves.swapBridges(x, y)) {
          improved = true
          search.offer()
        }
    return improved
  }

  /**
   * Bridges to gather VMs around, if the budget of moves allows to rearrange everything: all, or the best connected one
   * where there is no time for more.
   */
  function gatheringPlaces(): number[] {
    const { problem } = state
    const running = neighbourhood.movable.filter((vm) => problem.presentBridge[vm]! >= 0).length
    const rearrangeable = running <= (problem.input.budgets.moves ?? Number.POSITIVE_INFINITY)
    if (neighbourhood.movable.length < 2 || !rearrangeable || search.over) return []
    return neighbourhood.exhaustive ? Array.from({ length: problem.bridges }, (_, b) => b) : [bestConnected(problem)]
  }
}
