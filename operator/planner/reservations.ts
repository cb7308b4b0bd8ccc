import type { Plan } from './plan.ts'
import { linkOfArc, may, type Problem } from './problem.ts'
import { bridgeName, linkNames } from './result.ts'
import type { State } from './state.ts'
import type { Reservation } from './types.ts'

type Outcome = { reservations: Reservation[]; unreserved: Plan['unreserved'] }

export const arcsOf = (problem: Problem, { from, links }: Reservation): number[] => {
  let at = problem.ids.bridges.get(from)
  return links.flatMap((name) => {
    const arc = 2 * (problem.ids.links.get(name) ?? Number.NaN)
    const next = [arc, arc + 1].find((candidate) => problem.arcFrom[candidate] === at)
    at = next === undefined ? undefined : problem.arcTo[next]
    return next === undefined ? [] : [next]
  })
}

/** How much of an arc's capacity can be reserved. */
export const reservableBps = (problem: Problem, arc: number): number => {
  const link = problem.input.links[linkOfArc(arc)]!
  return (arc % 2 === 0 ? link.aToB : link.bToA).reservableBps ?? 0
}

/**
 * Reserves for each declared rigid demand of the networks that allow it its rate along its path (section 5.7), those
 * that hold their reservation already first, then the largest, as long as every link has enough that can be reserved.
 * Reservations of other networks stay.
 */
export const reserve = (state: State): Outcome => {
  const { problem } = state
  const { demands, links, present } = problem.input
  const left = Float64Array.from({ length: problem.arcs }, (_, arc) => reservableBps(problem, arc))
  const held = new Map(present.reservations.map((reservation) => [reservation.demand, reservation]))
  const kept: Reservation[] = []
  for (const reservation of present.reservations) {
    const demand = problem.ids.demands.get(reservation.demand)
    if (demand === undefined || may(problem, problem.demandNetwork[demand]!, 'Reservations')) continue
    kept.push(reservation)
    for (const arc of arcsOf(problem, reservation)) left[arc]! -= reservation.bps
  }

  const wanted = Array.from(demands.keys()).filter(
    (id) =>
      demands[id]!.kind === 'Rigid' &&
      demands[id]!.origin === 'Declared' &&
      demands[id]!.bps > 0 &&
      may(problem, problem.demandNetwork[id]!, 'Reservations') &&
      (state.groupOfDemand[id]?.path?.arcs.length ?? 0) > 0,
  )
  const asHeld = (id: number): boolean => {
    const reservation = held.get(demands[id]!.name)
    const names = linkNames(state, state.groupOfDemand[id]!.path)
    return (
      reservation !== undefined && reservation.links.join() === names.join() && reservation.bps === demands[id]!.bps
    )
  }
  const first = new Set(wanted.filter(asHeld))
  wanted.sort((x, y) => Number(first.has(y)) - Number(first.has(x)) || demands[y]!.bps - demands[x]!.bps || x - y)
  const outcome: Outcome = { reservations: kept, unreserved: [] }
  for (const id of wanted) {
    const { name, bps } = demands[id]!
    const { path, from } = state.groupOfDemand[id]!
    const short = path!.arcs.find((arc) => left[arc]! < bps)
    if (short !== undefined) {
      outcome.unreserved.push({ demand: name, link: links[linkOfArc(short)]!.name, missingBps: bps - left[short]! })
      continue
    }
    for (const arc of path!.arcs) left[arc]! -= bps
    outcome.reservations.push({ demand: name, bps, from: bridgeName(state, from), links: linkNames(state, path) })
  }
  outcome.reservations.sort((x, y) => (x.demand < y.demand ? -1 : 1))
  return outcome
}
