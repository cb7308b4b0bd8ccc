import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { compile } from '#operator/compile/compile.ts'
import type { NetworkInput } from '#operator/compile/input.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { ControllerRevisions } from '#runtime/resources.ts'
import { RevisionKeeper } from './revisions.ts'

const network = { metadata: { namespace: 'team-a', name: 'blue', uid: 'uid-blue' } } as VirtualNetwork
const bridges = ['east', 'west'].map((cluster) => ({
  bridge: `${cluster}/n1`,
  cluster,
  labels: {},
  addresses: ['192.0.2.1'],
  nodeUID: cluster,
  isReady: true,
}))

const over = (clusters: string[]): NetworkInput => ({
  network: 'team-a/blue',
  created: '',
  vni: 7,
  device: 'vn',
  mtuBytes: 1450,
  clusters,
  topology: { type: 'Mesh' },
  labels: {},
})

/** Leaders whose views show no revision yet, and what is stored. */
const start = async () => {
  const server = await FakeApiServer.start()
  const views = { revisions: { lister: { byIndex: () => [] } } } as never
  const { signal } = new AbortController()
  const leader = () => {
    const keeper = new RevisionKeeper(server.client({ fieldManager: 'vnet-hub' }), views)
    return async (clusters: string[]) => {
      const input = over(clusters)
      const { topologies } = compile({ bridges, sites: new Map(), links: [], holdings: new Map(), networks: [input] })
      const topology = topologies.get('team-a/blue')
      if (!topology) throw new Error('no topology')
      return await keeper.keep(network, topology, input, signal)
    }
  }
  const stored = () =>
    server
      .list(ControllerRevisions)
      .map(({ revision, data }) => [revision, (data as { clusters: string[] }).clusters])
      .sort()
  return { server, leader, stored }
}

test('a revision with other content, made by the leader before, is not taken for the own one', async () => {
  const { server, leader, stored } = await start()
  assert.is((await leader()(['east', 'west'])).number, 1)
  const revision = await leader()(['east'])
  assert.is(revision.number, 2)
  assert.match(revision.previous ?? '', /-1$/)
  assert.equal(stored(), [
    [1, ['east', 'west']],
    [2, ['east']],
  ])
  await server.stop()
})

test('one with the same content is', async () => {
  const { server, leader, stored } = await start()
  await leader()(['east'])
  assert.is((await leader()(['east'])).number, 1)
  assert.is(stored().length, 1)
  await server.stop()
})

test('does not look for a free number for ever', async () => {
  const { server, leader, stored } = await start()
  const first = leader()
  for (let number = 0; number < 30; number++) await first(number % 2 ? ['east'] : ['west'])
  assert.is(stored().length, 30)
  const failure = await leader()(['east', 'west']).catch((error: Error) => error.message)
  assert.match(`${failure}`, /the numbers from 1 to 20 are taken by others; delete/)
  await server.stop()
})

test.run()
