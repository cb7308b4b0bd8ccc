import { expandLinkSets } from '#crds/link-sets.ts'
import type { BridgeProblem, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { sha256 } from '#runtime/digest.ts'
import type { Logger } from '#runtime/logging.ts'
import { clusterOfBridge, gatherClaims } from '../desired/claims.ts'
import { type DesiredState, desiredState, type NodeFacts } from '../desired/desired-state.ts'
import { diff } from '../desired/diff.ts'
import type { FastPathMode } from '../desired/fast-path.ts'
import type { Outcome } from '../desired/node-status.ts'
import type { Interface } from '../desired/observed-state.ts'
import { describeOperation, type Operation } from '../desired/operation.ts'
import type { CniResults } from '../kernel/cni-results.ts'
import type { Kernel } from '../kernel/node-kernel.ts'
import { applyAll, type FailedStep } from './apply.ts'
import type { InForce } from './instructions.ts'

export type ReconcilerOptions = {
  kernel: Kernel
  /** Digest of the eBPF object that this agent brings. */
  programs: string
  results: Pick<CniResults, 'read'>
  /** What is amiss, but stops nothing. */
  hints: () => readonly BridgeProblem[]
  preflight: () => Promise<BridgeProblem[]>
  facts: (interfaces: readonly Interface[], nodeUID: string) => Promise<NodeFacts>
  /** In place of the UDP port that NodeBridge names. */
  udpPort: number | undefined
  fastPath: FastPathMode
  kernelVersion: string
  agentVersion: string
}

type Programmed = NonNullable<Outcome['programmed']>

/** A new device gets its number from the kernel, and the maps hold that number: two rounds, and one to see that nothing is left. */
const MAX_PASSES = 4

/** Observe → diff → apply, until nothing is left to do or only what failed. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #expanded = new WeakMap<NodeBridgeSpec, NodeBridgeSpec>()
  #isFit = false
  #facts: NodeFacts = { nodeUID: '', underlayDevice: '', underlayMTUBytes: 0, addresses: [] }

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  async reconcile(inForce: InForce, logger: Logger): Promise<Outcome> {
    const { kernelVersion, agentVersion } = this.#options
    const missing = await this.#preflight()
    const { identity, refusal } = inForce
    const unreadable = await this.#readFacts(identity.nodeUID, logger)
    const facts = { ...this.#facts, nodeUID: identity.nodeUID }
    const { epoch, overlayUID } = identity
    const hints = this.#options.hints()
    const outcome = { facts, kernelVersion, agentVersion, epoch, overlayUID, missing, hints, refusal, unreadable }
    if (unreadable || missing.length > 0 || !inForce.spec) return { ...outcome, programmed: undefined }
    try {
      return { ...outcome, programmed: await this.#program(inForce, facts, logger) }
    } catch (error) {
      return { ...outcome, unreadable: observationFailed(error, logger), programmed: undefined }
    }
  }

  /** Gives back what is in the way: then the last facts stay, for the hub, which wants to hear of a node that can do nothing. */
  async #readFacts(nodeUID: string, logger: Logger): Promise<BridgeProblem | undefined> {
    const { kernel, facts } = this.#options
    try {
      this.#facts = await facts(await kernel.interfaces(), nodeUID)
      return undefined
    } catch (error) {
      return observationFailed(error, logger)
    }
  }

  /** Asked until it passes; a kernel does not lose what it had. */
  async #preflight(): Promise<BridgeProblem[]> {
    if (this.#isFit) return []
    const missing = await this.#options.preflight()
    this.#isFit = missing.length === 0
    return missing
  }

  /** The same networks for the same spec: what was made of them is not made anew. */
  #expand(spec: NodeBridgeSpec): NodeBridgeSpec {
    const known = this.#expanded.get(spec) ?? expandLinkSets(spec)
    this.#expanded.set(spec, known)
    return known
  }

  async #program({ spec: accepted, slices }: InForce, facts: NodeFacts, logger: Logger): Promise<Programmed> {
    const { kernel, results, programs, udpPort, fastPath } = this.#options
    const spec = { ...this.#expand(accepted ?? {}), ...(udpPort === undefined ? {} : { udpPort }) }
    const claims = gatherClaims(slices, clusterOfBridge(spec.bridge))
    const { attachments, failures: unreadable } = results.read()
    for (const problem of unreadable) logger.warn({ reason: problem }, 'a CNI result cannot be used')
    const want = async (): Promise<{ desired: DesiredState; difference: ReturnType<typeof diff> }> => {
      const observed = await kernel.observe()
      const desired = desiredState({ spec, claims, attachments, facts, observed, programs, fastPath, digest: sha256 })
      return { desired, difference: diff(desired, observed) }
    }
    let failures: FailedStep[] = []
    for (let pass = 1; ; pass++) {
      const { desired, difference } = await want()
      const failed = new Set(failures.map(({ step }) => step))
      const next = difference.operations.filter((operation) => !failed.has(describeOperation(operation)))
      if (next.length === 0 || pass > MAX_PASSES) {
        // Programmed is what the kernel shows, not what was attempted.
        const left = new Set(difference.operations.map(describeOperation))
        const unfinished = failures.filter(({ step }) => left.has(step))
        return { spec, desired, problems: difference.problems, failures: [...unfinished, ...next.map(undone)] }
      }
      failures = [...failures, ...(await applyAll(kernel, next, logger, failures))]
    }
  }
}

const observationFailed = (error: unknown, logger: Logger): BridgeProblem => {
  logger.error({ err: error }, 'the kernel could not be read')
  const message = error instanceof Error ? error.message : String(error)
  return { subject: 'kernel', reason: 'ObservationFailed', message }
}

/** Done several times, and not so in the kernel: somebody else undoes it. */
const undone = (operation: Operation): FailedStep => ({
  type: operation.type,
  step: describeOperation(operation),
  problem: {
    subject: operation.subject,
    reason: 'NotLasting',
    message: `${describeOperation(operation)}: done, but undone again; look for another program that manages this interface or map`,
  },
})
