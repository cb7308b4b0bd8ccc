import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { systemClock } from '#runtime/clock.ts'
import { findCondition } from '#runtime/conditions.ts'
import { MemberClusters, NodeBridges } from '#runtime/overlay-resources.ts'
import { ResourceQuotas } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { HubWorld } from './hub-world.ts'
import { countBridges, MOST_SLICES, memberDegraded } from './member-limits.ts'

const bridge = (name: string, over: { serial?: number; created?: string } = {}): NodeBridge =>
  ({
    metadata: { name, creationTimestamp: over.created ?? '2026-01-01T00:00:00Z' },
    spec: over.serial === undefined ? {} : { serial: over.serial },
  }) as NodeBridge

const cluster = (bridges?: number): MemberCluster =>
  ({ metadata: { name: 'west' }, spec: bridges === undefined ? {} : { limits: { bridges } } }) as MemberCluster

const names = (bridges: readonly NodeBridge[]): string[] => bridges.map(({ metadata }) => metadata.name)

test('bridges that were served before stay, then who came first', () => {
  const all = [
    bridge('young', { created: '2026-03-01T00:00:00Z' }),
    bridge('old'),
    bridge('served', { created: '2026-04-01T00:00:00Z', serial: 7 }),
    bridge('b'),
  ]
  const { counted, ignored } = countBridges(all, 3)
  assert.equal([names(counted), names(ignored)], [['served', 'b', 'old'], ['young']])
  assert.equal(countBridges(all, 4), { counted: all, ignored: [] })
})

test('what is left out is named with the field to change', () => {
  const { counted, ignored } = countBridges([bridge('a'), bridge('b'), bridge('c')], 1)
  const degraded = memberDegraded(cluster(1), { counted, ignored }, 0)
  assert.is(degraded.status, 'True')
  assert.match(
    degraded.message,
    /^spec.limits.bridges is 1, and 2 NodeBridges more are ignored, the first is b: raise it/,
  )
  const full = memberDegraded(cluster(), { counted, ignored: [] }, MOST_SLICES)
  assert.is(full.reason, 'LimitExceeded')
  assert.match(full.message, /10000 NetworkEndpointSlices/)
  assert.is(memberDegraded(cluster(), { counted, ignored: [] }, MOST_SLICES - 1).status, 'False')
})

test('a member with more bridges than it may have is served as far as that, and its mailbox has a quota', async () => {
  // The mailbox gets its quota when it is a minute old.
  let aheadMs = 0
  const world = await HubWorld.start({ ...systemClock, now: () => systemClock.now() + aheadMs })
  const read = (): MemberCluster | undefined => world.server.read(MemberClusters, { name: 'west' })
  const quota = () => world.server.read(ResourceQuotas, { namespace: 'vnet-cluster-west', name: 'vnet-mailbox' })
  const serials = () =>
    world.server
      .list(NodeBridges)
      .filter(({ spec }) => spec?.serial !== undefined)
      .map(({ metadata }) => metadata.name)
      .sort()
  try {
    world.server.seed(MemberClusters, { metadata: { name: 'west' }, spec: { limits: { bridges: 2 } } } as never)
    await world.join('west', ['n1', 'n2', 'n3', 'n4'])
    world.createNetwork({ clusters: ['west'] })
    await world.converge(() => world.isReady())
    assert.is(world.network()?.status?.bridges, 2)
    assert.is(quota(), undefined)
    aheadMs = 70_000
    world.beat('west')
    await until(() => quota()?.spec?.hard?.['count/nodebridges.internal.vnet.dev'] === '4')
    await until(() => findCondition(read()?.status?.conditions as never, 'Degraded')?.reason === 'LimitExceeded')
    assert.is(read()?.status?.bridges, 2)
    assert.is(serials().length, 2)
    world.server.modify(MemberClusters, { name: 'west' }, (object: MemberCluster) => ({
      ...object,
      metadata: { ...object.metadata, generation: 2 },
      spec: { limits: { bridges: 4 } },
    }))
    await world.converge(() => serials().length === 4 && world.isReady())
    await until(() => quota()?.spec?.hard?.['count/nodebridges.internal.vnet.dev'] === '8')
    await until(() => findCondition(read()?.status?.conditions as never, 'Degraded')?.status === 'False')
  } finally {
    await world.end()
  }
})

test.run()
