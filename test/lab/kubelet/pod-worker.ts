import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { exponentialBackoff } from '#runtime/backoff.ts'
import type { Pod } from '#runtime/resources.ts'
import { ContainerRunner } from './container-runner.ts'
import { now } from './container-state.ts'
import type { ContainerSpec } from './environment.ts'
import { Multus } from './multus.ts'
import type { NodeContext } from './node-context.ts'
import type { PodPlace } from './pod-fields.ts'
import { PodNetwork } from './pod-network.ts'
import { finalPhase, type PodProgress, podStatus } from './pod-status.ts'
import { StatusWriter } from './status-writer.ts'
import { PodVolumes } from './volumes.ts'

const retry = exponentialBackoff({ baseMs: 500, maxMs: 10_000 })

/** One pod on a node, from its network to its end. */
export class PodWorker {
  readonly uid: string
  readonly #context: NodeContext
  readonly #network: PodNetwork | undefined
  readonly #multus: Multus
  readonly #volumes: PodVolumes
  readonly #folder: string
  readonly #writer: StatusWriter
  readonly #ending = new AbortController()
  readonly #init: ContainerRunner[]
  readonly #containers: ContainerRunner[]
  readonly #progress: PodProgress
  #pod: Pod
  #graceMs = 0
  #silent = false

  constructor(context: NodeContext, pod: Pod, host: number) {
    this.uid = pod.metadata?.uid ?? ''
    this.#context = context
    this.#pod = pod
    this.#folder = context.state.subfolder('pods', this.uid)
    this.#network = pod.spec?.hostNetwork ? undefined : new PodNetwork(context, { uid: this.uid, host })
    this.#multus = new Multus(context)
    this.#volumes = new PodVolumes(context, join(this.#folder, 'volumes'))
    this.#writer = new StatusWriter(context, () => this.#pod)
    const never = pod.spec?.restartPolicy === 'Never'
    this.#init = (pod.spec?.initContainers ?? []).map((spec) => this.#runner(spec, never ? 'Never' : 'OnFailure'))
    const restart = (pod.spec?.restartPolicy ?? 'Always') as 'Always' | 'OnFailure' | 'Never'
    this.#containers = (pod.spec?.containers ?? []).map((spec) => this.#runner(spec, restart))
    this.#progress = {
      place: this.#place,
      startTime: pod.status?.startTime ?? now(),
      prepared: false,
      init: this.#init.map(({ record }) => record),
      initialized: false,
      containers: this.#containers.map(({ record }) => record),
      phase: 'Pending',
      message: undefined,
    }
  }

  /** Network namespace that the pod's containers are in. */
  get namespace(): string {
    return this.#network?.namespace ?? this.#context.namespace
  }

  get runners(): readonly ContainerRunner[] {
    return [...this.#init, ...this.#containers]
  }

  update(pod: Pod): void {
    this.#pod = pod
    if (pod.metadata?.deletionTimestamp) this.end((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000)
  }

  /** Begins the pod's graceful end; `run` resolves when it is complete. */
  end(graceMs: number): void {
    this.#graceMs = graceMs
    this.#ending.abort()
  }

  /** Ends everything at once and tells nobody, as a machine does that loses power. */
  vanish(): void {
    this.#silent = true
    this.#writer.stop()
    this.end(0)
  }

  /** From nothing to the end: the pod ran to completion, or was deleted and is gone from the API. */
  async run(): Promise<void> {
    try {
      const codes = (await this.#prepare()) && (await this.#runContainers())
      if (codes) this.#progress.phase = finalPhase(codes)
      else if (this.#progress.phase !== 'Failed') this.#progress.phase = this.#endedPhase()
    } finally {
      await this.#tearDown()
    }
    if (this.#silent) return
    this.#publish()
    await this.#writer.flush()
    // A pod that completed stays, with its logs, until somebody deletes it.
    if (!this.#ending.signal.aborted) await aborted(this.#ending.signal)
    rmSync(this.#folder, { recursive: true, force: true })
    if (!this.#silent && this.#pod.metadata?.deletionTimestamp) await this.#writer.deletePod()
  }

  // False when the pod ends before it began.
  async #prepare(): Promise<boolean> {
    let networkMade = this.#network === undefined
    let attached = !Multus.isWanted(this.#pod)
    this.#publish()
    for (let failures = 1; !this.#ending.signal.aborted; failures++) {
      try {
        if (!networkMade) await this.#network?.create()
        networkMade = true
        if (!attached) await this.#multus.add(this.#pod, this.#sandbox())
        attached = true
        await this.#volumes.prepare(this.#pod, this.#place)
        this.#progress.prepared = true
        this.#progress.message = undefined
        return true
      } catch (error) {
        if (!networkMade) await this.#network?.remove()
        this.#progress.message = (error as Error).message
        this.#context.report(
          `pod ${this.#pod.metadata?.namespace}/${this.#pod.metadata?.name}: ${this.#progress.message}`,
        )
        this.#publish()
        await delay(retry(failures), undefined, { signal: this.#ending.signal }).catch(() => {})
      }
    }
    return false
  }

  // Exit codes of the containers, or undefined when an init container failed or the pod ends.
  async #runContainers(): Promise<number[] | undefined> {
    for (const runner of this.#init) {
      const code = await this.#untilEnd(runner)
      if (this.#ending.signal.aborted) return undefined
      if (code !== 0) {
        this.#progress.phase = 'Failed'
        return undefined
      }
      runner.record.ready = true
    }
    this.#progress.initialized = true
    this.#progress.phase = 'Running'
    this.#publish()
    return await Promise.all(this.#containers.map((runner) => this.#untilEnd(runner)))
  }

  async #untilEnd(runner: ContainerRunner): Promise<number> {
    const stop = (): void => void runner.stop(this.#graceMs)
    if (this.#ending.signal.aborted) stop()
    this.#ending.signal.addEventListener('abort', stop, { once: true })
    const code = await runner.run()
    this.#ending.signal.removeEventListener('abort', stop)
    return code
  }

  async #tearDown(): Promise<void> {
    if (this.#network) {
      if (Multus.isWanted(this.#pod)) {
        await this.#multus
          .delete(this.#pod, this.#sandbox())
          .catch((error: Error) => this.#context.report(error.message))
      }
      await this.#network.remove()
    }
    await this.#volumes.remove()
  }

  #runner(spec: ContainerSpec, restart: 'Always' | 'OnFailure' | 'Never'): ContainerRunner {
    mkdirSync(this.#folder, { recursive: true })
    const statuses = [
      ...(this.#pod.status?.initContainerStatuses ?? []),
      ...(this.#pod.status?.containerStatuses ?? []),
    ]
    const before = statuses.find(({ name, containerID }) => name === spec.name && containerID)
    return new ContainerRunner({
      context: this.#context,
      pod: () => this.#pod,
      spec,
      place: this.#place,
      volumes: this.#volumes,
      namespace: this.namespace,
      folder: this.#folder,
      restart,
      restartCount: before ? before.restartCount + 1 : 0,
      onChange: () => this.#publish(),
    })
  }

  get #place(): PodPlace {
    const { ipv4, ipv6 } = this.#context.addresses
    const hostIPs = [ipv4, ipv6]
    return { node: this.#context.node, hostIPs, podIPs: this.#network ? [this.#network.address] : hostIPs }
  }

  #sandbox(): { namespace: string; address: string } {
    return { namespace: this.namespace, address: this.#network?.address ?? '' }
  }

  // A pod that was deleted while it ran: as its containers ended.
  #endedPhase(): 'Succeeded' | 'Failed' {
    const codes = this.#containers.map(({ record }) => record.state.terminated?.exitCode ?? 137)
    return finalPhase(codes)
  }

  #publish(): void {
    this.#writer.write(() => podStatus(this.#pod.status, this.#progress))
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
