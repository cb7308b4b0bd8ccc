import { Type } from 'typebox'
import { GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { defineKind, MatchLabels, Name, rules, SetOf } from './schema.ts'

export const networkClass = defineKind({
  group: GROUP,
  version: VERSION,
  kind: 'NetworkClass',
  plural: 'networkclasses',
  singular: 'networkclass',
  shortNames: ['netclass'],
  scope: 'Cluster',
  description:
    'What an administrator lets the networks of tenants do. A VirtualNetwork names a class; the class `default`, which allows everything, is made at installation. Lives on the hub.',
  spec: Type.Object(
    {
      allowedNamespaces: Type.Optional(
        Type.Object(
          {
            names: Type.Optional(
              SetOf(Name('Name of a namespace.'), { description: 'Namespaces by name.', maxItems: 256 }),
            ),
            matchLabels: Type.Optional(MatchLabels('Namespaces by their labels on the hub.')),
          },
          {
            description:
              'Namespaces whose networks may use the class: those named, and those that the labels match. All when omitted.',
            ...rules({
              rule: 'has(self.names) || has(self.matchLabels)',
              message: 'allowedNamespaces needs names or matchLabels; omit it to allow all namespaces',
              reason: 'FieldValueRequired',
            }),
          },
        ),
      ),
      clusters: Type.Optional(
        SetOf(Name('Name of a MemberCluster.'), {
          description: 'Clusters that networks of this class may span. All when omitted.',
          maxItems: 256,
        }),
      ),
      limits: Type.Optional(
        Type.Object(
          {
            networks: Type.Optional(
              Type.Integer({
                description: 'Networks of this class in one namespace: those that were made first.',
                minimum: 1,
                maximum: 1024,
              }),
            ),
            endpoints: Type.Optional(
              Type.Integer({
                description: 'Attached interfaces of one network, in all clusters.',
                minimum: 1,
                maximum: 100000,
              }),
            ),
          },
          { description: 'How many networks there may be, and how large one may grow.' },
        ),
      ),
    },
    { description: 'What networks of this class may do.' },
  ),
  columns: [
    { name: 'Max networks', type: 'integer', jsonPath: '.spec.limits.networks' },
    { name: 'Max endpoints', type: 'integer', jsonPath: '.spec.limits.endpoints' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type NetworkClass = ObjectOf<typeof networkClass>
