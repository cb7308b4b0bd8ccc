import { Type } from 'typebox'
import { GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { Conditions, Count, defineKind, MatchLabels, Name, ObjectName, OneOf, rules } from './schema.ts'

const end = (which: string) =>
  Type.Object(
    { cluster: Name('Member cluster of the bridge.'), node: ObjectName('Node of the bridge.') },
    {
      description: `The ${which} bridge. Immutable.`,
      ...rules({
        rule: 'self == oldSelf',
        message: 'the ends of a link are immutable: delete the OverlayLink and create another',
        reason: 'FieldValueInvalid',
      }),
    },
  )

export const overlayLink = defineKind({
  group: GROUP,
  version: VERSION,
  kind: 'OverlayLink',
  plural: 'overlaylinks',
  singular: 'overlaylink',
  shortNames: ['olink'],
  scope: 'Cluster',
  description:
    'A link between two bridges, in addition to those that the baseline topologies of networks imply. Networks use it where it shortens their paths. Lives on the hub.',
  spec: Type.Object(
    {
      a: end('first'),
      b: end('second'),
      adminState: OneOf(['Up', 'Down'], {
        description: 'Down: traffic is moved off the link without loss, and it stays unused.',
        default: 'Up',
      }),
      cost: Type.Integer({
        description:
          'Cost of one frame over this link; paths have the least sum. Links of a baseline topology cost 10.',
        minimum: 1,
        maximum: 65535,
        default: 10,
      }),
      networks: Type.Optional(
        Type.Object(
          { matchLabels: MatchLabels('Labels of the VirtualNetworks that may use the link.') },
          { description: 'Which networks may use the link; all when omitted.' },
        ),
      ),
    },
    {
      description: 'The link that the user wants.',
      ...rules({
        rule: 'self.a.cluster != self.b.cluster || self.a.node != self.b.node',
        message: 'a link needs two different bridges: a and b name the same node',
        fieldPath: '.b',
        reason: 'FieldValueInvalid',
      }),
    },
  ),
  status: Type.Object({
    observedGeneration: Type.Optional(Count('Generation of the spec that this status speaks of.')),
    networks: Type.Optional(Count('Networks whose topology has the link.')),
    conditions: Conditions,
  }),
  columns: [
    { name: 'A', type: 'string', jsonPath: '.spec.a.cluster' },
    { name: 'A node', type: 'string', jsonPath: '.spec.a.node' },
    { name: 'B', type: 'string', jsonPath: '.spec.b.cluster' },
    { name: 'B node', type: 'string', jsonPath: '.spec.b.node' },
    { name: 'State', type: 'string', jsonPath: '.spec.adminState' },
    { name: 'Cost', type: 'integer', jsonPath: '.spec.cost' },
    { name: 'Networks', type: 'integer', jsonPath: '.status.networks' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type OverlayLink = ObjectOf<typeof overlayLink>
