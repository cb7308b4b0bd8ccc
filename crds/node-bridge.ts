import { type Static, Type } from 'typebox'
import { INTERNAL_GROUP, VERSION } from './group.ts'
import type { KindDefinition, ObjectOf } from './kube-object.ts'
import { BRIDGE_DEVICE_FORM } from './names.ts'
import { BridgeName, Conditions, Count, defineKind, ListOf, Mac, NetworkName, OneOf, Text } from './schema.ts'

// Lists are atomic: each is written whole, by one writer. (A keyed list whose last item its owner removes by server-side apply vanishes, even
// where the schema requires it.)

const LinkId = (description: string) => Type.Integer({ description, minimum: 1, maximum: 65535 })
const PathLabel = (description: string, minimum: number) => Type.Integer({ description, minimum, maximum: 32767 })
const TreeId = (description: string, minimum: number) => Type.Integer({ description, minimum, maximum: 65535 })

export const BridgeLink = Type.Object({
  id: LinkId('Number of the link on this node.'),
  bridge: BridgeName('The neighbour, cluster/node.'),
  address: Type.String({ description: 'Underlay address of the neighbour, IPv4 or IPv6.', maxLength: 45 }),
})
export type BridgeLink = Static<typeof BridgeLink>

export const BridgeRoute = Type.Object({
  to: BridgeName('Destination bridge.'),
  link: LinkId('First link.'),
  label: Type.Integer({
    description: 'Label to send with: 0 when the link ends at the destination.',
    minimum: 0,
    maximum: 32767,
  }),
})
export type BridgeRoute = Static<typeof BridgeRoute>

export const BridgeNetwork = Type.Object({
  name: NetworkName('The network, namespace/name.'),
  vni: Type.Integer({ minimum: 1, maximum: 16777214, description: 'VXLAN network identifier.' }),
  device: Type.String({ description: 'Linux bridge to make.', pattern: `^${BRIDGE_DEVICE_FORM}$` }),
  mtuBytes: Type.Integer({ minimum: 576, maximum: 9146, description: 'MTU of that bridge and its ports.' }),
  access: Type.Boolean({
    description: 'Whether VMs of this node may attach; false on a bridge that only passes frames on.',
  }),
  revision: Count('Number of the topology revision whose parts this entry has.'),
  links: ListOf(LinkId('Link.'), {
    description: 'Links that may carry the network, in both directions.',
    maxItems: 4096,
  }),
  linkSet: Type.Optional(
    Type.Integer({
      description: 'Number, from 0, of a list in `spec.linkSets` whose links may carry the network as well.',
      minimum: 0,
      maximum: 1023,
    }),
  ),
  routes: ListOf(BridgeRoute, {
    description: 'Paths to bridges that the direct link does not serve.',
    maxItems: 4096,
  }),
  floodTree: Type.Integer({
    description: 'Tree for broadcast, multicast and unknown unicast. 0: a copy on each link of the network.',
    minimum: 0,
    maximum: 65535,
  }),
})
export type BridgeNetwork = Static<typeof BridgeNetwork>

export const BridgeLabel = Type.Object({
  label: PathLabel('Label of arriving frames.', 16),
  link: LinkId('Link to send on.'),
  nextLabel: PathLabel('Label to send on with: 0 when the next bridge is the last.', 0),
  path: Text('The remaining path that the label means, as bridges joined by ">".', 4096),
})
export type BridgeLabel = Static<typeof BridgeLabel>

export const BridgeTree = Type.Object({
  vni: Type.Integer({ minimum: 1, maximum: 16777214, description: 'Network.' }),
  tree: TreeId('Number of the tree, the same on each of its bridges.', 32768),
  links: ListOf(LinkId('Link.'), { description: 'Branches at this bridge.', maxItems: 1024 }),
})
export type BridgeTree = Static<typeof BridgeTree>

const Retired = Type.Object({
  name: NetworkName('The network, namespace/name.'),
  vni: Type.Integer({ minimum: 1, maximum: 16777214, description: 'Its number.' }),
  trees: ListOf(TreeId('Number of a tree.', 32768), { description: 'Its flood trees.', maxItems: 64 }),
})
export type RetiredNetwork = Static<typeof Retired>

const Port = Type.Object({
  device: Text('Host interface.', 15),
  network: NetworkName('The network, namespace/name.'),
  pod: Text('Pod, namespace/name.', 320),
  mac: Mac('MAC address that may be used.'),
  state: OneOf(['Open', 'Closed'], { description: 'Closed: no frame passes.' }),
  reason: Type.Optional(Text('Why it is closed.', 128)),
})
export type BridgePort = Static<typeof Port>

const Problem = Type.Object({
  subject: Text('What is affected: a network, a link, a device.', 320),
  reason: Text('Why, as one word.', 128),
  message: Text('Why, and what to do.'),
})
export type BridgeProblem = Static<typeof Problem>

export const nodeBridge = defineKind({
  group: INTERNAL_GROUP,
  version: VERSION,
  kind: 'NodeBridge',
  plural: 'nodebridges',
  singular: 'nodebridge',
  shortNames: ['nbridge'],
  scope: 'Namespaced',
  description:
    'What one node must program: links, networks, paths and trees. Written by the hub, carried out by the agent of the node. Internal: it may change from release to release.',
  specOptional: true,
  spec: Type.Object(
    {
      overlayUID: Type.Optional(Text('The overlay; an agent refuses a second one.', 64)),
      epoch: Type.Optional(Count('Rises with each new leader of the hub; an agent refuses a lower one.')),
      serial: Type.Optional(Count('Rises with each change of this spec; the agent reports it when it is programmed.')),
      nodeUID: Type.Optional(
        Text('UID of the Node that this is for; a new machine of the same name waits for its own.', 64),
      ),
      bridge: Type.Optional(BridgeName('This bridge, cluster/node.')),
      udpPort: Type.Optional(
        Type.Integer({ description: 'UDP port of the overlay.', minimum: 1, maximum: 65535, default: 14789 }),
      ),
      links: Type.Optional(ListOf(BridgeLink, { description: 'Links to neighbours.', maxItems: 4096 })),
      linkSets: Type.Optional(
        ListOf(ListOf(LinkId('Link.'), { description: 'Links.', maxItems: 4096 }), {
          description: 'Links that several networks have in common.',
          maxItems: 1024,
        }),
      ),
      networks: Type.Optional(
        ListOf(BridgeNetwork, { description: 'Networks that this node carries.', maxItems: 1024 }),
      ),
      labels: Type.Optional(
        ListOf(BridgeLabel, { description: 'Remaining paths through this bridge.', maxItems: 4096 }),
      ),
      trees: Type.Optional(ListOf(BridgeTree, { description: 'Flood trees through this bridge.', maxItems: 2048 })),
      labelCursor: Type.Optional(Count('Label handed out last: labels go round, so that a freed one rests.')),
      linkCursor: Type.Optional(Count('Link id handed out last: ids go round as well.')),
      retired: Type.Optional(
        ListOf(Retired, {
          description:
            'Networks that were taken from the node, and that it may hold until it has programmed this spec: their numbers stay reserved. For the hub alone.',
          maxItems: 1024,
        }),
      ),
    },
    { description: 'What the node must program.' },
  ),
  status: Type.Object({
    programmedSerial: Type.Optional(Count('`spec.serial` that the kernel has now.')),
    programmedEpoch: Type.Optional(Count('`spec.epoch` of that spec: two leaders may have given out the same serial.')),
    epoch: Type.Optional(Count('Highest epoch accepted.')),
    overlayUID: Type.Optional(Text('Overlay that the node belongs to.', 64)),
    nodeUID: Type.Optional(Text('UID of the Node.', 64)),
    addresses: Type.Optional(
      ListOf(Type.String({ maxLength: 45 }), {
        description: 'Underlay addresses, the preferred one first.',
        maxItems: 8,
      }),
    ),
    underlayDevice: Type.Optional(Text('Interface towards the underlay.', 15)),
    underlayMTUBytes: Type.Optional(Count('Its MTU in bytes.')),
    kernelVersion: Type.Optional(Text('Running kernel.', 128)),
    agentVersion: Type.Optional(Text('Running agent.', 64)),
    fastPath: Type.Optional(
      Type.Object(
        {
          state: OneOf(['On', 'Off'], { description: 'Whether frames may pass by the VXLAN device of the node.' }),
          reason: Text('Why, as one word.', 128),
          message: Text('Why, and what to do.'),
          receive: Type.Optional(
            OneOf(['Inlet', 'Tunnel'], {
              description:
                'Which device unwraps TCP and super-frames over IPv4: one that needs no memory for each datagram, or that of all networks (also over IPv6), as without the fast path.',
            }),
          ),
        },
        { description: 'The short way of frames, as the node uses it.' },
      ),
    ),
    capabilities: Type.Optional(ListOf(Text('Name.', 64), { description: 'What the node can do.', maxItems: 32 })),
    networks: Type.Optional(
      ListOf(
        Type.Object({
          name: NetworkName('The network.'),
          vni: Count('Its number in the kernel.'),
          revision: Count('Programmed revision.'),
        }),
        { description: 'Networks in the kernel.', maxItems: 1024 },
      ),
    ),
    ports: Type.Optional(ListOf(Port, { description: 'Interfaces of VMs.', maxItems: 1024 })),
    problems: Type.Optional(
      ListOf(Problem, { description: 'What could not be programmed; the first ten.', maxItems: 10 }),
    ),
    conditions: Conditions,
  }),
  columns: [
    { name: 'Address', type: 'string', jsonPath: '.status.addresses[0]' },
    { name: 'Device', type: 'string', jsonPath: '.status.underlayDevice', priority: 1 },
    { name: 'Serial', type: 'integer', jsonPath: '.spec.serial' },
    { name: 'Programmed', type: 'integer', jsonPath: '.status.programmedSerial' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'FastPath', type: 'string', jsonPath: '.status.fastPath.state', priority: 1 },
    { name: 'FastPathReason', type: 'string', jsonPath: '.status.fastPath.reason', priority: 1 },
    { name: 'Agent', type: 'string', jsonPath: '.status.agentVersion', priority: 1 },
    { name: 'Kernel', type: 'string', jsonPath: '.status.kernelVersion', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}) satisfies KindDefinition

export type NodeBridge = ObjectOf<typeof nodeBridge>
export type NodeBridgeSpec = NodeBridge['spec']
export type NodeBridgeStatus = NonNullable<NodeBridge['status']>
