import type { Action, Plan, Reason } from './plan.ts'

const prefixes: [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]

const rounded = (value: number): string => Number(value.toPrecision(3)).toString()

/** A value of an objective with its unit: `1.25 Gbit/s`, `340 µs`, `2.1 ×`. */
export const quantity = (value: number, unit: string): string => {
  const [scale, prefix] = prefixes.find(([limit]) => Math.abs(value) >= limit) ?? [1, '']
  return unit === 'bit/s' ? `${rounded(value / scale)} ${prefix}${unit}` : `${rounded(value)} ${unit}`
}

const percentOf = (score: number): string => `${rounded(100 * score)} %`

const because = ({ demands, bottleneck, worth, alternative, repairs, overcommits }: Reason): string => {
  const parts: string[] = []
  if (demands.length > 0) parts.push(`for ${demands.join(', ')}`)
  if (bottleneck) parts.push(`which met ${bottleneck.name} at ${bottleneck.utilizationPercent} % use`)
  if (repairs) parts.push(`repairs ${repairs}`)
  else if (worth !== undefined && worth !== 0) parts.push(`worth ${percentOf(worth)}`)
  if (alternative?.worseBy !== undefined)
    parts.push(`next best ${alternative.choice}, ${percentOf(alternative.worseBy)} worse`)
  else if (alternative) parts.push(`instead of ${alternative.choice}`)
  if (overcommits) parts.push('its target is overcommitted until a later move leaves it')
  return parts.length > 0 ? `: ${parts.join('; ')}` : ''
}

const what = (action: Action): string => {
  switch (action.type) {
    case 'AddLink':
      return `Add link ${action.link} to ${action.network}`
    case 'RemoveLink':
      return `Remove link ${action.link} from ${action.network}, where no route uses it`
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

/** The plan in words, one line each: the effect per network, the actions with their reasons, what cannot be met and why. */
export const explain = (plan: Plan): string[] => {
  const lines: string[] = []
  for (const { network, objective, unit, before, after, gainPercent } of plan.networks) {
    const now = before === undefined ? 'no value' : quantity(before, unit)
    const then = after === undefined ? 'no value' : quantity(after, unit)
    const gain = gainPercent === undefined ? '' : ` (${gainPercent >= 0 ? '+' : ''}${rounded(gainPercent)} % better)`
    lines.push(`${network}: ${objective} ${now} now, ${then} after${gain}`)
  }
  const { moves, migrationSeconds, linkChanges, routeChanges, score } = plan.cost
  if (plan.actions.length === 0)
    lines.push('Nothing to change: no plan is better than the present by more than it costs.')
  else
    lines.push(
      `${plan.actions.length} actions: ${moves} migrations (${rounded(migrationSeconds)} s), ${linkChanges} link and ${routeChanges} route changes, which cost ${percentOf(score)}; net gain ${percentOf(plan.score.net)}`,
    )
  plan.actions.forEach((action, i) => void lines.push(`${i + 1}. ${what(action)}${because(action.reason)}`))
  for (const { demand, link, missingBps } of plan.unreserved)
    lines.push(`Not reserved: ${demand} lacks ${quantity(missingBps, 'bit/s')} of what can be reserved on ${link}`)
  for (const { constraint, subject, amount, unit, remedy } of plan.violations)
    lines.push(
      `Cannot be met: ${constraint} of ${subject}, by ${quantity(amount, unit)}${remedy ? `; it would take ${remedy}` : ''}`,
    )
  return lines
}
