// All goals of the data plane in one place, and what each figure is compared with.
import type { Comparison, Goal, Series } from '../report.ts'
import { type Case, nameOf, type Overlay, type Role, type VnetOverlay } from './cases.ts'
import { METRICS } from './metrics.ts'
import type { Recorded } from './recorded.ts'

type Subject = { overlay: VnetOverlay; role: Role; wire?: 'ideal' }
type Rule = Subject & { metric: RegExp; against: { overlay: Overlay; role: Role }; goal: Goal }

const kernelLink = { overlay: 'kernel', role: 'link' } as const
const kernelRelay = { overlay: 'kernel', role: 'relay' } as const
const plainBridge = { overlay: 'bridge', role: 'link' } as const
const uncountedLink = { overlay: 'vnet-uncounted', role: 'link' } as const
const fastLink: Subject = { overlay: 'vnet-fast', role: 'link' }
const fastRelay: Subject = { overlay: 'vnet-fast', role: 'relay' }
const slowLink: Subject = { overlay: 'vnet-slow', role: 'link' }

/** The slow path is to equal kernel VXLAN. The fast path is to beat it: with accounting on, partial checksums included. */
const RULES: readonly Rule[] = [
  { ...slowLink, metric: METRICS.tcp, against: kernelLink, goal: { atLeast: 0.95 } },
  { ...slowLink, metric: METRICS.packets, against: kernelLink, goal: { atLeast: 0.85 } },
  { ...fastLink, metric: METRICS.tcp, against: kernelLink, goal: { atLeast: 1, tolerance: 0.03 } },
  { ...fastLink, metric: METRICS.retransmits, against: kernelLink, goal: { noMoreThanBaseline: true } },
  { ...fastLink, wire: 'ideal', metric: METRICS.tcp, against: plainBridge, goal: { atLeast: 0.75 } },
  { ...fastLink, metric: METRICS.packets, against: kernelLink, goal: { atLeast: 1.5 } },
  { ...fastLink, wire: 'ideal', metric: METRICS.packets, against: plainBridge, goal: { atLeast: 1 } },
  { ...fastLink, wire: 'ideal', metric: METRICS.usualPackets, against: uncountedLink, goal: { atLeast: 0.97 } },
  { ...fastLink, metric: METRICS.roundTrip, against: kernelLink, goal: { atMost: 0.6 } },
  { ...fastRelay, metric: METRICS.packets, against: kernelRelay, goal: { atLeast: 2 } },
  { ...fastRelay, metric: METRICS.packets, against: fastLink, goal: { atLeast: 0.88 } },
]

/** Packets per second with much of something, against little of it. */
export const FLATNESS_GOAL: Goal = { atLeast: 0.95 }
/** Milliseconds of the usual rate that are missing after the fast path had to forget all it knew. */
export const INVALIDATION_GOAL: Goal = { valueAtMost: 10 }

const applies = (rule: Rule, it: Case, metric: string): boolean =>
  rule.overlay === it.overlay &&
  rule.role === it.role &&
  (rule.wire === undefined || rule.wire === it.wire) &&
  rule.metric.test(metric)

/** What a figure without a goal is shown beside. */
const usualBaseline = ({ role, overlay }: Case): { overlay: Overlay; role: Role } | undefined => {
  if (overlay === 'bridge') return undefined
  if (overlay !== 'kernel') return { overlay: 'kernel', role }
  return role === 'relay' ? kernelLink : plainBridge
}

/** The comparisons of one figure: one for each goal, else one with the usual baseline. A baseline that was not measured is left out. */
export const comparisonsOf = (it: Case, series: Series, all: Recorded): Comparison[] => {
  const baselineOf = (against: { overlay: Overlay; role: Role }): { baseline?: Series } => {
    const baseline = all.get(nameOf({ ...against, wire: it.wire }), series.metric)
    return baseline ? { baseline } : {}
  }
  const rules = RULES.filter((rule) => applies(rule, it, series.metric))
  if (rules.length > 0) return rules.map(({ against, goal }) => ({ series, ...baselineOf(against), goal }))
  const usual = usualBaseline(it)
  return [{ series, ...(usual ? baselineOf(usual) : {}) }]
}
