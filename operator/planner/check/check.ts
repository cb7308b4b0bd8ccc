import type { Plan, Violation } from '../plan.ts'
import type { PlannerInput } from '../types.ts'
import { Facts } from './facts.ts'
import { checkHosts } from './hosts.ts'
import { checkOverlay } from './overlay.ts'
import { checkSteps } from './steps.ts'
import { checkTraffic } from './traffic.ts'

/**
 * Every constraint that a plan breaks, each named; none: the plan can be carried out, keeps all promises, and has the
 * effect that it predicts. It shares no code with the planner but the types, and works on names instead of numbers, so
 * that a mistake in one is not repeated in the other.
 *
 * A plan for an input that cannot be satisfied breaks what its `violations` say, and nothing else.
 */
export const check = (plan: Plan, input: PlannerInput): Violation[] => {
  const facts = new Facts(input)
  return [
    ...checkHosts(facts, plan),
    ...checkOverlay(facts, plan),
    ...checkTraffic(facts, plan),
    ...checkSteps(input, plan),
  ]
}

/** What `check` finds beyond the violations that the plan admits. */
export const undeclared = (plan: Plan, input: PlannerInput): Violation[] => {
  const admitted = new Set(plan.violations.map(({ constraint, subject }) => `${constraint} ${subject}`))
  return check(plan, input).filter(({ constraint, subject }) => !admitted.has(`${constraint} ${subject}`))
}
