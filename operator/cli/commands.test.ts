import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { loadRemoteKubeConfig } from '#runtime/kube-config.ts'
import { MemberClusters, NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { ServiceAccounts } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { join } from './join.ts'
import { readOverlay } from './overlay.ts'
import { pathText } from './path.ts'
import { isReady, statusText } from './status.ts'
import { topologyText } from './topology.ts'

type World = { hub: FakeApiServer }

const ready = (status: 'True' | 'False', reason = 'Fine', message = '') => [
  { type: 'Ready', status, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' },
]
const endpoint = (name: string, number: number) => ({
  mac: `02:00:00:00:00:0${number}`,
  podUID: `uid-${name}`,
  pod: `team-a/${name}`,
  node: 'node-1',
  role: 'Active',
  sequence: 1,
  first: 1,
})

/** Two clusters with a node each, one network, a VM on each node. */
const seed = (hub: FakeApiServer): void => {
  const network = {
    name: 'team-a/blue',
    vni: 7,
    device: 'vn0',
    mtuBytes: 1430,
    access: true,
    revision: 1,
    links: [1],
    routes: [],
    floodTree: 0,
  }
  for (const [cluster, other, address, vm] of [
    ['east', 'west', '10.0.0.2', 'alice'],
    ['west', 'east', '10.0.0.1', 'carol'],
  ] as const) {
    const namespace = `vnet-cluster-${cluster}`
    hub.seed(MemberClusters, {
      metadata: { name: cluster },
      spec: {},
      status: { bridges: 1, readyBridges: 1, conditions: ready('True') },
    } as never)
    hub.seed(NodeBridges, {
      metadata: { namespace, name: 'node-1' },
      spec: {
        bridge: `${cluster}/node-1`,
        links: [{ id: 1, bridge: `${other}/node-1`, address }],
        networks: [network],
      },
      status: { conditions: ready('True') },
    } as never)
    hub.seed(NetworkEndpointSlices, {
      metadata: { namespace, name: `team-a.blue.${cluster}.0` },
      spec: { network: 'team-a/blue', cluster, endpoints: [endpoint(vm, cluster === 'east' ? 1 : 2)] },
    } as never)
  }
  hub.seed(VirtualNetworks, {
    metadata: { namespace: 'team-a', name: 'blue' },
    spec: { clusters: ['east', 'west'] },
    status: { vni: 7, conditions: ready('True') },
  } as never)
}

const commands = suite<World>('commands')
commands.before.each(async (world) => {
  world.hub = await FakeApiServer.start()
})
commands.after.each(({ hub }) => hub.stop())

commands('status: all is well', async ({ hub }) => {
  seed(hub)
  const overlay = await readOverlay(hub.client(), 'vnet-system')
  assert.ok(isReady(overlay))
  const text = statusText(overlay)
  for (const part of ['west/node-1', 'team-a/blue', '2 endpoints', 'Everything is ready.']) assert.match(text, part)
})

commands('status: what is the matter, in the words of the condition', async ({ hub }) => {
  seed(hub)
  hub.modify(MemberClusters, { name: 'west' }, (cluster) => ({
    ...cluster,
    status: { conditions: ready('False', 'HeartbeatLost', 'not heard of since 12:00') },
  }))
  const overlay = await readOverlay(hub.client(), 'vnet-system')
  assert.not(isReady(overlay))
  assert.match(statusText(overlay), 'MemberCluster west: HeartbeatLost: not heard of since 12:00')
})

commands('status: an empty cluster is not well', async ({ hub }) => {
  const overlay = await readOverlay(hub.client(), 'vnet-system')
  assert.not(isReady(overlay))
  assert.match(statusText(overlay), 'is the chart installed')
})

commands('path: both directions, hop by hop', async ({ hub }) => {
  seed(hub)
  const overlay = await readOverlay(hub.client(), 'vnet-system')
  const text = pathText(overlay, { from: 'alice', to: 'carol', namespace: 'team-a' })
  assert.match(text, /east\/node-1\s+link 1\s+→ west\/node-1\s+10\.0\.0\.2\s+deliver/)
  assert.match(text, /west\/node-1\s+link 1\s+→ east\/node-1/)
  assert.throws(() => pathText(overlay, { from: 'alice', to: 'nobody', namespace: 'team-a' }), /no VM "nobody"/)
})

commands('topology: clusters, bridges, VMs', async ({ hub }) => {
  seed(hub)
  const text = topologyText(await readOverlay(hub.client(), 'vnet-system'))
  for (const part of ['team-a/blue  Mesh, VNI 7', '├─ east', '└─ west', 'node-1  ⇄ east/node-1', 'carol'])
    assert.match(text, part)
})

commands('join: waits for the mailbox and prints what the member needs', async ({ hub }) => {
  const client = hub.client({ fieldManager: 'kubectl-vnet' })
  const waitUntil = async (_: string, condition: () => Promise<boolean>): Promise<void> => {
    // What the hub's operator does once the MemberCluster is there.
    hub.seed(ServiceAccounts, { metadata: { namespace: 'vnet-cluster-west', name: 'member' } })
    await until(condition)
  }
  const text = await join({
    client,
    cluster: 'west',
    server: 'https://hub.example:6443',
    certificateAuthority: 'Q0E=',
    tokenSeconds: 3600,
    waitUntil,
  })
  const secret = parse(text)
  assert.equal(
    [secret.kind, secret.metadata.name, secret.metadata.namespace, secret.stringData.cluster],
    ['Secret', 'vnet-hub', 'vnet-system', 'west'],
  )
  assert.is(loadRemoteKubeConfig(secret.stringData.kubeconfig).getCurrentCluster()?.server, 'https://hub.example:6443')
  const { issuedTimestamp, expirationTimestamp } = secret.stringData
  const lifeMs = Date.parse(expirationTimestamp) - Date.parse(issuedTimestamp)
  assert.ok(Math.abs(lifeMs - 3_600_000) < 5_000, String(lifeMs))
  assert.is(hub.list(MemberClusters).length, 1)
})

commands.run()
