import type { BridgePort, BridgeProblem, NodeBridgeSpec, NodeBridgeStatus } from '#crds/node-bridge.ts'
import type { Refusal } from './accept-spec.ts'
import type { DesiredState, NodeFacts } from './desired-state.ts'
import type { OperationType } from './operation.ts'
import type { TableName } from './tables.ts'
import { INLET_SUBJECT } from './tunnel.ts'

/** Reason of a step that was not tried, since another failed that it needs: a consequence, which is not listed. */
export const HELD_BACK = 'HeldBack'

/** A step that failed. `name`: by which others need it (`stepOf`). */
export type Failure = { readonly type: OperationType; readonly name?: string; readonly problem: BridgeProblem }

/** What one reconcile came to. */
export type Outcome = {
  readonly facts: NodeFacts
  readonly kernelVersion: string
  readonly agentVersion: string
  readonly epoch: number
  readonly overlayUID: string
  /** What a kernel lacks, or privileges; then nothing was programmed. */
  readonly missing: readonly BridgeProblem[]
  /** What is amiss on the node, but stops nothing. */
  readonly hints: readonly BridgeProblem[]
  /** Why the newest spec is not carried out. */
  readonly refusal: Refusal | undefined
  /** The kernel could not be read. */
  readonly unreadable: BridgeProblem | undefined
  /** The spec in force, what it asks for, and what stood in the way; absent before the first one. */
  readonly programmed:
    | {
        readonly spec: NodeBridgeSpec
        readonly desired: DesiredState
        readonly problems: readonly BridgeProblem[]
        readonly failures: readonly Failure[]
      }
    | undefined
}

export type Statement = { type: string; status: 'True' | 'False' | 'Unknown'; reason: string; message: string }
/** The status but for its conditions, which need the time. */
export type StatusDraft = { readonly fields: Omit<NodeBridgeStatus, 'conditions'>; readonly conditions: Statement[] }

const MAX_PROBLEMS = 10
const MAX_MESSAGE = 1024

/** Steps on which other nodes rely: what may be sent to this one, and what it sends on. A failure elsewhere harms local VMs alone. */
const forwardingSteps: ReadonlySet<OperationType> = new Set([
  'LoadPrograms',
  'CreateTunnel',
  'ConfigureTunnel',
  'PutEntry',
  'DeleteEntry',
])

/** What a local VM alone depends on: an entry that fails there must not keep the hub from counting on the node. */
const localTables: ReadonlySet<string> = new Set(['ports', 'macs', 'network_ports'] satisfies TableName[])
/** What may fail without harm to others. */
const isLocal = (subject: string): boolean => localTables.has(subject) || subject === INLET_SUBJECT

/** Whether the whole spec is in the maps, so that the hub may count on it. */
const isForwarding = ({ problems, failures }: NonNullable<Outcome['programmed']>): boolean =>
  !failures.some(
    ({ type, problem }) => (forwardingSteps.has(type) && !isLocal(problem.subject)) || problem.subject === 'tunnel',
  ) &&
  // A link that cannot be used is that neighbour's loss: one bad address must not keep a node from acknowledging.
  !problems.some(({ subject, reason }) => subject === 'tunnel' || reason === 'TooManyBranches')

/** One problem for each subject: the first cause, not what followed from it. */
const firstCauses = (problems: readonly BridgeProblem[]): BridgeProblem[] =>
  [...new Map(problems.toReversed().map((problem) => [problem.subject, problem])).values()].toReversed()

const shortened = (problem: BridgeProblem): BridgeProblem => ({
  ...problem,
  subject: problem.subject.slice(0, 320),
  message: problem.message.slice(0, MAX_MESSAGE),
})

const noUnderlay: BridgeProblem = {
  subject: 'underlay',
  reason: 'NoUnderlay',
  message: "no interface that leads to other nodes has the node's address; name one with --underlay-interface",
}

const problemsOf = ({ missing, hints, programmed, unreadable, facts }: Outcome): BridgeProblem[] =>
  firstCauses([
    ...missing,
    ...(facts.underlayDevice ? [] : [noUnderlay]),
    ...(unreadable ? [unreadable] : []),
    ...hints,
    ...(programmed ? [...programmed.problems, ...programmed.failures.map(({ problem }) => problem)] : []).filter(
      ({ reason }) => reason !== HELD_BACK,
    ),
  ]).map(shortened)

const preflight = ({ missing }: Outcome): Statement => ({
  type: 'Preflight',
  status: missing.length === 0 ? 'True' : 'False',
  reason: missing[0]?.reason ?? 'Passed',
  message: missing.map(({ message }) => message).join('; ') || 'the kernel has all that is needed',
})

const programmedCondition = ({ refusal, programmed, missing, unreadable }: Outcome): Statement => {
  const type = 'Programmed'
  if (missing.length > 0)
    return { type, status: 'False', reason: 'PreflightFailed', message: 'see the condition Preflight' }
  if (refusal) {
    const status = refusal.reason === 'WaitingForHub' ? 'Unknown' : 'False'
    return { type, status, ...refusal }
  }
  if (unreadable) return { type, status: 'Unknown', reason: unreadable.reason, message: unreadable.message }
  if (!programmed) return { type, status: 'Unknown', reason: 'WaitingForHub', message: 'no spec has been read yet' }
  const serial = programmed.spec.serial ?? 0
  if (isForwarding(programmed))
    return { type, status: 'True', reason: 'Programmed', message: `serial ${serial} is in the kernel` }
  const failed = [...programmed.failures.map(({ problem }) => problem), ...programmed.problems]
  return {
    type,
    status: 'False',
    reason: 'OperationFailed',
    message: `serial ${serial} is not complete in the kernel: ${failed[0]?.message ?? ''}`.slice(0, MAX_MESSAGE),
  }
}

const degraded = (problems: readonly BridgeProblem[]): Statement => {
  const [first] = problems
  if (!first) return { type: 'Degraded', status: 'False', reason: 'NoProblem', message: 'nothing is in the way' }
  const message = problems.map(({ subject, message: text }) => `${subject}: ${text}`).join('; ')
  return { type: 'Degraded', status: 'True', reason: first.reason, message: message.slice(0, MAX_MESSAGE) }
}

const ready = (parts: readonly Statement[]): Statement => {
  const failing = parts.find(({ status }) => status !== 'True')
  if (!failing) return { type: 'Ready', status: 'True', reason: 'Programmed', message: 'the node carries its networks' }
  return { ...failing, type: 'Ready' }
}

/** What was decided for a port is not what the kernel does, when a step of it failed. */
const asProgrammed = (port: BridgePort, { desired, failures }: NonNullable<Outcome['programmed']>): BridgePort => {
  const steps = desired.portSteps.get(port.device) ?? []
  const isDone = !failures.some(({ name }) => name !== undefined && steps.includes(name))
  return isDone || port.state === 'Closed' ? port : { ...port, state: 'Closed', reason: 'NotProgrammed' }
}

const programmedFields = ({ programmed }: Outcome, problems: readonly BridgeProblem[]) => {
  if (!programmed) return {}
  const { spec, desired } = programmed
  const failing = new Set(problems.map(({ subject }) => subject))
  const complete = isForwarding(programmed)
  const networks = (spec.networks ?? [])
    .filter(({ name }) => complete && !failing.has(name))
    .map(({ name, vni, revision }) => ({ name, vni, revision }))
  const { receive } = desired
  const { isOn, reason, message } = desired.fastPath
  const state = isOn ? ('On' as const) : ('Off' as const)
  return {
    fastPath: { state, reason, message: message.slice(0, MAX_MESSAGE), receive },
    ...(complete && spec.serial !== undefined
      ? { programmedSerial: spec.serial, programmedEpoch: spec.epoch ?? 0 }
      : {}),
    networks,
    ports: desired.ports.slice(0, 1024).map((port) => asProgrammed(port, programmed)),
  }
}

/** What the node says of itself. */
export const nodeStatus = (outcome: Outcome): StatusDraft => {
  const { facts, epoch, overlayUID, kernelVersion, agentVersion } = outcome
  const problems = problemsOf(outcome)
  const parts = [preflight(outcome), programmedCondition(outcome)]
  return {
    fields: {
      ...programmedFields(outcome, problems),
      ...(overlayUID ? { epoch, overlayUID } : {}),
      ...(facts.nodeUID ? { nodeUID: facts.nodeUID } : {}),
      addresses: facts.addresses.slice(0, 8),
      ...(facts.underlayDevice
        ? { underlayDevice: facts.underlayDevice, underlayMTUBytes: facts.underlayMTUBytes }
        : {}),
      kernelVersion,
      agentVersion,
      capabilities: ['VXLAN', ...(facts.addresses.some((address) => address.includes(':')) ? ['IPv6'] : [])],
      problems: problems.slice(0, MAX_PROBLEMS),
    },
    conditions: [ready(parts), ...parts, degraded(problems)],
  }
}
