import { Type } from 'typebox'
import { GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { Conditions, Count, defineKind, ListBy, Name, OneOf, rules, SetOf, Text } from './schema.ts'

const Topology = Type.Object(
  {
    type: OneOf(['Mesh', 'Star', 'Manual'], {
      description:
        'Baseline topology, which adaptation never removes. Mesh: each bridge has a direct link to each other. Star: each bridge has a link to the hub bridges, which pass frames on. Manual: only the links that OverlayLink objects describe.',
      default: 'Mesh',
    }),
    star: Type.Optional(
      Type.Object(
        {
          hubs: Type.Object(
            {
              cluster: Name('Cluster whose bridges are the hubs. It need not be in `spec.clusters`.'),
              site: Type.Optional(
                Name('Site of that cluster (see MemberCluster) to take the hubs from; any site when omitted.'),
              ),
              replicas: Type.Integer({ description: 'How many hub bridges.', minimum: 1, maximum: 8, default: 1 }),
            },
            { description: 'Where the hub bridges are.' },
          ),
        },
        { description: 'Settings of a Star.' },
      ),
    ),
  },
  {
    description: 'Which bridges have a link to which.',
    default: { type: 'Mesh' },
    ...rules(
      {
        rule: "self.type != 'Star' || has(self.star)",
        message: 'type Star needs star.hubs: name the cluster whose bridges are the hubs',
        fieldPath: '.star',
        reason: 'FieldValueRequired',
      },
      {
        rule: "self.type == 'Star' || !has(self.star)",
        message: 'star belongs to type Star: remove star, or set type: Star',
        fieldPath: '.star',
        reason: 'FieldValueForbidden',
      },
    ),
  },
)

export const virtualNetwork = defineKind({
  group: GROUP,
  version: VERSION,
  kind: 'VirtualNetwork',
  plural: 'virtualnetworks',
  singular: 'virtualnetwork',
  shortNames: ['vnet'],
  scope: 'Namespaced',
  description:
    'One Ethernet segment for virtual machines, across nodes and clusters. Apply it on the hub; attach VMs to the NetworkAttachmentDefinition of the same name that appears beside it.',
  spec: Type.Object(
    {
      className: Type.Optional(
        Type.String({
          description: 'NetworkClass that says what this network may do.',
          default: 'default',
          maxLength: 253,
          minLength: 1,
        }),
      ),
      clusters: Type.Optional(
        SetOf(Name('Name of a MemberCluster.'), {
          description:
            'Clusters that the segment spans. Omitted: the cluster that the object is applied in. In each of them the namespace of the same name must carry the label vnet.dev/stretch=allow.',
          minItems: 1,
          maxItems: 64,
        }),
      ),
      mtu: Type.Optional(
        Type.Integer({
          description:
            'Bytes of an Ethernet payload that VMs may send. Omitted: what the smallest underlay carries at creation, less the overlay headers. It never changes under running VMs.',
          minimum: 576,
          maximum: 9146,
        }),
      ),
      vni: Type.Optional(
        Type.Integer({
          description: 'VXLAN network identifier. Omitted: derived from namespace and name.',
          minimum: 1,
          maximum: 16777214,
        }),
      ),
      topology: Type.Optional(Topology),
    },
    {
      description: 'The segment that the user wants.',
      ...rules(
        {
          rule: 'has(self.vni) == has(oldSelf.vni) && (!has(self.vni) || self.vni == oldSelf.vni)',
          message: 'vni is immutable: delete the network and create it again to change it',
          fieldPath: '.vni',
          reason: 'FieldValueInvalid',
        },
        {
          rule: 'has(self.mtu) == has(oldSelf.mtu) && (!has(self.mtu) || self.mtu == oldSelf.mtu)',
          message:
            'mtu is immutable, since running VMs rely on it: delete the network and create it again to change it',
          fieldPath: '.mtu',
          reason: 'FieldValueInvalid',
        },
      ),
    },
  ),
  status: Type.Object({
    observedGeneration: Type.Optional(Count('Generation of the spec that this status speaks of.')),
    vni: Type.Optional(Count('VXLAN network identifier in use.')),
    mtuBytes: Type.Optional(Count('Largest Ethernet payload that VMs may send, in bytes.')),
    bridgeDevice: Type.Optional(Text('Name of the Linux bridge on each node that VMs attach to.', 15)),
    clusters: Type.Optional(
      ListBy(
        ['name'],
        Type.Object({
          name: Name('Member cluster.'),
          ready: Type.Boolean({ description: 'Whether VMs of this cluster can use the segment.' }),
          reason: Type.Optional(Text('Why not, as one word.', 128)),
          message: Type.Optional(Text('Why not, and what to do.')),
          bridges: Count('Nodes of the cluster that carry the segment.'),
          programmed: Count('Of these, how many have programmed the newest revision.'),
          endpoints: Count('Attached interfaces.'),
        }),
        { description: 'The segment in each member cluster.', maxItems: 64 },
      ),
    ),
    bridges: Type.Optional(Count('Nodes that carry the segment.')),
    programmed: Type.Optional(Count('Of these, how many have programmed the newest revision.')),
    endpoints: Type.Optional(Count('Attached interfaces, in all clusters.')),
    currentRevision: Type.Optional(Text('ControllerRevision with the topology in force.', 253)),
    previousRevision: Type.Optional(Text('ControllerRevision with the topology before that.', 253)),
    conditions: Conditions,
  }),
  columns: [
    { name: 'Topology', type: 'string', jsonPath: '.spec.topology.type' },
    { name: 'VNI', type: 'integer', jsonPath: '.status.vni' },
    { name: 'MTU', type: 'integer', jsonPath: '.status.mtuBytes' },
    { name: 'Bridges', type: 'integer', jsonPath: '.status.bridges' },
    { name: 'Programmed', type: 'integer', jsonPath: '.status.programmed' },
    { name: 'Endpoints', type: 'integer', jsonPath: '.status.endpoints' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Device', type: 'string', jsonPath: '.status.bridgeDevice', priority: 1 },
    { name: 'Revision', type: 'string', jsonPath: '.status.currentRevision', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type VirtualNetwork = ObjectOf<typeof virtualNetwork>
export type TopologyType = 'Mesh' | 'Star' | 'Manual'
