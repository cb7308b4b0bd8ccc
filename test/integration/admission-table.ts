// One row for each thing that a user may get right or wrong: what it is, the object, and parts of the message that must appear.
type Row = [what: string, object: object, ...messages: string[]]

const vnet = (name: string, spec: object): object => ({
  apiVersion: 'vnet.dev/v1alpha1',
  kind: 'VirtualNetwork',
  metadata: { name, namespace: 'default' },
  spec,
})
const cluster = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'vnet.dev/v1alpha1',
  kind,
  metadata: { name },
  spec,
})
const link = (name: string, spec: object): object => cluster('OverlayLink', name, spec)
const a = { cluster: 'east', node: 'node-1' }
const b = { cluster: 'west', node: 'node-1' }

export const goodObjects: [what: string, object: object][] = [
  ['the simplest network', vnet('blue', { clusters: ['east', 'west'] })],
  ['a network of its own cluster alone', vnet('own', {})],
  [
    'a star',
    vnet('star', { topology: { type: 'Star', star: { hubs: { cluster: 'east', site: 'core', replicas: 2 } } } }),
  ],
  ['a network with its number and MTU', vnet('fixed', { vni: 16777214, mtu: 9000, topology: { type: 'Manual' } })],
  ['a link', link('link', { a, b })],
  [
    'a link for some networks',
    link('some', { a, b, adminState: 'Down', cost: 1, networks: { matchLabels: { tier: 'gold' } } }),
  ],
  [
    'a member cluster with sites',
    cluster('MemberCluster', 'west', {
      sites: [
        { name: 'core', nodeSelector: { matchLabels: { site: 'core' } } },
        { name: 'rest', nodeSelector: {} },
      ],
    }),
  ],
  [
    'a class',
    cluster('NetworkClass', 'gold', {
      allowedNamespaces: { names: ['default'] },
      clusters: ['east'],
      limits: { endpoints: 10 },
    }),
  ],
]

export const badObjects: Row[] = [
  ['a number that is too large', vnet('bad', { vni: 16777215 }), 'spec.vni', '16777214'],
  ['number 0', vnet('bad', { vni: 0 }), 'spec.vni', 'greater than or equal to 1'],
  ['an MTU that no Ethernet has', vnet('bad', { mtu: 100 }), 'spec.mtu', '576'],
  [
    'an unknown topology',
    vnet('bad', { topology: { type: 'Ring' } }),
    'spec.topology.type',
    'supported values: "Mesh", "Star", "Manual"',
  ],
  [
    'a star without hubs',
    vnet('bad', { topology: { type: 'Star' } }),
    'spec.topology.star',
    'name the cluster whose bridges are the hubs',
  ],
  [
    'hubs of a mesh',
    vnet('bad', { topology: { type: 'Mesh', star: { hubs: { cluster: 'east' } } } }),
    'star belongs to type Star',
  ],
  [
    'too many hubs',
    vnet('bad', { topology: { type: 'Star', star: { hubs: { cluster: 'east', replicas: 9 } } } }),
    'spec.topology.star.hubs.replicas',
    '8',
  ],
  ['a cluster named twice', vnet('bad', { clusters: ['east', 'east'] }), 'spec.clusters', 'duplicate entries'],
  ['no cluster at all', vnet('bad', { clusters: [] }), 'spec.clusters', 'at least 1'],
  ['a cluster name that is none', vnet('bad', { clusters: ['East!'] }), 'spec.clusters'],
  ['an unknown field', vnet('bad', { vnii: 5 }), 'vnii'],
  ['a link from a bridge to itself', link('bad', { a, b: a }), 'spec.b', 'a link needs two different bridges'],
  ['a link with one end', link('bad', { a }), 'spec.b', 'Required value'],
  ['a link that costs nothing', link('bad', { a, b, cost: 0 }), 'spec.cost', '1'],
  ['a link in an unknown state', link('bad', { a, b, adminState: 'Maybe' }), 'spec.adminState', '"Up", "Down"'],
  [
    'a cluster with a dot in its name',
    cluster('MemberCluster', 'east.example', {}),
    'the name of a cluster has at most 50 letters, digits and dashes, no dots',
  ],
  ['a cluster with a name too long for its mailbox', cluster('MemberCluster', 'e'.repeat(51), {}), 'at most 50'],
  [
    'two sites of one name',
    cluster('MemberCluster', 'bad', {
      sites: [
        { name: 'x', nodeSelector: {} },
        { name: 'x', nodeSelector: {} },
      ],
    }),
    'sites',
  ],
  [
    'a class for no namespace',
    cluster('NetworkClass', 'bad', { allowedNamespaces: {} }),
    'allowedNamespaces needs names or matchLabels',
  ],
  [
    'a class of networks without endpoints',
    cluster('NetworkClass', 'bad', { limits: { endpoints: 0 } }),
    'spec.limits.endpoints',
  ],
]

export const badUpdates: [what: string, object: object, patch: object, message: string][] = [
  ['the number of a network', vnet('v1', { vni: 5 }), { spec: { vni: 6 } }, 'vni is immutable: delete the network'],
  ['a network to have a number', vnet('v2', {}), { spec: { vni: 6 } }, 'vni is immutable'],
  [
    'the MTU of a network',
    vnet('v3', { mtu: 1400 }),
    { spec: { mtu: 1500 } },
    'mtu is immutable, since running VMs rely on it',
  ],
  ['an end of a link', link('l1', { a, b }), { spec: { b: { node: 'node-2' } } }, 'the ends of a link are immutable'],
]
