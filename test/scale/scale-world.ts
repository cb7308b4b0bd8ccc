// Hub, members and agents in one process, without a network: an API server that is a few maps, and agents that acknowledge at once.
import { setImmediate } from 'node:timers/promises'
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { clusterOfMailbox } from '#operator/hub/mailboxes.ts'
import { networkController } from '#operator/hub/network.ts'
import { nodeBridgeController } from '#operator/hub/node-bridge.ts'
import { createBoards, type OverlayBoards } from '#operator/hub/overlay-report.ts'
import { systemClock } from '#runtime/clock.ts'
import { findCondition } from '#runtime/conditions.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Store } from '#runtime/store.ts'

export type ScaleOptions = { bridges: number; networks: number; clusters: number; topology?: 'Mesh' | 'Star' }

const view = <T extends KubeObject>(indexes: ConstructorParameters<typeof Store<T>>[0] = {}) => {
  const store = new Store<T>(indexes)
  return { store, lister: store, synced: async () => {}, onChange: store.onChange.bind(store) }
}

const READY = {
  type: 'Ready',
  status: 'True',
  reason: 'Ready',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
}

const mailbox = ({ metadata }: KubeObject): string[] => [clusterOfMailbox(metadata?.namespace) ?? '']

type Named = { metadata: { namespace?: string; name: string } }

/** Networks span all clusters. */
export class ScaleWorld {
  readonly boards: OverlayBoards = createBoards()
  readonly metrics = createMetrics()
  readonly #options: ScaleOptions
  readonly #clusters = view<MemberCluster>()
  readonly #bridges = view<NodeBridge>({ mailbox })
  readonly #networks = view<VirtualNetwork>({ mailbox })
  readonly #stop = new AbortController()
  #version = 0
  #nodes = 0
  #running: Promise<unknown> = Promise.resolve()
  writes = 0

  constructor(options: ScaleOptions) {
    this.#options = options
    for (const cluster of this.clusters()) this.beat(cluster)
    for (let index = 0; index < options.bridges; index++) this.addNode()
    for (let index = 0; index < options.networks; index++) this.#networks.store.upsert(this.#network(index) as never)
  }

  clusters(): string[] {
    return Array.from({ length: this.#options.clusters }, (_, each) => `cluster-${each}`)
  }

  #nextVersion(): string {
    return `${++this.#version}`
  }

  #network(index: number): object {
    const name = `net-${index}`
    const hubs = { cluster: 'cluster-0', replicas: 1 }
    const topology = this.#options.topology === 'Star' ? { topology: { type: 'Star', star: { hubs } } } : {}
    return {
      metadata: { namespace: 'team', name, uid: name, generation: 1, resourceVersion: this.#nextVersion() },
      spec: { clusters: this.clusters(), ...topology },
      status: { vni: index + 1, mtuBytes: 1450 },
    }
  }

  /** A member was heard of: its status has a newer time, and says nothing else. */
  beat(name: string): void {
    this.#clusters.store.upsert({
      metadata: { name, uid: name, resourceVersion: this.#nextVersion() },
      spec: {},
      status: { lastHeartbeatTime: `${this.#version}`, conditions: [READY] },
    } as never)
  }

  addNode(): string {
    const index = this.#nodes++
    const cluster = `cluster-${index % this.#options.clusters}`
    const name = `node-${index}`
    this.#bridges.store.upsert({
      metadata: {
        namespace: `vnet-cluster-${cluster}`,
        name,
        uid: name,
        generation: 1,
        resourceVersion: this.#nextVersion(),
      },
      status: {
        addresses: [`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`],
        underlayMTUBytes: 1500,
        nodeUID: name,
        conditions: [{ ...READY, type: 'NodeReady' }],
      },
    } as never)
    return `${cluster}/${name}`
  }

  /** What the API server does with a spec: it becomes JSON and back, and the agent has it at once. */
  #applyBridge(object: NodeBridge): NodeBridge {
    const before = this.#bridges.store.get(`${object.metadata.namespace}/${object.metadata.name}`) as NodeBridge
    const { spec } = JSON.parse(JSON.stringify(object)) as NodeBridge
    const metadata = { ...before.metadata, generation: (before.metadata.generation ?? 0) + 1 }
    const write = (status: NodeBridge['status']): void =>
      this.#bridges.store.upsert({
        ...before,
        metadata: { ...metadata, resourceVersion: this.#nextVersion() },
        spec,
        status,
      } as never)
    write(before.status)
    const { serial = 0, epoch = 0, networks = [] } = spec
    setTimeout(() =>
      write({
        ...before.status,
        programmedSerial: serial,
        programmedEpoch: epoch,
        networks: networks.map(({ name, vni, revision }) => ({ name, vni, revision })),
      }),
    )
    return { ...object, metadata: { ...metadata, resourceVersion: `${this.#version}` } }
  }

  /** Stores what is written of a network or of its projection; members approve of all projections. */
  #writeNetwork({ metadata, ...fields }: Named & Partial<VirtualNetwork>): void {
    const before = this.#networks.store.get(`${metadata.namespace}/${metadata.name}`)
    const cluster = clusterOfMailbox(metadata.namespace)
    const entry = { ready: true, bridges: 0, programmed: 0, endpoints: 0 }
    const approval = cluster === undefined ? {} : { clusters: [{ name: cluster, ...entry }] }
    this.#networks.store.upsert({
      ...before,
      ...fields,
      metadata: { ...before?.metadata, ...metadata, resourceVersion: this.#nextVersion() },
      status: { ...before?.status, ...fields.status, ...approval },
    } as never)
  }

  #client() {
    return {
      apply: async (resource: unknown, object: NodeBridge) => {
        // No answer of an API server comes within the same turn.
        await setImmediate()
        this.writes++
        if (resource === NodeBridges) return this.#applyBridge(object)
        if (resource === VirtualNetworks) this.#writeNetwork(object as never)
        return object
      },
      applyStatus: async (_: unknown, object: Named) => {
        await setImmediate()
        this.writes++
        this.#writeNetwork(object)
      },
      patch: async (_: unknown, ref: Named['metadata'], { metadata }: { metadata: object }) => {
        this.writes++
        this.#writeNetwork({ metadata: { ...metadata, ...ref } })
      },
      create: async () => this.writes++,
      delete: async () => this.writes++,
    }
  }

  start(): void {
    const classes = view()
    classes.store.upsert({ metadata: { name: 'default', resourceVersion: '1' }, spec: {} } as never)
    const namespaces = view()
    namespaces.store.upsert({ metadata: { name: 'kube-system', uid: 'overlay', resourceVersion: '1' } } as never)
    const informers = {
      clusters: this.#clusters,
      classes,
      namespaces,
      links: view(),
      networks: this.#networks,
      bridges: this.#bridges,
      slices: view({ mailbox, network: () => [] }),
      revisions: view({ owner: () => [] }),
    }
    const deps = {
      client: this.#client(),
      cluster: 'cluster-0',
      udpPort: 14789,
      clock: systemClock,
      logger: silentLogger,
      metrics: this.metrics,
    }
    const controllers = [
      networkController(deps as never, informers as never, this.boards),
      nodeBridgeController(deps as never, informers as never, { boards: this.boards, epoch: 1 }),
    ]
    this.#running = Promise.all(controllers.map((controller) => controller.run(this.#stop.signal)))
  }

  /** Whether every bridge has programmed every network, and the statuses say so. */
  isConverged(): boolean {
    return Array.from({ length: this.#options.networks }, (_, index) => `team/net-${index}`).every((network) => {
      const report = this.boards.networks.get(network)
      if (report?.bridges.length !== this.#nodes || !report.bridges.every(({ isProgrammed }) => isProgrammed))
        return false
      const { status } = this.#networks.store.get(network) ?? {}
      return status?.programmed === this.#nodes && findCondition(status.conditions as never, 'Ready')?.status === 'True'
    })
  }

  specBytes(): number {
    const [first] = this.#bridges.store.list()
    return JSON.stringify(first?.spec ?? {}).length
  }

  async end(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}
