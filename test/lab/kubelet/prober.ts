import { setTimeout as delay } from 'node:timers/promises'
import { type Outcome, run } from '../processes.ts'
import type { ContainerSpec } from './environment.ts'

type Probe = NonNullable<ContainerSpec['livenessProbe']>

export type ProberOptions = {
  spec: ContainerSpec
  /** Network namespace to probe from, and the pod's address in it. */
  namespace: string
  address: string
  exec: (argv: readonly string[], timeoutMs: number) => Promise<Outcome>
  onReady: (ready: boolean) => void
  onStarted: () => void
  /** The container failed its startup or liveness probe. */
  onDead: (why: string) => Promise<void>
}

// A machine full of tests is slow at starting curl: kubelet's default of one second would report its load, not the program's health.
const leastTimeoutMs = 5_000
// Until a container is ready for the first time it is asked each second, whatever its period: rollouts wait for that.
const eagerPeriodMs = 1_000

/** Startup, readiness and liveness probes of one run of a container. */
export class Prober {
  readonly #options: ProberOptions

  constructor(options: ProberOptions) {
    this.#options = options
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { startupProbe, readinessProbe, livenessProbe } = this.#options.spec
    if (startupProbe && !(await this.#started(startupProbe, signal))) return
    if (signal.aborted) return
    this.#options.onStarted()
    if (!readinessProbe) this.#options.onReady(true)
    await Promise.all([
      readinessProbe ? this.#watchReadiness(readinessProbe, signal) : undefined,
      livenessProbe ? this.#watchLiveness(livenessProbe, signal) : undefined,
    ])
  }

  async #started(probe: Probe, signal: AbortSignal): Promise<boolean> {
    for (let failures = 0; !signal.aborted; ) {
      if (!(await pause(failures === 0 ? initialDelayMs(probe) : periodMs(probe), signal))) return false
      const problem = await this.#ask(probe)
      if (problem === undefined) return true
      failures += 1
      if (failures >= (probe.failureThreshold ?? 3) && !signal.aborted) {
        await this.#options.onDead(`startup probe failed: ${problem}`)
        return false
      }
    }
    return false
  }

  async #watchReadiness(probe: Probe, signal: AbortSignal): Promise<void> {
    const { failureThreshold = 3, successThreshold = 1 } = probe
    let ready = false
    let everReady = false
    let inARow = 0
    let waitMs = initialDelayMs(probe)
    while (await pause(waitMs, signal)) {
      const passed = (await this.#ask(probe)) === undefined
      if (signal.aborted) return
      inARow = passed === ready ? 0 : inARow + 1
      if (inARow >= (passed ? successThreshold : failureThreshold)) {
        ready = passed
        inARow = 0
        everReady ||= ready
        this.#options.onReady(ready)
      }
      waitMs = everReady ? periodMs(probe) : Math.min(eagerPeriodMs, periodMs(probe))
    }
  }

  async #watchLiveness(probe: Probe, signal: AbortSignal): Promise<void> {
    let failures = 0
    let waitMs = initialDelayMs(probe) || periodMs(probe)
    while (await pause(waitMs, signal)) {
      const problem = await this.#ask(probe)
      if (signal.aborted) return
      failures = problem === undefined ? 0 : failures + 1
      if (failures >= (probe.failureThreshold ?? 3))
        return await this.#options.onDead(`liveness probe failed: ${problem}`)
      waitMs = periodMs(probe)
    }
  }

  // What is wrong, or undefined.
  async #ask(probe: Probe): Promise<string | undefined> {
    const timeoutMs = Math.max(leastTimeoutMs, (probe.timeoutSeconds ?? 1) * 1000)
    try {
      const { code, stdout, stderr } = await this.#run(probe, timeoutMs)
      return code === 0 ? undefined : `${stdout} ${stderr}`.trim() || `code ${code}`
    } catch (error) {
      return (error as Error).message
    }
  }

  #run(probe: Probe, timeoutMs: number): Promise<Outcome> {
    const { namespace, address, exec } = this.#options
    if (probe.exec) return exec(probe.exec.command ?? [], timeoutMs)
    const seconds = String(timeoutMs / 1000)
    if (probe.httpGet) {
      const { scheme = 'HTTP', host = address, port, path = '/', httpHeaders = [] } = probe.httpGet
      const url = `${scheme.toLowerCase()}://${host}:${this.#port(port)}${path}`
      const headers = httpHeaders.flatMap(({ name, value }) => ['-H', `${name}: ${value}`])
      // Fails from status 400 on, as kubelet does; certificates are not checked, by kubelet neither.
      const curl = ['curl', '-sS', '--fail', '-k', '--noproxy', '*', '-o', '/dev/null', '-m', seconds, ...headers, url]
      return run(curl, { namespace, timeoutMs: timeoutMs + 1_000 })
    }
    if (probe.tcpSocket) {
      const port = this.#port(probe.tcpSocket.port)
      const script = `exec 3<>/dev/tcp/${probe.tcpSocket.host ?? address}/${port}`
      return run(['timeout', seconds, 'bash', '-c', script], { namespace, timeoutMs: timeoutMs + 1_000 })
    }
    throw new Error('the laboratory knows probes by exec, httpGet and tcpSocket')
  }

  #port(port: number | string): number {
    if (typeof port === 'number') return port
    const named = this.#options.spec.ports?.find(({ name }) => name === port)
    if (!named) throw new Error(`container ${this.#options.spec.name} has no port named ${port}`)
    return named.containerPort
  }
}

const initialDelayMs = ({ initialDelaySeconds = 0 }: Probe): number => initialDelaySeconds * 1000
const periodMs = ({ periodSeconds = 10 }: Probe): number => periodSeconds * 1000

// False when the signal aborted meanwhile.
const pause = async (delayMs: number, signal: AbortSignal): Promise<boolean> => {
  await delay(delayMs, undefined, { signal }).catch(() => {})
  return !signal.aborted
}
