import { Type } from 'typebox'
import { GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { Conditions, Count, defineKind, ListBy, MatchLabels, Name, Text, Time } from './schema.ts'

export const memberCluster = defineKind({
  group: GROUP,
  version: VERSION,
  kind: 'MemberCluster',
  plural: 'memberclusters',
  singular: 'membercluster',
  shortNames: ['mcluster'],
  scope: 'Cluster',
  description:
    'A Kubernetes cluster that has joined the overlay. `kubectl vnet join` makes it; deleting it revokes the membership. Lives on the hub.',
  // Its mailbox is a namespace, `vnet-cluster-` and this name.
  rules: [
    {
      rule: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$')",
      message: 'the name of a cluster has at most 50 letters, digits and dashes, no dots',
    },
  ],
  spec: Type.Object(
    {
      sites: Type.Optional(
        ListBy(
          ['name'],
          Type.Object({
            name: Name('Name of the site.'),
            nodeSelector: Type.Object(
              { matchLabels: Type.Optional(MatchLabels('Labels of the nodes at this site.')) },
              { description: 'Nodes at this site; an empty selector takes all.' },
            ),
          }),
          {
            description:
              'Places within the cluster. A node belongs to the first site whose selector it matches; a node that none matches is at no site.',
            maxItems: 32,
          },
        ),
      ),
      limits: Type.Optional(
        Type.Object(
          {
            bridges: Type.Optional(
              Type.Integer({
                description: 'Nodes that the hub works with, those first that it has served before. 1000 when omitted.',
                minimum: 1,
                maximum: 5000,
              }),
            ),
          },
          { description: 'How much of the hub the cluster may take.' },
        ),
      ),
    },
    { description: 'What the administrator says about the cluster.' },
  ),
  status: Type.Object({
    observedGeneration: Type.Optional(Count('Generation of the spec that this status speaks of.')),
    clusterUID: Type.Optional(
      Text(
        'UID of the kube-system namespace of the cluster that joined first under this name. Another cluster is refused.',
        64,
      ),
    ),
    version: Type.Optional(Text("Version of the member's operator.", 64)),
    lastHeartbeatTime: Type.Optional(Time('When the member was last heard of, to within half a minute.')),
    bridges: Type.Optional(Count('Nodes with a bridge.')),
    readyBridges: Type.Optional(Count('Of these, how many are ready.')),
    conditions: Conditions,
  }),
  columns: [
    { name: 'Version', type: 'string', jsonPath: '.status.version' },
    { name: 'Bridges', type: 'integer', jsonPath: '.status.bridges' },
    { name: 'Ready bridges', type: 'integer', jsonPath: '.status.readyBridges' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Heartbeat', type: 'date', jsonPath: '.status.lastHeartbeatTime' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type MemberCluster = ObjectOf<typeof memberCluster>
