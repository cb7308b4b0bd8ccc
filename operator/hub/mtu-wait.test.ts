import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { type Clock, systemClock } from '#runtime/clock.ts'
import { isTrue } from '#runtime/conditions.ts'
import { FakeClock } from '#runtime/fake-clock.ts'
import { MemberClusters, NodeBridges } from '#runtime/overlay-resources.ts'
import { until } from '#runtime/until.ts'
import { HubWorld } from './hub-world.ts'
import { MTU_WAIT_MS, MtuWait } from './mtu-wait.ts'
import type { NetworkDecision } from './network-decision.ts'

const decision = (clusters: string[], over: Partial<NetworkDecision> = {}): NetworkDecision => ({
  key: 'team-a/blue',
  clusters: ['east', 'west'],
  topology: { type: 'Mesh' },
  device: 'vn',
  vni: 7,
  mtuBytes: undefined,
  silent: { clusters, mtuBytesOfOthers: clusters.length < 2 ? 1450 : undefined },
  objection: undefined,
  ...over,
})

test('waits so long for silent clusters, then takes what the others carry', async () => {
  const clock = new FakeClock()
  const wait = new MtuWait(clock)
  assert.is(wait.settle(decision(['west'])).againInMs, MTU_WAIT_MS)
  await clock.advance(MTU_WAIT_MS - 1)
  assert.equal(wait.settle(decision(['west'])), { decision: decision(['west']), againInMs: 1 })
  await clock.advance(1)
  assert.equal(wait.settle(decision(['west'])), { decision: decision(['west'], { mtuBytes: 1450 }) })
})

test('a cluster that connects meanwhile has the whole time, and without any answer the wait goes on', async () => {
  const clock = new FakeClock()
  const wait = new MtuWait(clock)
  wait.settle(decision(['west']))
  await clock.advance(MTU_WAIT_MS)
  assert.is(wait.settle(decision(['east', 'west'])).againInMs, MTU_WAIT_MS)
  await clock.advance(MTU_WAIT_MS)
  assert.is(wait.settle(decision(['east', 'west'])).decision.mtuBytes, undefined)
  wait.settle(decision([], { mtuBytes: 1400 }))
  assert.is(wait.settle(decision(['west'])).againInMs, MTU_WAIT_MS)
})

test('a network goes on without the clusters that are silent, and names nodes that carry less when they come', async () => {
  let aheadMs = 0
  let isOver = false
  // The wait alone is hastened: it is over when the test says so.
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    setTimeout: (callback, delayMs) =>
      systemClock.setTimeout(
        () => {
          if (isOver) aheadMs = MTU_WAIT_MS
          callback()
        },
        delayMs > MTU_WAIT_MS - 10_000 && delayMs <= MTU_WAIT_MS ? 20 : delayMs,
      ),
  }
  const world = await HubWorld.start(clock)
  try {
    await world.join('east', ['n1'])
    await world.join('west', [])
    const isConnected = () =>
      isTrue(world.server.read(MemberClusters, { name: 'west' })?.status?.conditions as never, 'Ready')
    await until(isConnected)
    world.createNetwork({ clusters: ['east', 'west'] })
    await until(() => world.condition('Ready')?.reason === 'AwaitingMTU')
    assert.match(world.condition('Ready')?.message ?? '', /no node of west has reported/)
    assert.is(world.bridge('east', 'n1')?.spec?.networks?.length ?? 0, 0)
    isOver = true
    await until(() => aheadMs > 0)
    for (const cluster of ['east', 'west']) world.beat(cluster)
    await world.converge(() => world.isReady())
    assert.is(world.network()?.status?.mtuBytes, 1450)
    world.addNode('west', 'n1')
    const ref = { namespace: 'vnet-cluster-west', name: 'n1' }
    world.server.modify(NodeBridges, ref, (bridge: NodeBridge) => ({
      ...bridge,
      status: { ...bridge.status, underlayMTUBytes: 1400 },
    }))
    await world.converge(() => world.condition('Degraded')?.reason === 'MTUTooSmall')
    assert.match(
      world.condition('Degraded')?.message ?? '',
      /is 1450, more than carried by west\/n1 \(1350\): raise .*spec.mtu 1350/,
    )
  } finally {
    await world.end()
  }
})

test.run()
