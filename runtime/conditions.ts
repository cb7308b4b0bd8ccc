import { isDeepStrictEqual } from 'node:util'

export type ConditionStatus = 'True' | 'False' | 'Unknown'

/** `metav1.Condition`. */
export type Condition = {
  type: string
  status: ConditionStatus
  /** CamelCase constant. */
  reason: string
  /** A sentence for people. */
  message: string
  lastTransitionTime: string
  /** `metadata.generation` that the statement is about. */
  observedGeneration?: number
}

/** A condition as a reconciler states it; when it changed is not its business. */
export type ConditionStatement = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'> & {
  observedGeneration?: number | undefined
}

/**
 * The list with `statement` in it, in place or at the end. `lastTransitionTime` changes with `status` only. Returns *the same array* when
 * nothing changed, so that `!==` decides whether to write. `now`: RFC 3339.
 */
export const setCondition = (
  conditions: readonly Condition[],
  statement: ConditionStatement,
  now: string,
): Condition[] => {
  const { type, status, reason, message, observedGeneration } = statement
  const existing = findCondition(conditions, type)
  const next: Condition = {
    type,
    status,
    reason,
    message,
    lastTransitionTime: existing?.status === status ? existing.lastTransitionTime : now,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  }
  if (!existing) return [...conditions, next]
  if (isDeepStrictEqual({ ...existing }, next)) return conditions as Condition[]
  return conditions.map((condition) => (condition === existing ? next : condition))
}

/** Several statements at once; the same array when nothing changed. */
export const setConditions = (
  conditions: readonly Condition[],
  statements: readonly ConditionStatement[],
  now: string,
): Condition[] => statements.reduce((list, statement) => setCondition(list, statement, now), conditions as Condition[])

export const removeCondition = (conditions: readonly Condition[], type: string): Condition[] =>
  findCondition(conditions, type)
    ? conditions.filter((condition) => condition.type !== type)
    : (conditions as Condition[])

export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type)

export const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  findCondition(conditions, type)?.status === 'True'

/** The condition speaks of this generation of the spec, not of an earlier one. */
export const isUpToDate = (
  conditions: readonly Condition[] | undefined,
  type: string,
  generation: number | undefined,
): boolean => (findCondition(conditions, type)?.observedGeneration ?? -1) >= (generation ?? 0)

/** Equal as JSON (absent and undefined are the same): then there is nothing to write. */
export const sameStatus = (a: unknown, b: unknown): boolean => isDeepStrictEqual(asJson(a), asJson(b))

const asJson = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
