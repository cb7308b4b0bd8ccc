// A member that joins again: the hub was made anew, or another cluster is the hub now.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FakeApiServer } from '#runtime/fake-api-server.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Pods } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { BLUE, carried, MAILBOX, pod, SYSTEM, startHub, startMember, type World } from './member-world.ts'

type Rejoining = World & { other: FakeApiServer }
const test = suite<Rejoining>('rejoin')
test.before.each(async (world) => {
  Object.assign(world, await startMember(), { other: await startHub('green') })
})
test.after.each(async ({ other, end }) => {
  await end()
  await other.stop()
})

const GREEN = { namespace: 'team-a', name: 'green' }
const BRIDGE = { namespace: MAILBOX, name: 'node-1' }
const OWN_SLICE = 'team-a.blue.west.0'
const EAST_SLICE = 'team-a.blue.east.0'

/** Everything of the first hub has arrived, in both directions. */
const settle = async ({ west, hub }: World): Promise<void> => {
  hub.seed(NetworkEndpointSlices, {
    metadata: { namespace: MAILBOX, name: EAST_SLICE },
    spec: { network: 'team-a/blue', cluster: 'east', endpoints: [] },
  } as never)
  await until(() => hub.read(NodeBridges, BRIDGE)?.status?.conditions && west.read(VirtualNetworks, BLUE))
  west.seed(Pods, pod('alice') as never)
  await until(() => hub.read(NetworkEndpointSlices, { namespace: MAILBOX, name: OWN_SLICE }))
  await until(() => west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: EAST_SLICE }))
}

/** Everything of the second hub is here, everything of this cluster there, and nothing of the first is left. */
const hasMoved = ({ west, other }: Rejoining): boolean =>
  west.read(VirtualNetworks, GREEN) !== undefined &&
  west.read(VirtualNetworks, BLUE) === undefined &&
  west.read(NetworkEndpointSlices, { namespace: SYSTEM, name: EAST_SLICE }) === undefined &&
  other.read(NodeBridges, BRIDGE)?.status?.conditions !== undefined

for (const [what, isGone] of [
  ['whose first hub still answers', false],
  ['whose first hub is gone', true],
] as const)
  test(`a member ${what} works for the second one`, async (world) => {
    await settle(world)
    if (isGone) await world.hub.stop()
    world.rejoin(world.other)
    await until(() => hasMoved(world))
    carried(world.other)
    await until(() => world.west.read(NodeBridges, { namespace: SYSTEM, name: 'node-1' })?.spec?.serial === 1)
    // Nothing that the first one says is heard any more.
    await until(() => world.hub.openWatches === 0)
  })

test('what the first hub had is kept until the second one has told all that it has', async (world) => {
  const { west, other, gate, rejoin } = world
  await settle(world)
  const lists = (): number =>
    other.requests.filter(({ path, query }) => path.endsWith('/virtualnetworks') && !query.has('watch')).length
  other.failNext({ method: 'GET', path: /\/virtualnetworks$/, status: 503, times: 2 })
  rejoin(other)
  // The gate was open by the first attempt, and the second one comes half a second later.
  await until(() => gate.refusal === undefined && lists() >= 2)
  assert.ok(west.read(VirtualNetworks, BLUE))
  await until(() => hasMoved(world))
})

test.run()
