import { type Static, Type } from 'typebox'
import { INTERNAL_GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { Count, defineKind, ListOf, Mac, Name, NetworkName, ObjectName, OneOf, Text } from './schema.ts'

export const NetworkEndpoint = Type.Object({
  mac: Mac('MAC address that the interface may use.'),
  podUID: Text('UID of the pod that the interface belongs to.', 64),
  pod: Text('The pod, namespace/name.', 320),
  vm: Type.Optional(Text('KubeVirt VM that the pod runs.', 253)),
  node: ObjectName('Node that the pod runs on.'),
  ips: Type.Optional(
    ListOf(Type.String({ maxLength: 45 }), { description: 'IP addresses, as far as they are known.', maxItems: 16 }),
  ),
  role: OneOf(['Active', 'Target'], {
    description: 'Target: a VM that is about to move here; its port stays closed until then.',
    default: 'Active',
  }),
  sequence: Count('Rises with each move of the MAC address, so that old news never undoes a newer move.'),
  first: Count(
    'The sequence with which this VM (or pod, if it runs none) got the MAC address: of two in one cluster, the lower one came first and keeps it.',
  ),
})
export type NetworkEndpoint = Static<typeof NetworkEndpoint>

/** Who holds an interface, within one cluster and network: a VM keeps it when it moves to another pod, a plain pod is its own owner. */
export const ownerOf = ({ podUID, vm }: Pick<NetworkEndpoint, 'podUID' | 'vm'>): string =>
  vm === undefined ? `pod ${podUID}` : `vm ${vm}`

export const networkEndpointSlice = defineKind({
  group: INTERNAL_GROUP,
  version: VERSION,
  kind: 'NetworkEndpointSlice',
  plural: 'networkendpointslices',
  singular: 'networkendpointslice',
  shortNames: ['neps'],
  scope: 'Namespaced',
  description:
    'Which MAC addresses of one network live in one cluster, and where. Written by the member cluster of the pods; the hub hands copies to the others. Internal: it may change from release to release.',
  spec: Type.Object(
    {
      network: NetworkName('The network, namespace/name.'),
      cluster: Name('Cluster of the pods.'),
      endpoints: ListOf(NetworkEndpoint, {
        description: 'Interfaces of the network.',
        maxItems: 100,
      }),
    },
    { description: 'Who may use which MAC address.' },
  ),
  columns: [
    { name: 'Network', type: 'string', jsonPath: '.spec.network' },
    { name: 'Cluster', type: 'string', jsonPath: '.spec.cluster' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type NetworkEndpointSlice = ObjectOf<typeof networkEndpointSlice>
