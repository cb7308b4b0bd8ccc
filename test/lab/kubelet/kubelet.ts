import { Informer } from '#runtime/informer.ts'
import { keyOf } from '#runtime/kube-object.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { type Pod, Pods } from '#runtime/resources.ts'
import type { NodeContext } from './node-context.ts'
import { NodeRegistration } from './node-registration.ts'
import { PodWorker } from './pod-worker.ts'

const firstPodHost = 2
const lastPodHost = 254

/**
 * The laboratory's kubelet: registers its node, and runs the pods that the scheduler bound to it as processes. Everything it
 * does is kept in this process; `stop` ends the node's pods as the loss of power would.
 */
export class Kubelet {
  readonly #context: NodeContext
  readonly #registration: NodeRegistration
  readonly #workers = new Map<string, { worker: PodWorker; key: string; host: number; done: Promise<void> }>()
  #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(context: NodeContext, labels: Record<string, string>) {
    this.#context = context
    this.#registration = new NodeRegistration(context, labels)
  }

  /** Resolves when the node is registered; the rest goes on until `stop`. */
  async start(): Promise<void> {
    this.#stopping = new AbortController()
    const { signal } = this.#stopping
    await this.#registration.register(signal)
    const informer = new Informer<Pod>({
      client: this.#context.client,
      resource: Pods,
      fieldSelector: `spec.nodeName=${this.#context.node}`,
      logger: silentLogger,
      metrics: createMetrics(),
    })
    informer.onChange((key) => this.#reconcile(key, informer.lister.get(key)))
    this.#running = Promise.all([informer.run(signal), this.#registration.run(signal)])
  }

  /** Ends the pods' processes at once, without telling the API server. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const workers = [...this.#workers.values()]
    for (const { worker } of workers) worker.vanish()
    await Promise.all(workers.map(({ done }) => done))
    await this.#running
  }

  /** The pod `namespace/name`, while it is on this node. */
  worker(key: string): PodWorker | undefined {
    return [...this.#workers.values()].findLast((entry) => entry.key === key)?.worker
  }

  #reconcile(key: string, pod: Pod | undefined): void {
    if (this.#stopping.signal.aborted) return
    // A name may belong to another pod by now (StatefulSets): the old one's processes must end.
    for (const entry of this.#workers.values()) {
      if (entry.key === key && entry.worker.uid !== pod?.metadata?.uid) entry.worker.end(0)
    }
    if (!pod) return
    const uid = pod.metadata?.uid ?? ''
    const present = this.#workers.get(uid)
    if (present) {
      present.worker.update(pod)
      return
    }
    // Completed before this kubelet started.
    const completed = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (completed && !pod.metadata?.deletionTimestamp) return
    this.#begin(uid, pod)
  }

  #begin(uid: string, pod: Pod): void {
    const host = this.#freeHost()
    const worker = new PodWorker(this.#context, pod, host)
    const done = worker
      .run()
      .catch((error: Error) => this.#context.report(`pod ${keyOf(pod)}: ${error.stack ?? error.message}`))
      .finally(() => this.#workers.delete(uid))
    this.#workers.set(uid, { worker, key: keyOf(pod), host, done })
    worker.update(pod)
  }

  #freeHost(): number {
    const taken = new Set([...this.#workers.values()].map(({ host }) => host))
    for (let host = firstPodHost; host <= lastPodHost; host++) if (!taken.has(host)) return host
    throw new Error(`node ${this.#context.node} has no free pod address`)
  }
}
