import { spawn } from 'node:child_process'
import { type Pod, Pods } from '#runtime/resources.ts'
import { FrameReceiver, FrameSender, type ReceiveOptions, type SendOptions } from './frames.ts'
import type { ContainerRunner } from './kubelet/container-runner.ts'
import type { LabCluster } from './lab-cluster.ts'
import type { LabNode } from './lab-node.ts'
import type { Outcome } from './processes.ts'
import { waitUntil } from './wait-until.ts'

/** A VM: a running pod with a secondary network. Programs run in its namespaces, as they would in a guest. */
export class Vm {
  readonly cluster: LabCluster
  readonly node: LabNode
  /** `namespace/name`. */
  readonly pod: string
  readonly namespace: string
  readonly #runner: ContainerRunner

  private constructor(
    cluster: LabCluster,
    pod: string,
    found: { node: LabNode; namespace: string; runner: ContainerRunner },
  ) {
    this.cluster = cluster
    this.pod = pod
    this.node = found.node
    this.namespace = found.namespace
    this.#runner = found.runner
  }

  /** Waits until the pod's container runs and its interfaces are up. */
  static async find(cluster: LabCluster, pod: string, timeoutMs: number): Promise<Vm> {
    const up = async (): Promise<Vm | undefined> => {
      for (const node of cluster.nodes) {
        const worker = node.worker(pod)
        const runner = worker?.runners.at(-1)
        if (!worker || !runner?.record.state.running) continue
        const vm = new Vm(cluster, pod, { node, namespace: worker.namespace, runner })
        return (await vm.#isUp()) ? vm : undefined
      }
      return undefined
    }
    return await waitUntil(up, { what: `VM ${cluster.name}/${pod} runs`, timeoutMs })
  }

  /** Runs a program in the VM to its end; does not throw when it fails. */
  exec(argv: readonly string[], options: { timeoutMs?: number } = {}): Promise<Outcome> {
    return this.#runner.exec(argv, options)
  }

  /** Starts a program in the VM that stays until the signal aborts. */
  spawn(argv: readonly string[], signal: AbortSignal): void {
    const [program, ...rest] = [...this.#runner.enterArguments(), ...argv]
    const child = spawn(program!, rest, {
      env: this.#runner.environment,
      stdio: 'ignore',
      signal,
      killSignal: 'SIGKILL',
    })
    child.on('error', () => {})
  }

  /** MAC address of an interface, lower case. */
  async mac(device = 'net1'): Promise<string> {
    const { stdout } = await this.exec(['cat', `/sys/class/net/${device}/address`])
    return stdout.trim()
  }

  /** One ping per `count`, 100 ms apart: how many were answered, each within two seconds. */
  async ping(address: string, count = 1): Promise<number> {
    const argv = ['ping', '-n', '-q', '-i', '0.1', '-W', '2', '-c', String(count), address]
    const { stdout } = await this.exec(argv, { timeoutMs: count * 100 + 20_000 })
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0)
  }

  /** Bits per second that iperf3 reaches towards a VM that runs `iperf3 -s`. */
  async iperf3(address: string, args: readonly string[] = ['-t', '3']): Promise<number> {
    const { stdout, stderr, code } = await this.exec(['iperf3', '-J', '-c', address, ...args], { timeoutMs: 120_000 })
    const report = JSON.parse(stdout || '{}') as IperfReport
    const sum = report.end?.sum_received ?? report.end?.sum
    if (code !== 0 || !sum) throw new Error(`iperf3 from ${this.pod} to ${address} failed: ${report.error ?? stderr}`)
    return sum.bits_per_second
  }

  /** Numbered frames, one each `periodMicroseconds`, until `stop`. */
  sendFrames(options: SendOptions = {}): Promise<FrameSender> {
    return FrameSender.start(this.namespace, options)
  }

  /** Counts the numbered frames of one sender until `stop`. */
  receiveFrames(options: ReceiveOptions = {}): Promise<FrameReceiver> {
    return FrameReceiver.start(this.namespace, options)
  }

  /** Newest version of the pod, from the API server. */
  object(): Promise<Pod> {
    const [namespace, name = ''] = this.pod.split('/')
    return this.cluster.client.get(Pods, { name, namespace })
  }

  async #isUp(): Promise<boolean> {
    const { stdout } = await this.exec(['ip', '-brief', 'link', 'show'])
    const secondary = stdout.split('\n').filter((line) => /^net\d/.test(line))
    return secondary.every((line) => /[<,]UP[,>]/.test(line))
  }
}

type IperfReport = { error?: string; end?: { sum_received?: Sum; sum?: Sum } }
type Sum = { bits_per_second: number }
