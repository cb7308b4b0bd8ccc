// The hub's publication at scale, without a network: an API server that is a few maps, and agents that acknowledge at once.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { nodeBridgeController } from '#operator/hub/node-bridge.ts'
import { createBoards, type OverlayBoards } from '#operator/hub/overlay-report.ts'
import { systemClock } from '#runtime/clock.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import { Store } from '#runtime/store.ts'
import { until } from '#runtime/until.ts'

export type ScaleOptions = { bridges: number; networks: number; clusters: number }
export type ScaleResult = {
  /** From the start of the controller until every bridge has programmed every network. */
  firstReconcileMs: number
  /** From a new node until all others have a link to it. */
  newNodeMs: number
  /** Longest time that the event loop did not turn. */
  longestBlockMs: number
  peakMegabytes: number
  specBytes: number
  writes: number
}

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

/** Hub, members and agents in one process; networks span all clusters. */
export class ScaleWorld {
  readonly boards: OverlayBoards = createBoards()
  readonly #options: ScaleOptions
  readonly #bridges = view<NodeBridge>({
    mailbox: ({ metadata }) => [metadata.namespace?.replace('vnet-cluster-', '') ?? ''],
  })
  readonly #networks = view<VirtualNetwork>()
  readonly #stop = new AbortController()
  #version = 0
  #nodes = 0
  #running: Promise<unknown> = Promise.resolve()
  writes = 0

  constructor(options: ScaleOptions) {
    this.#options = options
    for (let index = 0; index < options.bridges; index++) this.addNode()
    for (let index = 0; index < options.networks; index++) this.#networks.store.upsert(this.#network(index) as never)
  }

  #network(index: number): object {
    const name = `net-${index}`
    const clusters = Array.from({ length: this.#options.clusters }, (_, each) => `cluster-${each}`)
    return {
      metadata: { namespace: 'team', name, uid: name, generation: 1, resourceVersion: `${++this.#version}` },
      spec: { clusters },
      status: { vni: index + 1, mtuBytes: 1450 },
    }
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
        resourceVersion: `${++this.#version}`,
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
  async #apply(resource: unknown, object: NodeBridge): Promise<NodeBridge> {
    this.writes++
    if (resource !== NodeBridges) return object
    const before = this.#bridges.store.get(`${object.metadata.namespace}/${object.metadata.name}`) as NodeBridge
    const { spec } = JSON.parse(JSON.stringify(object)) as NodeBridge
    const metadata = { ...before.metadata, generation: (before.metadata.generation ?? 0) + 1 }
    const write = (status: NodeBridge['status']): void =>
      this.#bridges.store.upsert({
        ...before,
        metadata: { ...metadata, resourceVersion: `${++this.#version}` },
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

  start(): void {
    const clusters = view()
    for (let index = 0; index < this.#options.clusters; index++)
      clusters.store.upsert({
        metadata: { name: `cluster-${index}`, resourceVersion: '1' },
        spec: {},
        status: { conditions: [READY] },
      } as never)
    const classes = view()
    classes.store.upsert({ metadata: { name: 'default', resourceVersion: '1' }, spec: {} } as never)
    const namespaces = view()
    namespaces.store.upsert({ metadata: { name: 'kube-system', uid: 'overlay', resourceVersion: '1' } } as never)
    const informers = {
      clusters,
      classes,
      namespaces,
      links: view(),
      networks: this.#networks,
      bridges: this.#bridges,
      revisions: view({ owner: () => [] }),
    }
    const client = {
      apply: (resource: unknown, object: NodeBridge) => this.#apply(resource, object),
      create: async () => this.writes++,
      delete: async () => this.writes++,
    }
    const deps = {
      client,
      cluster: 'cluster-0',
      udpPort: 14789,
      clock: systemClock,
      logger: silentLogger,
      metrics: createMetrics(),
    }
    this.#running = nodeBridgeController(deps as never, informers as never, { boards: this.boards, epoch: 1 }).run(
      this.#stop.signal,
    )
  }

  isConverged(): boolean {
    return Array.from({ length: this.#options.networks }, (_, index) => `team/net-${index}`).every((network) => {
      const report = this.boards.networks.get(network)
      return report?.bridges.length === this.#nodes && report.bridges.every(({ isProgrammed }) => isProgrammed)
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

/** Runs one world: all from nothing, then one more node. */
export const measureHub = async (options: ScaleOptions): Promise<ScaleResult> => {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  let peakMegabytes = 0
  const world = new ScaleWorld(options)
  const converge = async (): Promise<number> => {
    const startedMs = performance.now()
    await until(
      () => {
        peakMegabytes = Math.max(peakMegabytes, process.memoryUsage.rss() / 2 ** 20)
        return world.isConverged()
      },
      { timeoutMs: 600_000 },
    )
    return performance.now() - startedMs
  }
  delay.enable()
  world.start()
  const firstReconcileMs = await converge()
  world.addNode()
  const newNodeMs = await converge()
  delay.disable()
  const { writes } = world
  const specBytes = world.specBytes()
  await world.end()
  return { firstReconcileMs, newNodeMs, longestBlockMs: delay.max / 1e6, peakMegabytes, specBytes, writes }
}
