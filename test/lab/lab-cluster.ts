import { readFile } from 'node:fs/promises'
import type { KubeClient } from '#runtime/kube-client.ts'
import { type Pod, Pods } from '#runtime/resources.ts'
import type { ControlPlane, ControlPlaneRole } from './control-plane.ts'
import { LogServer } from './kubelet/log-server.ts'
import type { LabNode } from './lab-node.ts'
import { runOrThrow } from './processes.ts'
import { type BuiltTool, builtTool, cacheFolder, checkout } from './tools.ts'
import { waitUntil } from './wait-until.ts'

export type ToolOptions = { input?: string; timeoutMs?: number; env?: Record<string, string> }

type PodWait = { labelSelector?: string; count: number; timeoutMs?: number }

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false

/** A cluster: control plane and nodes. */
export class LabCluster {
  readonly name: string
  readonly controlPlane: ControlPlane
  readonly nodes: LabNode[] = []
  readonly #logs: LogServer

  constructor(controlPlane: ControlPlane) {
    this.name = controlPlane.cluster
    this.controlPlane = controlPlane
    this.#logs = new LogServer(({ namespace, name }, container) => this.#logFile(`${namespace}/${name}`, container))
  }

  /** Path of an administrator's kubeconfig; works from anywhere in the laboratory and on this machine. */
  get kubeconfig(): string {
    return this.controlPlane.kubeconfig
  }

  get client(): KubeClient {
    return this.controlPlane.client
  }

  /** To be stopped, killed, paused and started by tests of faults. */
  get apiServer(): ControlPlaneRole {
    return this.controlPlane.apiServer
  }

  async startLogs(): Promise<void> {
    await this.#logs.start(this.controlPlane.egressSocket, this.controlPlane.folder)
  }

  node(name: string): LabNode {
    const node = this.nodes.find((each) => each.name === name)
    if (node) return node
    throw new Error(
      `cluster ${this.name} has no node ${name}; it has ${this.nodes.map((each) => each.name).join(', ')}`,
    )
  }

  /** Runs kubectl as the administrator; resolves to its standard output, throws with what it said. */
  kubectl(args: readonly string[], options: ToolOptions = {}): Promise<string> {
    return this.#tool('kubectl', args, options)
  }

  /** Runs helm as the administrator. */
  helm(args: readonly string[], options: ToolOptions = {}): Promise<string> {
    return this.#tool('helm', args, { timeoutMs: 600_000, ...options })
  }

  /** Creates or changes objects from YAML text. */
  async apply(yaml: string): Promise<void> {
    await this.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: yaml })
  }

  async pods(namespace: string, labelSelector?: string): Promise<Pod[]> {
    return (await this.client.list(Pods, { namespace, labelSelector })).items
  }

  /** Resolves when exactly `count` pods match and all of them are ready. */
  async waitForPods(namespace: string, { labelSelector, count, timeoutMs = 120_000 }: PodWait): Promise<Pod[]> {
    const readyPods = async (): Promise<Pod[] | undefined> => {
      const pods = (await this.pods(namespace, labelSelector)).filter((pod) => !pod.metadata?.deletionTimestamp)
      return pods.length === count && pods.every(isReady) ? pods : undefined
    }
    const what = `${count} pods ${labelSelector ?? ''} of ${this.name}/${namespace} are ready`
    return await waitUntil(readyPods, { what, timeoutMs, intervalMs: 300 })
  }

  /** What a container wrote, in all its runs; its pod must still be there. */
  async logs(pod: string, container: string): Promise<string> {
    const file = this.#logFile(pod, container)
    if (!file) throw new Error(`cluster ${this.name} runs no container ${container} of pod ${pod}`)
    return await readFile(file, 'utf8')
  }

  async stop(): Promise<void> {
    await this.#logs.stop()
    await this.controlPlane.stop()
  }

  #tool(tool: BuiltTool, args: readonly string[], { env = {}, ...options }: ToolOptions): Promise<string> {
    const path = `${checkout}/build/bin:${cacheFolder()}/bin:${checkout}/node_modules/.bin:${process.env.PATH}`
    // Helm and kubectl keep caches in the home folder: a laboratory's own, as nothing may stay.
    const home = this.controlPlane.folder
    return runOrThrow([builtTool(tool), ...args], {
      cwd: checkout,
      env: { ...process.env, HOME: home, PATH: path, KUBECONFIG: this.kubeconfig, ...env },
      ...options,
    })
  }

  #logFile(pod: string, container: string): string | undefined {
    return this.nodes
      .flatMap((node) => node.runners(pod))
      .find(({ record }) => record.name === container || container === '')?.logFile
  }
}
