import type { Action, Plan, ReleaseCause } from './plan.ts'
import { quantity, rounded } from './quantity.ts'

/** A score, 0.01 of a reference value each; `explain` says what that is. */
const points = (score: number): string => `${rounded(100 * score)} ${Math.abs(score) === 0.01 ? 'point' : 'points'}`

const causes: Record<ReleaseCause, string> = {
  DemandGone: 'the demand is gone',
  NotDeclared: 'the demand is not a declared, rigid one any more',
  RateChanged: 'the demand has another rate',
  PathChanged: 'the demand takes another path',
  NoRoom: 'the links of its path have nothing left to reserve',
}

const because = ({ type, reason }: Action): string => {
  const { demands, bottleneck, worth, alternative, repairs, overcommits, cause } = reason
  const parts: string[] = []
  if (demands.length > 0) parts.push(`for ${demands.join(', ')}`)
  else if (type === 'ClearRoute' || type === 'RemoveLink') parts.push('nothing uses it')
  if (bottleneck) {
    const share = `${rounded(bottleneck.utilizationPercent)} %`
    if (type === 'Reserve') parts.push(`of what can be reserved on ${bottleneck.name}, ${share} is then`)
    else parts.push(`which met ${bottleneck.name} at ${share} use`)
  }
  if (cause) parts.push(causes[cause])
  if (repairs) parts.push(`without it the plan would break ${repairs}`)
  else if (worth !== undefined && worth > 0) parts.push(`worth ${points(worth)}`)
  if (alternative) {
    const { choice, worseBy, breaks } = alternative
    if (breaks) parts.push(`next best ${choice}, which would break ${breaks}`)
    else if (worseBy === undefined) parts.push(`instead of ${choice}`)
    else parts.push(`next best ${choice}, ${worseBy > 0 ? `${points(worseBy)} worse` : 'no worse'}`)
  }
  if (overcommits) parts.push('its target is overcommitted until a later move leaves it')
  return parts.length > 0 ? `: ${parts.join('; ')}` : ''
}

const what = (action: Action): string => {
  switch (action.type) {
    case 'AddLink':
      return `Add link ${action.link} to ${action.network}`
    case 'RemoveLink':
      return `Remove link ${action.link} from ${action.network}`
    case 'SetRoute': {
      const way = `over ${action.links.join(', ')}`
      const old = action.replaces ? ` instead of ${action.replaces.join(', ')}` : ''
      return `Route ${action.network} from ${action.from} to ${action.to} ${way}${old}`
    }
    case 'ClearRoute':
      return `Let ${action.network} from ${action.from} to ${action.to} take the default path again`
    case 'PlaceVm':
      return `Start ${action.vm} on ${action.to}`
    case 'MoveVm':
      return `Migrate ${action.vm} from ${action.from} to ${action.to}, about ${rounded(action.migrationSeconds)} s`
    case 'Reserve':
      return `Reserve ${quantity(action.reservation.bps, 'bit/s')} over ${action.reservation.links.join(', ')}`
    case 'Release':
      return 'Release the reservation'
  }
}

const effect = (gainPercent: number | undefined): string => {
  if (gainPercent === undefined) return ''
  if (Math.abs(gainPercent) < 0.05) return ' (no change)'
  return ` (${rounded(Math.abs(gainPercent))} % ${gainPercent > 0 ? 'better' : 'worse'})`
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

const summary = ({ actions, cost, score }: Plan): string => {
  if (actions.length === 0) return 'Nothing to change: no plan is better than the present by more than it costs.'
  const { moves, migrationSeconds, linkChanges, routeChanges } = cost
  const parts = [
    ...(moves > 0 ? [`${count(moves, 'migration')} (about ${rounded(migrationSeconds)} s of copying)`] : []),
    ...(linkChanges > 0 ? [count(linkChanges, 'link change')] : []),
    ...(routeChanges > 0 ? [count(routeChanges, 'route change')] : []),
  ]
  const changes = parts.length > 0 ? ` (${parts.join(', ')})` : ''
  const net =
    score.net >= 0 ? `net gain ${points(score.net)}` : `${points(-score.net)} lost to repair what is broken now`
  return `${count(actions.length, 'action')}${changes}; they cost ${points(cost.score)}, ${net}. 100 points are one reference value of the objective.`
}

/** The plan in words, one line each: the effect per network, the actions with their reasons, what cannot be met and why. */
export const explain = (plan: Plan): string[] => {
  const lines: string[] = []
  for (const { network, objective, unit, before, after, gainPercent } of plan.networks) {
    const now = before === undefined ? 'no value' : quantity(before, unit)
    const then = after === undefined ? 'no value' : quantity(after, unit)
    lines.push(`${network}: ${objective} ${now} now, ${then} after${effect(gainPercent)}`)
  }
  lines.push(summary(plan))
  plan.actions.forEach((action, i) => void lines.push(`${i + 1}. ${what(action)}${because(action)}`))
  for (const { demand, link, missingBps } of plan.unreserved)
    lines.push(`Not reserved: ${demand} lacks ${quantity(missingBps, 'bit/s')} of what can be reserved on ${link}`)
  for (const { constraint, subject, amount, unit, remedy } of plan.violations)
    lines.push(
      `Cannot be met: ${constraint} of ${subject}, by ${quantity(amount, unit)}${remedy ? `; it would take ${remedy}` : ''}`,
    )
  return lines
}
