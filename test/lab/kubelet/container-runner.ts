import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { exponentialBackoff } from '#runtime/backoff.ts'
import type { Pod } from '#runtime/resources.ts'
import { type Outcome, run } from '../processes.ts'
import { Program } from '../program.ts'
import { type ContainerRecord, newRecord, running, terminated, waiting } from './container-state.ts'
import { type ContainerSpec, containerEnvironment } from './environment.ts'
import { launchArguments } from './launch-arguments.ts'
import type { NodeContext } from './node-context.ts'
import type { PodPlace } from './pod-fields.ts'
import { Prober } from './prober.ts'
import type { PodVolumes } from './volumes.ts'

export type RunnerOptions = {
  context: NodeContext
  /** The newest version of the pod. */
  pod: () => Pod
  spec: ContainerSpec
  place: PodPlace
  volumes: PodVolumes
  /** Network namespace of the pod. */
  namespace: string
  /** Folder of the pod on this machine. */
  folder: string
  restart: 'Always' | 'OnFailure' | 'Never'
  /** Restarts that the pod's status counted before this kubelet took it over. */
  restartCount: number
  onChange: () => void
}

// The first restart comes at once, as kubelet's does; the others sooner than kubelet's 10 s to 5 min, for tests to see them.
const backoff = exponentialBackoff({ baseMs: 1_000, maxMs: 30_000 })
const forgetFailuresMs = 60_000

/** Runs one container of a pod: starts it, probes it, starts it again as the restart policy says. */
export class ContainerRunner {
  readonly record: ContainerRecord
  readonly #options: RunnerOptions
  readonly #folder: string
  readonly #stopping = new AbortController()
  #program: Program | undefined
  #environment: Record<string, string> = {}

  constructor(options: RunnerOptions) {
    const { spec, folder, restartCount } = options
    this.#options = options
    this.#folder = join(folder, 'containers', spec.name)
    this.record = newRecord(spec.name, spec.image ?? '', restartCount)
    mkdirSync(join(this.#folder, 'scratch'), { recursive: true })
  }

  get logFile(): string {
    return join(this.#folder, 'log')
  }

  /** Resolves when the container ended for good: exit code of its last run. */
  async run(): Promise<number> {
    const { signal } = this.#stopping
    let failures = 0
    for (;;) {
      const startedMs = performance.now()
      const code = await this.#runOnce()
      const again = code === undefined || this.#restarts(code)
      if (!again || signal.aborted) return code ?? 137
      failures = performance.now() - startedMs > forgetFailuresMs ? 1 : failures + 1
      if (failures > 1 || code === undefined) {
        if (code !== undefined)
          this.#set({ state: waiting('CrashLoopBackOff', `back-off restarting ${this.record.name}`) })
        await delay(backoff(failures), undefined, { signal }).catch(() => {})
        if (signal.aborted) return code ?? 137
      }
      if (code !== undefined) this.#set({ restartCount: this.record.restartCount + 1 })
    }
  }

  /** preStop, SIGTERM, and SIGKILL when the grace is over. The container does not start again. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    const program = this.#program
    if (!program || program.result) return
    const deadlineMs = performance.now() + graceMs
    const command = this.#options.spec.lifecycle?.preStop?.exec?.command
    if (command && graceMs > 0) await this.exec(command, { timeoutMs: graceMs }).catch(() => {})
    await this.#end(program, deadlineMs - performance.now())
  }

  /** kill -9. The restart policy applies. */
  kill(): void {
    this.#program?.kill('SIGKILL')
  }

  /** Runs a program inside the container. */
  exec(argv: readonly string[], { timeoutMs }: { timeoutMs?: number } = {}): Promise<Outcome> {
    return run([...this.enterArguments(), ...argv], { env: this.#environment, timeoutMs })
  }

  /** The words before a program's own that run it inside the container. */
  enterArguments(): string[] {
    const pidFile = join(this.#folder, 'pid')
    if (!this.record.state.running || !existsSync(pidFile)) {
      throw new Error(`container ${this.record.name} of ${this.#options.pod().metadata?.name} does not run`)
    }
    const pid = readFileSync(pidFile, 'utf8').trim()
    const hostPid = this.#options.pod().spec?.hostPID === true
    const enter = ['nsenter', '-t', pid, '-m', '-n', ...(hostPid ? [] : ['-p']), '-w', '--']
    // To enter a pid namespace nsenter forks: ending nsenter must end the program.
    return [...enter, 'setpriv', '--pdeathsig', 'KILL', '--']
  }

  get environment(): Record<string, string> {
    return this.#environment
  }

  // Exit code, or undefined when it could not be started.
  async #runOnce(): Promise<number | undefined> {
    const program = await this.#start()
    if (!program) return undefined
    this.#program = program
    const containerID = `lab://${program.pid}-${Date.now().toString(36)}`
    this.#set({ state: running(), containerID, started: false, ready: false })
    if (this.#stopping.signal.aborted) void this.#end(program, 0)
    const ended = new AbortController()
    const probing = this.#attend(program, ended.signal)
    const { code } = await program.ended
    ended.abort()
    await probing
    const state = terminated(code, this.record.state, containerID)
    this.#set({ state, lastState: this.#restarts(code) ? state : {}, ready: false, started: false })
    return code
  }

  async #start(): Promise<Program | undefined> {
    const { context, spec, pod, place } = this.#options
    try {
      const image = context.images.resolve(spec)
      this.record.imageID = image.imageID
      const sources = { client: context.client, pod: pod(), place, apiPort: context.apiPort }
      this.#environment = await containerEnvironment(spec, image.environment, sources)
      rmSync(join(this.#folder, 'pid'), { force: true })
      const argv = launchArguments({ ...this.#options, folder: this.#folder, pod: pod(), image })
      return new Program(context.state, { argv, env: this.#environment, logFile: this.logFile })
    } catch (error) {
      const message = (error as Error).message
      const reason = message.startsWith('no program stands for image') ? 'ErrImagePull' : 'CreateContainerConfigError'
      this.#set({ state: waiting(reason, message) })
      return undefined
    }
  }

  // postStart and the probes, while the program runs.
  async #attend(program: Program, signal: AbortSignal): Promise<void> {
    const { spec, namespace, place, context } = this.#options
    const command = spec.lifecycle?.postStart?.exec?.command
    if (command) {
      const { code, stderr } = await this.exec(command).catch((error: Error) => ({ code: 1, stderr: error.message }))
      if (code !== 0) {
        context.report(`postStart of ${this.record.name} failed: ${stderr}`)
        return void (await this.#end(program, this.#graceMs()))
      }
    }
    const prober = new Prober({
      spec,
      namespace,
      address: place.podIPs[0] ?? '127.0.0.1',
      exec: (argv, timeoutMs) => this.exec(argv, { timeoutMs }),
      onReady: (ready) => this.#set({ ready }),
      onStarted: () => this.#set({ started: true }),
      onDead: async (why) => {
        context.report(`${this.record.name} of ${this.#options.pod().metadata?.name} is restarted: ${why}`)
        await this.#end(program, this.#graceMs())
      },
    })
    await prober.run(signal)
  }

  async #end(program: Program, graceMs: number): Promise<void> {
    if (graceMs > 0) await program.stop(graceMs)
    else program.kill('SIGKILL')
    await program.ended
  }

  #graceMs(): number {
    return (this.#options.pod().spec?.terminationGracePeriodSeconds ?? 30) * 1000
  }

  #restarts(code: number): boolean {
    if (this.#stopping.signal.aborted) return false
    const { restart } = this.#options
    return restart === 'Always' || (restart === 'OnFailure' && code !== 0)
  }

  #set(change: Partial<ContainerRecord>): void {
    Object.assign(this.record, change)
    this.#options.onChange()
  }
}
