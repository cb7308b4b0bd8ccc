// Overlays for tests, most of them random: a node's spec, slices, CNI results and a kernel that has seen anything before.
import fc from 'fast-check'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { BridgeNetwork, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { Mac } from '../wire/mac.ts'
import type { Attachment } from './attachment.ts'

export const OWN_BRIDGE = 'east/node-1'
export const networkNames = ['team-a/blue', 'team-a/red', 'team-b/blue'] as const
const deviceOf = (name: string): string => `vn${name.replace('/', '').replace('team-', '')}`
const bridges = ['east/node-2', 'east/node-3', 'west/node-1', 'west/node-2']

/** One network without links, for tests that need no random ones. */
export const plainNetwork: BridgeNetwork = {
  name: 'team-a/blue',
  vni: 7,
  device: 'vn0123456789abc',
  mtuBytes: 1400,
  access: true,
  revision: 1,
  links: [],
  routes: [],
  floodTree: 0,
}

export const mac = (number: number): Mac => `02:00:00:00:00:${number.toString(16).padStart(2, '0')}` as Mac

const links = fc
  .uniqueArray(fc.record({ bridge: fc.constantFrom(...bridges), id: fc.integer({ min: 1, max: 12 }) }), {
    selector: ({ bridge }) => bridge,
  })
  .map((list) => [...new Map(list.map((link) => [link.id, link])).values()])
  .map((list) =>
    list.map(({ bridge, id }) => ({
      id,
      bridge,
      address: bridge.endsWith('2') ? `fd09::${bridges.indexOf(bridge) + 2}` : `10.9.0.${bridges.indexOf(bridge) + 2}`,
    })),
  )

const network = (name: string, linkIds: number[]): fc.Arbitrary<BridgeNetwork> =>
  fc.record({
    name: fc.constant(name),
    vni: fc.constant(networkNames.indexOf(name as 'team-a/blue') + 100),
    device: fc.constant(deviceOf(name)),
    mtuBytes: fc.constantFrom(1400, 1450),
    access: fc.boolean(),
    revision: fc.integer({ min: 1, max: 3 }),
    links: fc.subarray(linkIds),
    routes: fc.uniqueArray(
      fc.record({
        to: fc.constantFrom(...bridges),
        link: fc.integer({ min: 1, max: 12 }),
        label: fc.constantFrom(0, 16, 17, 18),
      }),
      { selector: ({ to }) => to, maxLength: 3 },
    ),
    floodTree: fc.constantFrom(0, 32768, 32769),
  })

/** A spec that may name links and trees that it does not hold: a hub with a fault must not harm the node. */
export const specs: fc.Arbitrary<NodeBridgeSpec> = links.chain((list) => {
  const ids = list.map(({ id }) => id)
  return fc
    .record({
      networks: fc.subarray([...networkNames]).chain((names) => fc.tuple(...names.map((name) => network(name, ids)))),
      labels: fc.uniqueArray(
        fc.record({
          label: fc.integer({ min: 16, max: 19 }),
          link: fc.integer({ min: 1, max: 12 }),
          nextLabel: fc.constantFrom(0, 20),
          path: fc.constant('a>b'),
        }),
        { selector: ({ label }) => label },
      ),
      trees: fc.uniqueArray(
        fc.record({
          vni: fc.integer({ min: 100, max: 102 }),
          tree: fc.constantFrom(32768, 32769),
          links: fc.subarray(ids),
        }),
        { selector: ({ vni, tree }) => `${vni} ${tree}` },
      ),
      serial: fc.integer({ min: 1, max: 9 }),
      udpPort: fc.constantFrom(14789, 14790),
    })
    .map((spec) => ({ ...spec, links: list, bridge: OWN_BRIDGE, overlayUID: 'overlay', epoch: 1, nodeUID: 'node' }))
})

const endpoint = fc.record({
  mac: fc.integer({ min: 1, max: 5 }).map(mac),
  podUID: fc.integer({ min: 1, max: 5 }).map((number) => `uid-${number}`),
  pod: fc.integer({ min: 1, max: 3 }).map((number) => `team-a/vm-${number}`),
  node: fc.constantFrom('node-1', 'node-2'),
  role: fc.constantFrom('Active' as const, 'Target' as const),
  sequence: fc.integer({ min: 1, max: 4 }),
  first: fc.integer({ min: 1, max: 4 }),
})

export const slices: fc.Arbitrary<Pick<NetworkEndpointSlice, 'spec'>[]> = fc.array(
  fc.record({
    spec: fc.record({
      network: fc.constantFrom(...networkNames),
      cluster: fc.constantFrom('east', 'west'),
      endpoints: fc.uniqueArray(endpoint, { selector: (it) => `${it.mac} ${it.podUID}`, maxLength: 5 }),
    }),
  }),
  { maxLength: 4 },
)

/** Host interfaces `veth1…5`, each perhaps with a result of its pod. */
export const attachments: fc.Arbitrary<Attachment[]> = fc.array(
  fc.record({
    namespace: fc.constantFrom('team-a', 'team-a', 'team-b'),
    pod: fc.constant('vm'),
    podUID: fc.integer({ min: 1, max: 5 }).map((number) => `uid-${number}`),
    bridge: fc.constantFrom(...networkNames).map(deviceOf),
    hostInterface: fc.integer({ min: 1, max: 5 }).map((number) => `veth${number}`),
    mac: fc.integer({ min: 1, max: 5 }).map(mac),
  }),
  { maxLength: 6 },
)

/** Bridges that hold `veth1…5`; undefined: the interface does not exist. */
export const placements: fc.Arbitrary<(string | undefined)[]> = fc.array(
  fc.option(fc.constantFrom(...networkNames).map(deviceOf), { nil: undefined }),
  { minLength: 5, maxLength: 5 },
)
