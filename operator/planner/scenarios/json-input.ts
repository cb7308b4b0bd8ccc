import { InvalidInputError } from '../index-input.ts'
import { objectiveNames, type PlannerInput } from '../types.ts'

/** What a field may hold; `?`: it may be left out. */
type Shape = (value: unknown, where: string, problems: string[]) => void

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shown = (value: unknown): string => (value === undefined ? 'missing' : JSON.stringify(value).slice(0, 60))

const simple =
  (type: 'string' | 'number' | 'boolean'): Shape =>
  (value, where, problems) => {
    if (typeof value !== type) problems.push(`${where} is ${shown(value)}; it must be a ${type}`)
  }
const [text, number, truth] = [simple('string'), simple('number'), simple('boolean')]

const oneOf =
  (...allowed: string[]): Shape =>
  (value, where, problems) => {
    if (!allowed.some((name) => name === value))
      problems.push(`${where} is ${shown(value)}; it must be one of ${allowed.join(', ')}`)
  }
const list =
  (of: Shape): Shape =>
  (value, where, problems) => {
    if (!Array.isArray(value)) problems.push(`${where} is ${shown(value)}; it must be a list`)
    else for (const [i, entry] of value.entries()) of(entry, `${where}[${i}]`, problems)
  }
const map =
  (of: Shape): Shape =>
  (value, where, problems) => {
    if (!isObject(value)) problems.push(`${where} is ${shown(value)}; it must be an object`)
    else for (const [key, entry] of Object.entries(value)) of(entry, `${where}.${key}`, problems)
  }
const optional =
  (of: Shape): Shape =>
  (value, where, problems) => {
    if (value !== undefined) of(value, where, problems)
  }
const object =
  (fields: Record<string, Shape>): Shape =>
  (value, where, problems) => {
    if (!isObject(value)) {
      problems.push(`${where} is ${shown(value)}; it must be an object`)
      return
    }
    const prefix = where === 'the input' ? '' : `${where}.`
    for (const [name, shape] of Object.entries(fields)) shape(value[name], prefix + name, problems)
    for (const name of Object.keys(value))
      if (!Object.hasOwn(fields, name)) problems.push(`${prefix}${name} is unknown; there is ${Object.keys(fields)}`)
  }

const names = list(text)
const [maybeText, maybeNumber, maybeNames] = [optional(text), optional(number), optional(names)]
const numbers = (...fields: string[]): Record<string, Shape> =>
  Object.fromEntries(fields.map((field) => [field, maybeNumber]))

const direction = object({
  capacityBps: number,
  latencyMicroseconds: number,
  ...numbers('availableBps', 'lossPpm', 'confidence', 'reservableBps'),
})

const inputShape = object({
  bridges: list(
    object({
      name: text,
      cluster: text,
      computeCapacity: number,
      zone: maybeText,
      rack: maybeText,
      transit: optional(truth),
      ...numbers('computeUsed', 'localBps', 'localLatencyMicroseconds'),
    }),
  ),
  links: list(
    object({
      name: text,
      a: text,
      b: text,
      aToB: direction,
      bToA: direction,
      cost: maybeNumber,
      exists: optional(truth),
      state: optional(oneOf('Up', 'Pinned', 'Draining', 'Forbidden')),
      networks: maybeNames,
    }),
  ),
  bottlenecks: list(
    object({
      name: text,
      kind: oneOf('NicIn', 'NicOut', 'Uplink', 'SharedRisk'),
      capacityBps: number,
      links: list(object({ link: text, from: text })),
    }),
  ),
  networks: list(
    object({
      name: text,
      objective: oneOf(...objectiveNames),
      actuators: list(oneOf('Topology', 'Routes', 'Placement', 'Reservations')),
      baseline: names,
      bridges: maybeNames,
      transit: optional(oneOf('MembersOnly', 'Any')),
      ...numbers('weight', 'linkBudget', 'minimumGainPercent', 'latencyWeightBits'),
    }),
  ),
  vms: list(
    object({
      name: text,
      network: text,
      compute: number,
      memoryBytes: number,
      pinnedTo: maybeText,
      allowed: maybeNames,
      forbidden: maybeNames,
      affinity: maybeNames,
      antiAffinity: maybeNames,
      movable: optional(truth),
      lastMovedMs: maybeNumber,
    }),
  ),
  demands: list(
    object({
      name: text,
      source: text,
      destination: text,
      bps: number,
      kind: oneOf('Rigid', 'Elastic'),
      origin: oneOf('Declared', 'Inferred'),
      latencyMicroseconds: maybeNumber,
      network: maybeText,
    }),
  ),
  present: object({
    placement: map(text),
    topology: map(names),
    routes: list(object({ network: text, from: text, to: text, links: names })),
    reservations: list(object({ demand: text, bps: number, from: text, links: names })),
  }),
  budgets: object(numbers('moves', 'movesPerBridge', 'linkChanges', 'cooldownMs')),
  costs: optional(
    object(numbers('perMove', 'perMigrationSecond', 'perLinkChange', 'perRouteChange', 'dirtyPageFactor')),
  ),
  ...numbers('maxHops', 'timeMs'),
})

/**
 * A `PlannerInput` from JSON that a person wrote: fields of the wrong type, missing or unknown are refused by name.
 * What the fields say of each other is checked by `compile`.
 * @throws InvalidInputError naming every wrong field; SyntaxError if the text is not JSON.
 */
export const readJsonInput = (json: string): PlannerInput => {
  const input: unknown = JSON.parse(json)
  const problems: string[] = []
  inputShape(input, 'the input', problems)
  if (problems.length > 0) throw new InvalidInputError(problems)
  return input as PlannerInput
}
