import { setTimeout as delay } from 'node:timers/promises'
import { isAlreadyExists } from '#runtime/api-error.ts'
import { Leases, type Node, Nodes } from '#runtime/resources.ts'
import { now } from './container-state.ts'
import type { NodeContext } from './node-context.ts'

const heartbeatMs = 5_000
const leaseSeconds = 20
const kubeletPort = 10_250
const retryMs = 1_000
const capacity = { cpu: '16', memory: '64Gi', 'ephemeral-storage': '64Gi', pods: '110' }

/** Keeps a node's Node object and its heartbeat, the Lease. */
export class NodeRegistration {
  readonly #context: NodeContext
  readonly #labels: Record<string, string>

  constructor(context: NodeContext, labels: Record<string, string>) {
    this.#context = context
    this.#labels = labels
  }

  /** Makes the Node if it is absent and says that it is ready; tries until the API server takes it. */
  async register(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      try {
        return await this.#register()
      } catch (error) {
        this.#context.report(`node ${this.#context.node}: ${(error as Error).message}`)
        await delay(retryMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Heartbeats until the signal aborts; registers anew when the Node was deleted meanwhile, as kubelet does on its next start. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#beat().catch((error: Error) => {
        if (!signal.aborted) this.#context.report(`heartbeat of ${this.#context.node}: ${error.message}`)
      })
      await delay(heartbeatMs, undefined, { signal }).catch(() => {})
    }
  }

  async #register(): Promise<void> {
    const { client, node: name } = this.#context
    const node: Node = {
      metadata: {
        name,
        labels: {
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch,
          ...this.#labels,
        },
      },
    }
    await client.create(Nodes, node as Node & { metadata: object }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
    await client.patch(Nodes, { name }, { status: this.#status() }, { subresource: 'status' })
  }

  #status(): NonNullable<Node['status']> {
    const { addresses, node } = this.#context
    const condition = (type: string, status: string, reason: string) => ({
      ...{ type, status, reason, message: 'the laboratory says so' },
      ...{ lastHeartbeatTime: now(), lastTransitionTime: now() },
    })
    return {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address: addresses.ipv4 },
        { type: 'InternalIP', address: addresses.ipv6 },
        { type: 'Hostname', address: node },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
        condition('Ready', 'True', 'KubeletReady'),
      ],
      nodeInfo: {
        ...{ machineID: node, systemUUID: node, bootID: node },
        ...{ kernelVersion: '', osImage: 'laboratory', containerRuntimeVersion: 'lab://1' },
        ...{ kubeletVersion: 'v1.37.2-lab', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
      },
    }
  }

  async #beat(): Promise<void> {
    const { client, node } = this.#context
    await client.apply(Leases, {
      metadata: { name: node, namespace: 'kube-node-lease' },
      spec: {
        holderIdentity: node,
        leaseDurationSeconds: leaseSeconds,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    })
    // The node controller has given the node up, or somebody deleted it, while nothing was heard from here.
    const known = await client.find(Nodes, { name: node })
    const isReady = known?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (!isReady) await this.#register()
  }
}
