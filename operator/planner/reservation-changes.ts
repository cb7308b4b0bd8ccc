import { resourceName } from './diagnosis.ts'
import type { Action, Reason, ReleaseCause } from './plan.ts'
import { arcsOf, reservableBps } from './reservations.ts'
import type { State } from './state.ts'
import type { PresentState, Reservation } from './types.ts'

const key = ({ bps, from, links }: Reservation): string => `${bps} ${from} ${links.join('\n')}`

/** The releases and reservations that lead from what is reserved now to what is reserved in the result. */
export const reservationChanges = (state: State, result: PresentState): Action[] => {
  const { present } = state.problem.input
  const old = new Map(present.reservations.map((reservation) => [reservation.demand, reservation]))
  const next = new Map(result.reservations.map((reservation) => [reservation.demand, reservation]))
  const same = (x: Reservation | undefined, y: Reservation | undefined): boolean =>
    x !== undefined && y !== undefined && key(x) === key(y)
  const released = present.reservations.filter(({ demand }) => !same(old.get(demand), next.get(demand)))
  const reserved = result.reservations.filter(({ demand }) => !same(old.get(demand), next.get(demand)))
  return [
    ...released.map((reservation): Action => {
      const cause = causeOf(state, reservation, next.get(reservation.demand))
      return { type: 'Release', demand: reservation.demand, reason: { demands: [reservation.demand], cause } }
    }),
    ...reserved.map((reservation): Action => {
      const reason = { demands: [reservation.demand], ...tightest(state, result, reservation) }
      return { type: 'Reserve', reservation, reason: { ...reason, alternative: { choice: 'no reservation' } } }
    }),
  ]
}

const causeOf = ({ problem }: State, held: Reservation, next: Reservation | undefined): ReleaseCause => {
  const id = problem.ids.demands.get(held.demand)
  const demand = id === undefined ? undefined : problem.input.demands[id]!
  if (!demand || demand.bps === 0) return 'DemandGone'
  if (demand.kind !== 'Rigid' || demand.origin !== 'Declared') return 'NotDeclared'
  if (demand.bps !== held.bps) return 'RateChanged'
  return next ? 'PathChanged' : 'NoRoom'
}

/** The link of the reservation's path that has the largest share of what can be reserved on it reserved then. */
const tightest = ({ problem }: State, result: PresentState, reservation: Reservation): Pick<Reason, 'bottleneck'> => {
  const path = arcsOf(problem, reservation)
  const used = new Map(path.map((arc) => [arc, 0]))
  for (const other of result.reservations)
    for (const arc of arcsOf(problem, other)) if (used.has(arc)) used.set(arc, used.get(arc)! + other.bps)
  const share = (arc: number): number => used.get(arc)! / Math.max(1, reservableBps(problem, arc))
  const arc = path.reduce((most, candidate) => (share(candidate) > share(most) ? candidate : most), path[0]!)
  return { bottleneck: { name: resourceName(problem, arc), utilizationPercent: Math.round(1000 * share(arc)) / 10 } }
}
