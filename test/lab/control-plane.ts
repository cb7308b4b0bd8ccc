import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import { Program } from './program.ts'
import type { RunState } from './run-state.ts'
import { builtTool } from './tools.ts'

const roles = ['apiserver', 'controller-manager', 'scheduler'] as const
type Role = (typeof roles)[number]

const readyLimitMs = 180_000
const graceMs = 10_000

/** One process of a control plane, to be stopped, killed, frozen and started again by fault tests. */
export class ControlPlaneRole {
  readonly role: Role
  readonly #start: () => Program
  #program: Program | undefined

  constructor(role: Role, start: () => Program) {
    this.role = role
    this.#start = start
  }

  /** Returns at once; `ControlPlane.ready` waits. */
  start(): void {
    if (this.isRunning) throw new Error(`${this.role} runs already (process ${this.#program?.pid})`)
    this.#program = this.#start()
  }

  get isRunning(): boolean {
    return this.#program !== undefined && this.#program.result === undefined
  }

  /** Ends it as an administrator would. */
  async stop(): Promise<void> {
    this.resume()
    await this.#program?.stop(graceMs)
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#program?.kill('SIGKILL')
    await this.#program?.ended
  }

  /** Freezes it: connections stay, nothing answers. */
  pause(): void {
    this.#program?.kill('SIGSTOP')
  }

  resume(): void {
    this.#program?.kill('SIGCONT')
  }
}

/** The real kube-apiserver (with etcd), controller manager and scheduler of one cluster, on this machine's loopback. */
export class ControlPlane {
  readonly cluster: string
  readonly port: number
  readonly folder: string
  /** Where the API server asks for connections to nodes and pods: by itself it would send them out of the laboratory. */
  readonly egressSocket: string
  readonly apiServer: ControlPlaneRole
  readonly controllerManager: ControlPlaneRole
  readonly scheduler: ControlPlaneRole
  #client: KubeClient | undefined

  constructor(state: RunState, { cluster, port }: { cluster: string; port: number }) {
    this.cluster = cluster
    this.port = port
    this.folder = join(state.subfolder('clusters'), cluster)
    const role = (name: Role, ...flags: string[]): ControlPlaneRole => {
      const argv = [builtTool('controlplane'), name, '--dir', this.folder, ...flags]
      const logFile = join(state.subfolder('logs'), `${cluster}-${name}.log`)
      return new ControlPlaneRole(name, () => new Program(state, { argv: dieWithParent(argv), logFile }))
    }
    this.egressSocket = join(state.subfolder('clusters'), `${cluster}.sock`)
    const egress = join(state.subfolder('clusters'), `${cluster}-egress.json`)
    writeFileSync(egress, JSON.stringify(egressSelector(this.egressSocket)))
    this.apiServer = role('apiserver', '--port', String(port), '--', `--egress-selector-config-file=${egress}`)
    this.controllerManager = role('controller-manager')
    this.scheduler = role('scheduler')
  }

  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig')
  }

  /** An administrator's client. */
  get client(): KubeClient {
    this.#client ??= new KubeClient({
      config: loadKubeConfig({ path: this.kubeconfig }),
      fieldManager: 'laboratory',
    })
    return this.#client
  }

  start(): void {
    for (const role of [this.apiServer, this.controllerManager, this.scheduler]) role.start()
  }

  /** Resolves when the API server answers /readyz. */
  async ready(signal?: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + readyLimitMs
    let last: unknown
    while (performance.now() < deadlineMs) {
      signal?.throwIfAborted()
      if (!this.apiServer.isRunning) break
      if (existsSync(this.kubeconfig)) {
        try {
          return void (await this.client.requestText({ method: 'GET', path: '/readyz', timeoutMs: 2_000, signal }))
        } catch (error) {
          last = error
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    const log = `${this.cluster}-apiserver.log`
    throw new Error(`the API server of ${this.cluster} did not become ready: see ${log}`, { cause: last })
  }

  async stop(): Promise<void> {
    this.#client?.close()
    // Without their API server the others wait for nothing, so all end at once.
    await Promise.all([this.controllerManager, this.scheduler, this.apiServer].map((role) => role.stop()))
  }
}

const egressSelector = (socket: string): object => ({
  apiVersion: 'apiserver.k8s.io/v1beta1',
  kind: 'EgressSelectorConfiguration',
  egressSelections: [
    {
      name: 'cluster',
      connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: socket } } },
    },
  ],
})

const dieWithParent = (argv: readonly string[]): string[] => ['setpriv', '--pdeathsig', 'KILL', '--', ...argv]

/**
 * A free TCP port on loopback, below those that the kernel gives to outgoing connections: a server that is down for a while
 * must find its port free again.
 */
export const freePort = async (taken: ReadonlySet<number>): Promise<number> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (!taken.has(port) && (await isFree(port))) return port
  }
  throw new Error('found no free TCP port between 20000 and 32000 on 127.0.0.1')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
