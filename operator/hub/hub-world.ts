// For tests: a hub against an API server in memory, and hands for what members and agents do.
import { ANNOTATIONS } from '#crds/group.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { type Clock, systemClock } from '#runtime/clock.ts'
import { findCondition } from '#runtime/conditions.ts'
import { EventRecorder } from '#runtime/events.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { MemberClusters, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Leases, Namespaces, ServiceAccounts } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { hubControllers } from './controllers.ts'
import { epochFloor } from './epoch-floor.ts'
import { hubInformers } from './informers.ts'

export const BLUE = { namespace: 'team-a', name: 'blue' }

const now = (): string => new Date().toISOString()

/** A hub in cluster `east`, with hands for what members and agents do. */
export class HubWorld {
  readonly server: FakeApiServer
  #stop: AbortController | undefined
  #running: Promise<unknown> = Promise.resolve()

  readonly #clock: Clock

  constructor(server: FakeApiServer, clock: Clock) {
    this.server = server
    this.#clock = clock
  }

  static async start(clock: Clock = systemClock): Promise<HubWorld> {
    const server = await FakeApiServer.start()
    for (const [name, uid] of [
      ['kube-system', 'overlay-uid'],
      ['team-a', 'team-a-uid'],
    ])
      server.seed(Namespaces, { metadata: { name, uid } } as never)
    const world = new HubWorld(server, clock)
    world.lead()
    return world
  }

  lead(): void {
    const client = this.server.client({ fieldManager: 'vnet-hub' })
    const logger = silentLogger
    const events = new EventRecorder({
      client,
      reportingController: 'vnet.dev/operator',
      reportingInstance: 'test',
      logger,
    })
    const deps = {
      client,
      cluster: 'east',
      udpPort: 14789,
      clock: this.#clock,
      logger,
      metrics: createMetrics(),
      events,
    }
    const informers = hubInformers(deps)
    const stop = new AbortController()
    this.#stop = stop
    const run = async (): Promise<void> => {
      const views = Object.values(informers)
      const watching = views.map((informer) => informer.run(stop.signal))
      await Promise.all(views.map((informer) => informer.synced(stop.signal)))
      const controllers = hubControllers(deps, { informers, epoch: epochFloor(informers) + 1 })
      await Promise.all([...watching, events.run(stop.signal), ...controllers.map((each) => each.run(stop.signal))])
    }
    this.#running = run()
  }

  async stepDown(): Promise<void> {
    this.#stop?.abort()
    await this.#running
  }

  async end(): Promise<void> {
    await this.stepDown()
    await this.server.stop()
  }

  /** A member joins: the administrator makes the object, the member its heartbeat and one NodeBridge for each node. */
  async join(cluster: string, nodes: string[], uid = `${cluster}-uid`): Promise<void> {
    const namespace = `vnet-cluster-${cluster}`
    if (!this.server.read(MemberClusters, { name: cluster }))
      this.server.seed(MemberClusters, { metadata: { name: cluster }, spec: {} } as never)
    await until(() => this.server.read(ServiceAccounts, { namespace, name: 'member' }) !== undefined)
    this.beat(cluster, uid)
    for (const node of nodes) this.addNode(cluster, node)
  }

  beat(cluster: string, uid = `${cluster}-uid`, ageMs = 0): void {
    this.server.seed(Leases, {
      metadata: {
        namespace: `vnet-cluster-${cluster}`,
        name: 'member',
        annotations: { [ANNOTATIONS.clusterUid]: uid, [ANNOTATIONS.version]: '0.1.0' },
      },
      spec: { leaseDurationSeconds: 40, renewTime: new Date(Date.now() - ageMs).toISOString().replace('Z', '000Z') },
    } as never)
  }

  addNode(cluster: string, node: string, address = this.#nextAddress()): void {
    this.server.seed(NodeBridges, {
      metadata: { namespace: `vnet-cluster-${cluster}`, name: node },
      status: {
        addresses: [address],
        underlayMTUBytes: 1500,
        nodeUID: `uid-${cluster}-${node}`,
        conditions: [{ type: 'NodeReady', status: 'True', reason: 'Ready', message: '', lastTransitionTime: now() }],
      },
    } as never)
  }

  #addresses = 0
  #nextAddress(): string {
    this.#addresses++
    return `192.0.2.${this.#addresses}`
  }

  bridge(cluster: string, node: string): NodeBridge | undefined {
    return this.server.read(NodeBridges, { namespace: `vnet-cluster-${cluster}`, name: node })
  }

  /** The agent programs what is published, as far as it differs from what it has. */
  acknowledge(cluster: string, node: string): void {
    const object = this.bridge(cluster, node)
    const { serial, epoch } = object?.spec ?? {}
    const { programmedSerial, programmedEpoch } = object?.status ?? {}
    if (!object || serial === undefined || (programmedSerial === serial && programmedEpoch === epoch)) return
    const networks = object.spec?.networks?.map(({ name, vni, revision }) => ({ name, vni, revision })) ?? []
    this.server.modify(NodeBridges, { namespace: `vnet-cluster-${cluster}`, name: node }, (bridge: NodeBridge) => ({
      ...bridge,
      status: { ...bridge.status, programmedSerial: serial, programmedEpoch: epoch ?? 0, networks },
    }))
  }

  acknowledgeAll(except: string[] = []): void {
    for (const { metadata } of this.server.list(NodeBridges)) {
      const cluster = metadata.namespace?.replace('vnet-cluster-', '') ?? ''
      if (!except.includes(`${cluster}/${metadata.name}`)) this.acknowledge(cluster, metadata.name)
    }
  }

  /** The member says that VMs of its cluster can use the network. */
  approve(cluster: string, name = 'team-a.blue'): void {
    const ref = { namespace: `vnet-cluster-${cluster}`, name }
    if (!this.server.read(VirtualNetworks, ref)) return
    this.server.modify(VirtualNetworks, ref, (network: VirtualNetwork) => ({
      ...network,
      status: {
        ...network.status,
        clusters: [{ name: cluster, ready: true, bridges: 0, programmed: 0, endpoints: 0 }],
      },
    }))
  }

  network(ref = BLUE): VirtualNetwork | undefined {
    return this.server.read(VirtualNetworks, ref)
  }

  condition(type: string, ref = BLUE) {
    return findCondition(this.network(ref)?.status?.conditions as never, type)
  }

  /** Agents acknowledge and members approve until the condition holds. */
  async converge(condition: () => boolean, except: string[] = []): Promise<void> {
    await until(
      () => {
        this.acknowledgeAll(except)
        return condition()
      },
      { timeoutMs: 20_000 },
    )
  }

  createNetwork(spec: object, ref = BLUE): void {
    this.server.seed(VirtualNetworks, { metadata: { ...ref, uid: `uid-${ref.name}`, generation: 1 }, spec } as never)
  }

  /** Whether the network is ready, once all members approve of it. */
  isReady(ref = BLUE): boolean {
    for (const cluster of ['east', 'west']) this.approve(cluster, `${ref.namespace}.${ref.name}`)
    return this.condition('Ready', ref)?.status === 'True'
  }
}
