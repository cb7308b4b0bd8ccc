// Building blocks of our schemas: TypeBox types with the limits and Kubernetes extensions that we use everywhere.
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import type { Rule } from './kube-object.ts'

const DNS_LABEL = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
const DNS_SUBDOMAIN = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

/** Rules as the extension that a structural schema carries. */
export const rules = (...list: Rule[]): { 'x-kubernetes-validations': Rule[] } => ({ 'x-kubernetes-validations': list })

/** A name of a cluster, site or namespace. */
export const Name = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 63, pattern: DNS_LABEL })

/** A name of a node or another object whose name may hold dots. */
export const ObjectName = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 253, pattern: DNS_SUBDOMAIN })

export const Text = (description: string, maxLength = 1024) => Type.String({ description, maxLength })

export const Count = (description: string) => Type.Integer({ description, minimum: 0, format: 'int64' })

export const Time = (description: string) => Type.String({ description, format: 'date-time' })

/** `cluster/node`. */
export const BridgeName = (description: string) =>
  Type.String({ description, maxLength: 320, pattern: '^[^/]+/[^/]+$' })

/** `namespace/name` of a VirtualNetwork. */
export const NetworkName = (description: string) =>
  Type.String({ description, maxLength: 320, pattern: '^[^/]+/[^/]+$' })

export const Mac = (description: string) => Type.String({ description, pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' })

/** A closed list of words. (A union of constants would not be structural.) */
export const OneOf = <const Words extends readonly string[]>(
  words: readonly [...Words],
  options: { description: string; default?: Words[number] },
) => Type.Unsafe<Words[number]>({ type: 'string', enum: [...words], ...options })

/** Labels that must all match. (A record of TypeBox would use `patternProperties`, which is not structural.) */
export const MatchLabels = (description: string) =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 63 },
    description,
    maxProperties: 16,
  })

/** A list in which `key` names each entry, so that several writers can each own theirs. */
export const ListBy = <Item extends TSchema>(
  keys: string[],
  item: Item,
  options: { description: string; maxItems: number; minItems?: number },
) => Type.Array(item, { ...options, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys })

/** A list of distinct plain values. */
export const SetOf = <Item extends TSchema>(
  item: Item,
  options: { description: string; maxItems: number; minItems?: number },
) => Type.Array(item, { ...options, 'x-kubernetes-list-type': 'set' })

/** A list that is always written as a whole. */
export const ListOf = <Item extends TSchema>(
  item: Item,
  options: { description: string; maxItems: number; minItems?: number },
) => Type.Array(item, { ...options, 'x-kubernetes-list-type': 'atomic' })

export const Condition = Type.Object({
  type: Type.String({ maxLength: 316 }),
  status: OneOf(['True', 'False', 'Unknown'], { description: 'Whether the condition holds.' }),
  reason: Type.String({ maxLength: 1024, description: 'Why, as one word.' }),
  message: Type.String({ maxLength: 32768, description: 'Why, and what to do about it.' }),
  observedGeneration: Type.Optional(Count('Generation of the object that the condition speaks of.')),
  lastTransitionTime: Time('When the status last changed.'),
})
export type Condition = Static<typeof Condition>

export const Conditions = Type.Optional(
  ListBy(['type'], Condition, { description: 'What holds now, and why; `Ready` sums it up.', maxItems: 16 }),
)

/** Marks each kind as a constant of its exact type. */
export const defineKind = <const Kind extends { spec: TObject; status?: TObject }>(kind: Kind): Kind => kind
