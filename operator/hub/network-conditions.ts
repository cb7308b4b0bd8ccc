// What holds of a network, and what is missing, in words. Pure.
import type { ConditionStatement } from '#runtime/conditions.ts'
import type { EndpointProblem } from './endpoint-claims.ts'
import { MTU_WAIT_MS } from './mtu-wait.ts'
import type { NetworkDecision } from './network-decision.ts'
import type { Objection } from './network-policies.ts'
import type { BridgeProgress, NetworkReport } from './overlay-report.ts'
import { listNames } from './progress.ts'

export type ClusterView = {
  name: string
  isConnected: boolean
  /** Why VMs of the cluster cannot use the network: from the hub's view, or as the member reports. */
  objection: Objection | undefined
}

export type ConditionInput = {
  decision: NetworkDecision
  report: NetworkReport | undefined
  endpoints: { problems: readonly EndpointProblem[] }
  clusters: readonly ClusterView[]
  /** Mailboxes that do not take what the network needs in them. */
  refusals: readonly { cluster: string; message: string }[]
  /** Condition of a network that is being deleted; it works as long as VMs use it. */
  departure?: ConditionStatement | undefined
}

const holds = (type: string, reason: string, message: string): ConditionStatement => ({
  type,
  status: 'True',
  reason,
  message,
})
const fails = (type: string, reason: string, message: string): ConditionStatement => ({
  type,
  status: 'False',
  reason,
  message,
})

const accepted = ({ decision: { objection }, report }: ConditionInput): ConditionStatement => {
  if (!objection) return holds('Accepted', 'Accepted', 'the network may be carried')
  const rest = report ? `; it goes on as revision ${report.currentRevision}` : ''
  return fails('Accepted', objection.reason, `${objection.message}${rest}`)
}

/** Bridges of which programming can be expected: those of a cluster that is down degrade it alone. */
const expected = ({ report, clusters }: ConditionInput): BridgeProgress[] => {
  const connected = new Set(clusters.filter(({ isConnected }) => isConnected).map(({ name }) => name))
  return (report?.bridges ?? []).filter(
    ({ isReady, cluster, isAccess }) => isReady && (!isAccess || connected.has(cluster)),
  )
}

/** What a network without an MTU waits for. */
const awaitingMtu = ({ silent: { clusters, mtuBytesOfOthers } }: NetworkDecision): ConditionStatement => {
  const names = `no node of ${listNames(clusters)} has reported what its underlay carries, though the cluster is connected`
  const wait = mtuBytesOfOthers === undefined ? '' : `; in ${MTU_WAIT_MS / 1000} s the MTU is taken from the others`
  const advice = 'see to the agents there, or create the network again with spec.mtu'
  return fails('Programmed', 'AwaitingMTU', `${names}: ${advice}${wait}`)
}

const programmed = (input: ConditionInput): ConditionStatement => {
  const { report, decision } = input
  if (decision.mtuBytes === undefined && decision.silent.clusters.length > 0) return awaitingMtu(decision)
  if (!report || decision.mtuBytes === undefined)
    return fails('Programmed', 'AwaitingBridges', 'no bridge of its clusters has reported its address and MTU yet')
  const bridges = expected(input)
  const missing = bridges.filter(({ isProgrammed }) => !isProgrammed)
  const [problem] = report.problems
  if (report.bridges.length === 0 && problem) return fails('Programmed', problem.reason, problem.message)
  if (bridges.length === 0) return fails('Programmed', 'NoBridges', 'no bridge of its clusters is ready')
  if (missing.length === 0) return holds('Programmed', 'Programmed', `all ${bridges.length} bridges have programmed it`)
  const names = missing.map(({ bridge, problem }) => `${bridge} (${problem})`)
  return fails('Programmed', 'BridgesNotProgrammed', `${missing.length} of ${bridges.length}: ${listNames(names)}`)
}

const connected = ({ report }: ConditionInput): ConditionStatement => {
  const [largest = [], ...others] = report?.components ?? []
  if (others.length === 0) return holds('Connected', 'Connected', `${largest.length} bridges reach each other`)
  const advice = 'add OverlayLinks between the groups, or choose topology.type Mesh or Star'
  const names = others.map((group) => `[${listNames(group)}]`)
  return fails('Connected', 'Split', `${listNames(names)} cannot reach the other ${largest.length} bridges: ${advice}`)
}

/** All that is not as it should be while the rest works; each with its reason. */
const defects = ({ report, endpoints, clusters, refusals }: ConditionInput): Objection[] => {
  const down = clusters.filter(({ isConnected }) => !isConnected).map(({ name }) => name)
  const silent = (report?.bridges ?? []).filter(({ isReady, cluster }) => !isReady && !down.includes(cluster))
  const list = (reason: string, names: readonly string[]): Objection[] =>
    names.length > 0 ? [{ reason, message: listNames(names) }] : []
  return [
    ...list('ClustersNotConnected', down),
    ...list(
      'BridgesNotReady',
      silent.map(({ bridge, problem }) => `${bridge} (${problem})`),
    ),
    ...list(
      'MailboxRefused',
      refusals.map(({ cluster, message }) => `${cluster} (${message})`),
    ),
    ...(report?.problems ?? []),
    ...(['DuplicateMAC', 'EndpointRefused', 'SliceRefused', 'LimitExceeded'] as const).flatMap((reason) =>
      list(
        reason,
        endpoints.problems.filter((problem) => problem.reason === reason).map(({ message }) => message),
      ),
    ),
    ...list(
      'DrainBlocked',
      (report?.draining ?? []).filter((bridge) => silent.some((each) => each.bridge === bridge)),
    ),
  ]
}

const degraded = (input: ConditionInput): ConditionStatement => {
  const found = defects(input)
  const [first] = found
  if (!first) return fails('Degraded', 'AsExpected', 'nothing is wrong')
  return holds('Degraded', first.reason, found.map(({ reason, message }) => `${reason}: ${message}`).join('; '))
}

const clustersReady = ({ clusters }: ConditionInput): ConditionStatement | undefined => {
  const waiting = clusters.filter(({ isConnected, objection }) => isConnected && objection)
  if (clusters.every(({ isConnected }) => !isConnected))
    return fails(
      'Ready',
      'ClustersNotConnected',
      `no cluster of the network is connected: ${listNames(clusters.map(({ name }) => name))}`,
    )
  if (waiting.length === 0) return undefined
  const words = waiting.map(({ name, objection }) => `${name}: ${objection?.reason}: ${objection?.message}`)
  return fails('Ready', waiting[0]?.objection?.reason ?? 'ClustersNotReady', listNames(words))
}

/** All conditions of a network; `Ready` says that VMs of every cluster that is connected can use it. */
export const networkConditions = (input: ConditionInput): ConditionStatement[] => {
  const parts = [accepted(input), programmed(input), connected(input)]
  const missing = parts.find(({ status }) => status !== 'True') ?? clustersReady(input)
  const { departure, report, clusters } = input
  const whole = departure
    ? holds('Ready', departure.reason, `being deleted: ${departure.message}`)
    : holds('Ready', 'Ready', `${report?.bridges.length ?? 0} bridges in ${clusters.length} clusters`)
  const ready = missing ? { ...missing, type: 'Ready' } : whole
  return [ready, ...parts, degraded(input), ...(departure ? [departure] : [])]
}
