import type { NodeBridge } from '#crds/node-bridge.ts'
import { exponentialBackoff } from '#runtime/backoff.ts'
import type { Clock } from '#runtime/clock.ts'
import { Controller, interval } from '#runtime/controller.ts'
import type { EventRecorder } from '#runtime/events.ts'
import type { Logger } from '#runtime/logging.ts'
import type { Metrics } from '#runtime/metrics.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import { runAll } from '#runtime/run-all.ts'
import { nodeStatus, type Outcome, type StatusDraft } from '../desired/node-status.ts'
import type { CniResults } from '../kernel/cni-results.ts'
import { monitorLinks } from '../kernel/link-monitor.ts'
import type { AgentMetrics } from './agent-metrics.ts'
import type { Instructions } from './instructions.ts'
import type { Reconciler } from './reconcile.ts'
import type { StatusWriter } from './status-writer.ts'

export type AgentOptions = {
  instructions: Instructions
  reconciler: Reconciler
  statusWriter: StatusWriter
  results: CniResults
  agentMetrics: AgentMetrics
  events: Pick<EventRecorder, 'record'>
  current: () => NodeBridge | undefined
  clock: Clock
  logger: Logger
  metrics: Metrics
}

const REQUEST = 'node'
/** Everything is looked at again, whatever was or was not reported. */
const RESYNC_MS = 30_000
/** Events come in bursts: a new VM alone makes a dozen. On a node where they never end, reconciles are a second apart. */
const SETTLE_MS = 20
const BUSY_SETTLE_MS = 1_000
const BUSY_WINDOW_MS = 10_000
const BUSY_RECONCILES = 20
const RETRY_MS = 5_000
const STALLED_MS = 180_000

/** The loop of the node: one request, one worker, whoever asks for it. */
export class Agent {
  readonly #options: AgentOptions
  readonly #controller: Controller
  readonly #startedMs: number
  #finishedMs: number | undefined
  #known = new Set<string>()
  #missing = ''
  #isPending = false
  #recentMs: number[] = []

  constructor(options: AgentOptions) {
    this.#options = options
    this.#startedMs = options.clock.monotonicMs()
    this.#controller = new Controller({
      name: 'agent.node',
      sources: [interval(RESYNC_MS, REQUEST)],
      reconcile: (_, { log }) => this.#reconcile(log),
      backoff: exponentialBackoff({ baseMs: 200, maxMs: RESYNC_MS }),
      ...options,
    })
  }

  /** Something changed somewhere. */
  trigger = (): void => {
    if (this.#isPending) return
    this.#isPending = true
    this.#options.clock.setTimeout(() => {
      this.#isPending = false
      this.#controller.enqueue(REQUEST)
    }, this.#settleMs())
  }

  #settleMs(): number {
    const nowMs = this.#options.clock.monotonicMs()
    this.#recentMs = [...this.#recentMs.filter((atMs) => nowMs - atMs < BUSY_WINDOW_MS), nowMs]
    return this.#recentMs.length > BUSY_RECONCILES ? BUSY_SETTLE_MS : SETTLE_MS
  }

  /** For readiness: the node was looked at, and has what is needed. */
  get readiness(): true | string {
    if (this.#finishedMs === undefined) return 'the first reconcile has not ended'
    return this.#missing === '' || this.#missing
  }

  /** For liveness: the loop moves. */
  get liveness(): true | string {
    const idleMs = this.#options.clock.monotonicMs() - (this.#finishedMs ?? this.#startedMs)
    return idleMs < STALLED_MS || `no reconcile has ended for ${Math.round(idleMs / 1000)} s`
  }

  async run(signal: AbortSignal): Promise<void> {
    const { results, statusWriter, clock, logger } = this.#options
    try {
      await runAll(signal, {
        'link monitor': (stop) => monitorLinks({ onChange: this.trigger, clock, logger }, stop),
        controller: (stop) => this.#controller.run(stop),
      })
    } finally {
      results.close()
      await statusWriter.close()
    }
  }

  async #reconcile(log: Logger): Promise<{ requeueAfterMs?: number }> {
    const { instructions, reconciler, results, statusWriter, agentMetrics } = this.#options
    results.watch(this.trigger)
    const outcome = await reconciler.reconcile(instructions.read(), log)
    const draft = nodeStatus(outcome)
    statusWriter.report(draft)
    agentMetrics.observe(outcome, draft)
    this.#tell(draft, log)
    this.#missing = outcome.missing.map(({ message }) => message).join('; ')
    this.#finishedMs = this.#options.clock.monotonicMs()
    return isUnfinished(outcome) ? { requeueAfterMs: RETRY_MS } : {}
  }

  /** A problem is news once, when it appears. */
  #tell({ fields }: StatusDraft, log: Logger): void {
    const problems = fields.problems ?? []
    const object = this.#options.current()
    for (const { subject, reason, message } of problems) {
      if (this.#known.has(`${subject} ${reason}`)) continue
      log.warn({ reason, subject }, message)
      if (!object) continue
      const news = { type: 'Warning', reason, action: 'Programming', note: `${subject}: ${message}` } as const
      this.#options.events.record({ resource: NodeBridges, regarding: object, ...news })
    }
    this.#known = new Set(problems.map(({ subject, reason }) => `${subject} ${reason}`))
  }
}

const isUnfinished = ({ programmed, missing, unreadable }: Outcome): boolean =>
  missing.length > 0 || unreadable !== undefined || (programmed?.failures.length ?? 0) > 0
