// For tests: a member against two API servers in memory, its own cluster's and the hub's, and hands for what hub, agents and users do.
import { ANNOTATIONS, LABELS } from '#crds/group.ts'
import { systemClock } from '#runtime/clock.ts'
import { EventRecorder } from '#runtime/events.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics, type Metrics } from '#runtime/metrics.ts'
import { NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Namespaces, Nodes } from '#runtime/resources.ts'
import { memberControllers } from './controllers.ts'
import { HubGate } from './hub-gate.ts'
import { memberInformers } from './informers.ts'

export const MAILBOX = 'vnet-cluster-west'
export const SYSTEM = 'vnet-system'
export const BLUE = { namespace: 'team-a', name: 'blue' }

export type World = {
  west: FakeApiServer
  hub: FakeApiServer
  gate: HubGate
  metrics: Metrics
  /** As when the Secret with the way to the hub names another server. */
  rejoin: (other: FakeApiServer) => void
  end: () => Promise<void>
}

/** A hub with this member's mailbox, and in it one network of namespace team-a. */
export const startHub = async (network: string, annotations: Record<string, string> = {}): Promise<FakeApiServer> => {
  const hub = await FakeApiServer.start()
  hub.seed(Namespaces, { metadata: { name: MAILBOX, annotations } })
  hub.seed(VirtualNetworks, {
    metadata: { namespace: MAILBOX, name: `team-a.${network}` },
    spec: { clusters: ['west'] },
    status: { vni: 7, mtuBytes: 1430, bridgeDevice: 'vn0123456789abc' },
  } as never)
  return hub
}

/** A member `west` with one node and a mailbox that has the network team-a/blue. */
export const startMember = async ({ pinned }: { pinned?: string } = {}): Promise<World> => {
  const west = await FakeApiServer.start()
  const hub = await startHub('blue', pinned ? { [ANNOTATIONS.clusterUid]: pinned } : {})
  west.seed(Namespaces, { metadata: { name: 'kube-system', uid: 'west-uid' } })
  west.seed(Namespaces, { metadata: { name: 'team-a', labels: { [LABELS.stretch]: 'allow' } } })
  west.seed(Nodes, {
    metadata: { name: 'node-1', uid: 'node-uid', labels: { rack: 'r1' } },
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ok' }] },
  } as never)
  const logger = silentLogger
  const local = west.client({ fieldManager: 'vnet-member' })
  const config = hub.kubeConfig()
  const remote = new KubeClient({ config, fieldManager: 'vnet-member' })
  const events = new EventRecorder({
    client: local,
    reportingController: 'vnet.dev/member',
    reportingInstance: 'test',
    logger,
  })
  const metrics = createMetrics()
  const gate = new HubGate({ local, hub: remote, cluster: 'west', clock: systemClock, logger, metrics })
  const deps = {
    local,
    hub: remote,
    cluster: 'west',
    namespace: SYSTEM,
    clock: systemClock,
    logger,
    metrics,
    events,
    gate,
  }
  const informers = memberInformers(deps)
  const controllers = memberControllers(deps, { informers, version: '0.0.0-test' })
  const stop = new AbortController()
  const running = Promise.all(
    [...Object.values(informers), ...controllers, events, gate].map((part) => part.run(stop.signal)),
  )
  const rejoin = ({ url: server }: FakeApiServer): void => {
    config.loadFromClusterAndUser({ name: 'hub', server, skipTLSVerify: false }, { name: 'member' })
    gate.reset()
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await running.catch(() => undefined)
    remote.close()
    await west.stop()
    await hub.stop()
  }
  return { west, hub, gate, metrics, rejoin, end }
}

export const programmed = (west: FakeApiServer): void => {
  west.modify(NodeBridges, { namespace: SYSTEM, name: 'node-1' }, (bridge) => ({
    ...bridge,
    status: { programmedSerial: 1, networks: [{ name: 'team-a/blue', vni: 7, revision: 1 }], addresses: ['10.0.0.1'] },
  }))
}
export const carried = (hub: FakeApiServer): void => {
  const network = {
    name: 'team-a/blue',
    vni: 7,
    device: 'vn0123456789abc',
    mtuBytes: 1430,
    access: true,
    revision: 1,
    links: [],
    routes: [],
    floodTree: 0,
  }
  hub.modify(
    NodeBridges,
    { namespace: MAILBOX, name: 'node-1' },
    (bridge) => ({ ...bridge, spec: { serial: 1, bridge: 'west/node-1', networks: [network] } }) as never,
  )
}
export const pod = (name: string, namespace = 'team-a') => ({
  metadata: {
    namespace,
    name,
    uid: `uid-${name}`,
    annotations: {
      'k8s.v1.cni.cncf.io/network-status': JSON.stringify([{ name: 'team-a/blue', mac: '02:00:00:00:00:01' }]),
    },
  },
  spec: { nodeName: 'node-1', containers: [] },
  status: { phase: 'Running' },
})
