import { appendFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Nodes, ServiceAccounts } from '#runtime/resources.ts'
import { Access } from './access.ts'
import { ControlPlane, freePort } from './control-plane.ts'
import type { LaboratoryDescription, NodeDescription } from './description.ts'
import { Images } from './kubelet/images.ts'
import { LabCluster } from './lab-cluster.ts'
import { LabNode } from './lab-node.ts'
import { RunState } from './run-state.ts'
import { removeRun, sweep } from './sweep.ts'
import { nativeTool, networksDefinition } from './tools.ts'
import { Underlay } from './underlay.ts'
import { Vm } from './vm.ts'
import { waitUntil } from './wait-until.ts'

export type StartOptions = {
  /** Aborting it while the laboratory starts, or later, tears it down. */
  signal?: AbortSignal
  /** One line for each step. */
  onProgress?: (line: string) => void
  /** What the kubelets complain about: pods that cannot start, failed probes. Default: into the laboratory's log. */
  onReport?: (line: string) => void
  /** SIGINT and SIGTERM tear the laboratory down before they end the process. Default: true. */
  handleSignals?: boolean
}

/** A running laboratory. `stop` removes everything it made. */
export class Laboratory {
  readonly state: RunState
  readonly clusters: LabCluster[] = []
  readonly description: LaboratoryDescription
  readonly #options: StartOptions
  readonly #images: Images
  #underlay: Underlay | undefined
  #access: Access | undefined
  #launch = ''
  #nextNode = 0
  #starting: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  readonly #ending = new AbortController()
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    void this.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  readonly #onAbort = (): void => void this.stop()

  constructor(description: LaboratoryDescription, options: StartOptions) {
    this.description = description
    this.#options = options
    this.#images = new Images(description.images)
    this.state = RunState.create()
    if (options.handleSignals ?? true) {
      process.on('SIGINT', this.#onSignal)
      process.on('SIGTERM', this.#onSignal)
    }
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  get underlay(): Underlay {
    return created(this.#underlay, 'underlay')
  }

  /** Who reaches which API server. */
  get access(): Access {
    return created(this.#access, 'access')
  }

  /** Brings everything up; `startLaboratory` calls it. A failure leaves it to be stopped. */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { signal } = this.#ending
    const { onProgress = () => {} } = this.#options
    const began = performance.now()
    const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`
    const swept = await sweep()
    if (swept.length > 0) onProgress(`removed what ended runs left: ${swept.join(', ')}`)
    await this.#startControlPlanes()
    signal.throwIfAborted()
    this.#launch = await nativeTool('launch')
    const ports = this.clusters.map(({ name, controlPlane }) => [name, controlPlane.port] as const)
    this.#access = await Access.start(this.state, new Map(ports))
    this.#underlay = new Underlay(this.state, this.description)
    await this.underlay.create()
    onProgress(`underlay of ${this.description.sites.length} sites: ${seconds()}`)
    await Promise.all(
      this.clusters.map(async (cluster) => {
        await cluster.controlPlane.ready(signal)
        onProgress(`control plane of ${cluster.name}: ${seconds()}`)
        await cluster.startLogs()
        await cluster.apply(await readFile(networksDefinition(), 'utf8'))
      }),
    )
    for (const { name, nodes } of this.description.clusters) {
      for (const node of nodes) {
        signal.throwIfAborted()
        await this.addNode(name, node)
      }
    }
    await Promise.all(this.clusters.map((cluster) => this.#untilSchedulable(cluster)))
    onProgress(`${this.clusters.flatMap(({ nodes }) => nodes).length} nodes: ${seconds()}`)
    signal.throwIfAborted()
  }

  cluster(name: string): LabCluster {
    const cluster = this.clusters.find((each) => each.name === name)
    if (cluster) return cluster
    throw new Error(`there is no cluster ${name}; there are ${this.clusters.map((each) => each.name).join(', ')}`)
  }

  /** By `cluster/node`. */
  node(key: string): LabNode {
    const [cluster = '', name = ''] = key.split('/')
    return this.cluster(cluster).node(name)
  }

  get nodes(): LabNode[] {
    return this.clusters.flatMap(({ nodes }) => nodes)
  }

  /** A node that joins now; resolves when it is registered. */
  async addNode(clusterName: string, description: NodeDescription): Promise<LabNode> {
    const cluster = this.cluster(clusterName)
    const node = new LabNode({
      description,
      site: description.site ?? this.description.sites[0]!.name,
      underlay: this.underlay,
      context: {
        state: this.state,
        access: this.access,
        images: this.#images,
        client: cluster.client,
        cluster: clusterName,
        index: this.#nextNode++,
        apiPort: cluster.controlPlane.port,
        kubeconfig: cluster.kubeconfig,
        launch: this.#launch,
        report: (message) => this.#report(`${clusterName}/${description.name}: ${message}`),
      },
    })
    await node.create()
    cluster.nodes.push(node)
    await node.start()
    return node
  }

  /** The VM whose pod is `namespace/name`; resolves when it is up. */
  async vm(clusterName: string, pod: string, { timeoutMs = 60_000 } = {}): Promise<Vm> {
    const cluster = this.cluster(clusterName)
    return await Vm.find(cluster, pod, timeoutMs)
  }

  /** Ends and removes everything. May be called again, also while it runs. */
  stop(): Promise<void> {
    this.#stopped ??= this.#tearDown()
    return this.#stopped
  }

  async #tearDown(): Promise<void> {
    this.#ending.abort(new Error('the laboratory is being removed'))
    await this.#starting.catch(() => {})
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    await Promise.allSettled(this.nodes.map((node) => node.end()))
    await Promise.allSettled(this.clusters.map((cluster) => cluster.stop()))
    await Promise.allSettled([this.#access?.stop(), this.#underlay?.stop()])
    await removeRun(this.state)
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }

  // All at once; `start` waits for them later, while the underlay is built.
  async #startControlPlanes(): Promise<void> {
    const taken = new Set<number>()
    const port = async (): Promise<number> => {
      const free = await freePort(taken)
      taken.add(free)
      return free
    }
    for (const { name } of this.description.clusters) {
      const controlPlane = new ControlPlane(this.state, { cluster: name, port: await port() })
      this.clusters.push(new LabCluster(controlPlane))
      controlPlane.start()
    }
  }

  // The controller manager lifts the taint of a new node, and makes the account that pods run under.
  async #untilSchedulable(cluster: LabCluster): Promise<void> {
    const schedulable = async (): Promise<boolean> => {
      const { items } = await cluster.client.list(Nodes)
      const accounts = await cluster.client.find(ServiceAccounts, { name: 'default', namespace: 'default' })
      return accounts !== undefined && items.every(({ spec }) => (spec?.taints ?? []).length === 0)
    }
    const { signal } = this.#ending
    await waitUntil(schedulable, { what: `nodes of ${cluster.name} are schedulable`, timeoutMs: 120_000, signal })
  }

  #report(line: string): void {
    if (this.#options.onReport) this.#options.onReport(line)
    else appendFileSync(join(this.state.subfolder('logs'), 'kubelets.log'), `${line}\n`)
  }
}

/** Starts what the description says and resolves when pods can run. On failure nothing stays behind. */
export const startLaboratory = async (
  description: LaboratoryDescription,
  options: StartOptions = {},
): Promise<Laboratory> => {
  options.signal?.throwIfAborted()
  const laboratory = new Laboratory(description, options)
  try {
    await laboratory.start()
    return laboratory
  } catch (error) {
    await laboratory.stop()
    throw error
  }
}

const created = <T>(part: T | undefined, name: string): T => {
  if (part === undefined) throw new Error(`the laboratory's ${name} is not there yet: await startLaboratory first`)
  return part
}
