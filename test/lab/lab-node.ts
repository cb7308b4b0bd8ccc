import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { NodeDescription } from './description.ts'
import { type KernelSnapshot, kernelSnapshot } from './kernel-snapshot.ts'
import type { ContainerRunner } from './kubelet/container-runner.ts'
import { Kubelet } from './kubelet/kubelet.ts'
import type { NodeContext } from './kubelet/node-context.ts'
import { preparePodNetwork } from './kubelet/pod-network.ts'
import type { PodWorker } from './kubelet/pod-worker.ts'
import { type Outcome, type RunOptions, run, runOrThrow } from './processes.ts'
import { createNamespace, type Underlay } from './underlay.ts'
import { type Addresses, podSubnet } from './underlay-plan.ts'

export type LabNodeOptions = {
  description: NodeDescription
  site: string
  underlay: Underlay
  context: Omit<NodeContext, 'namespace' | 'root' | 'addresses' | 'node'>
}

/** A node: a network namespace in the underlay, a folder for its root file system, a kubelet. */
export class LabNode {
  readonly cluster: string
  readonly name: string
  readonly namespace: string
  /** Folder in which the node's hostPath volumes lie: `/run/vnet` of the node is `<root>/run/vnet`. */
  readonly root: string
  readonly #options: LabNodeOptions
  #addresses: Addresses | undefined
  #kubelet: Kubelet | undefined

  constructor(options: LabNodeOptions) {
    const { context, description } = options
    this.#options = options
    this.cluster = context.cluster
    this.name = description.name
    this.namespace = context.state.namespace(`${this.cluster}-${this.name}`)
    this.root = context.state.subfolder('nodes', `${this.cluster}-${this.name}`)
  }

  /** `cluster/node`. */
  get key(): string {
    return `${this.cluster}/${this.name}`
  }

  get addresses(): Addresses {
    if (!this.#addresses) throw new Error(`node ${this.key} has not been created`)
    return this.#addresses
  }

  get kubelet(): Kubelet {
    if (!this.#kubelet) throw new Error(`node ${this.key} has not been started`)
    return this.#kubelet
  }

  /** Namespace, underlay, bpffs: the machine without its kubelet. */
  async create(): Promise<void> {
    const { underlay, site, context } = this.#options
    await createNamespace(this.namespace)
    await runOrThrow(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0'], {
      namespace: this.namespace,
    })
    this.#addresses = (await underlay.attach(this.key, { site, namespace: this.namespace })).addresses
    await preparePodNetwork(this.namespace, podSubnet(context.index))
    await context.access.open(this.cluster, this.namespace)
    const bpf = join(this.root, 'sys/fs/bpf')
    mkdirSync(bpf, { recursive: true })
    mkdirSync(join(this.root, 'run'), { recursive: true })
    await runOrThrow(['mount', '-t', 'bpf', 'bpf', bpf])
  }

  /** Starts the kubelet; resolves when the Node is registered. */
  async start(): Promise<void> {
    const { context, description, site } = this.#options
    const labels = { 'topology.kubernetes.io/zone': site, ...description.labels }
    const { namespace, root, addresses, name: node } = this
    this.#kubelet = new Kubelet({ ...context, namespace, root, addresses, node }, labels)
    await this.#kubelet.start()
  }

  /** The node dies: heartbeats and pods end at once, and it is unplugged. What is in its kernel and folder stays. */
  async stop(): Promise<void> {
    await this.#kubelet?.stop()
    this.#kubelet = undefined
    await this.#options.underlay.faults.setCable(this.key, 'out')
  }

  /** Plugs a stopped node in and starts its kubelet again. */
  async restart(): Promise<void> {
    await this.#options.underlay.faults.setCable(this.key, 'in')
    await this.start()
  }

  /** Ends the kubelet and its pods for good; namespaces and mounts are removed by the laboratory. */
  async end(): Promise<void> {
    await this.#kubelet?.stop()
    await this.#options.context.access.close(this.namespace).catch(() => {})
  }

  /** Runs a program in the node's network namespace, with this machine's files. */
  exec(argv: readonly string[], options: Omit<RunOptions, 'namespace'> = {}): Promise<Outcome> {
    return run(argv, { ...options, namespace: this.namespace })
  }

  /** The pod `namespace/name`, while it is here. */
  worker(pod: string): PodWorker | undefined {
    return this.#kubelet?.worker(pod)
  }

  /** The containers of the pod `namespace/name` that run or ran here; none when it is elsewhere. */
  runners(pod: string): readonly ContainerRunner[] {
    return this.#kubelet?.worker(pod)?.runners ?? []
  }

  /** kill -9 of a container of the pod `namespace/name`; its restart policy then applies. */
  kill(pod: string, container: string): void {
    const runner = this.runners(pod).find(({ record }) => record.name === container)
    if (!runner) throw new Error(`node ${this.key} runs no container ${container} of pod ${pod}`)
    runner.kill()
  }

  /** State of the node's kernel and of /run/vnet, to be compared with a later one. */
  snapshot(): Promise<KernelSnapshot> {
    return kernelSnapshot(this.namespace, this.root)
  }

  /** Path of a file of the node on this machine. */
  file(path: string): string {
    return join(this.root, path)
  }
}
