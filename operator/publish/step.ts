import type { NameSet } from '#operator/compile/name-set.ts'
import type { Numbers } from './numbers.ts'
import type { Situation } from './situation.ts'
import type { Usage } from './usage.ts'
import type { WaitingList } from './waiting.ts'

/** One step of publication: what is known, the numbers in use, and the list of what waits. */
export type Step = Situation & {
  numbers: Numbers
  usage: Usage
  waiting: WaitingList
  /** Ids of the links to a set of neighbours, at the bridge that has it. */
  linkIds: Map<NameSet, number[]>
}

export const linkNumber = (step: Step, bridge: string, neighbour: string): number => {
  const number = step.numbers.of(bridge)?.links.get(neighbour)
  if (number === undefined) throw new Error(`looking up the link from ${bridge} to ${neighbour}: it has no number`)
  return number
}

/** Label to use at `bridge` for the path that remains there; 0 when it is the last. */
export const labelNumber = (step: Step, bridge: string, remainder: string): number =>
  step.numbers.of(bridge)?.labels.get(remainder) ?? 0
