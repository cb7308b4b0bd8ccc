// The status of a network from all that is known of it. Pure.
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import type { Condition, ConditionStatement } from '#runtime/conditions.ts'
import { setConditions } from '#runtime/conditions.ts'
import type { EndpointVerdict } from './endpoint-claims.ts'
import type { MailboxRefusals } from './mailbox-refusals.ts'
import { type ClusterView, networkConditions } from './network-conditions.ts'
import type { NetworkDecision } from './network-decision.ts'
import type { NetworkReport } from './overlay-report.ts'

export type NetworkStatus = NonNullable<VirtualNetwork['status']>

export type StatusInput = {
  network: VirtualNetwork
  decision: NetworkDecision
  report: NetworkReport | undefined
  /** Whether publication has reported at all in this term. */
  isReported: boolean
  endpoints: Pick<EndpointVerdict, 'counts' | 'problems'>
  clusters: readonly ClusterView[]
  refusals: ReturnType<MailboxRefusals['of']>
  departure?: ConditionStatement | undefined
  now: string
}

type ClusterEntry = NonNullable<NetworkStatus['clusters']>[number]

const clusterEntry = (view: ClusterView, { report, endpoints }: StatusInput): ClusterEntry => {
  const own = (report?.bridges ?? []).filter(({ cluster, isAccess }) => cluster === view.name && isAccess)
  return {
    name: view.name,
    ready: view.objection === undefined,
    ...(view.objection ? { reason: view.objection.reason, message: view.objection.message.slice(0, 1024) } : {}),
    bridges: own.length,
    programmed: own.filter(({ isProgrammed }) => isProgrammed).length,
    endpoints: endpoints.counts.get(view.name) ?? 0,
  }
}

const numbers = ({ vni, mtuBytes, device }: NetworkDecision): NetworkStatus => ({
  ...(vni === undefined ? {} : { vni }),
  ...(mtuBytes === undefined ? {} : { mtuBytes }),
  bridgeDevice: device,
})

/** The whole status, as it is written in one patch. A new leader says nothing of what it has not looked at yet. */
export const networkStatus = (input: StatusInput): NetworkStatus => {
  const { network, decision, report, isReported, endpoints, clusters, now } = input
  if (!isReported && network.status?.conditions) return { ...network.status, ...numbers(decision) }
  const bridges = report?.bridges ?? []
  const statements = networkConditions(input).map((statement) => ({
    ...statement,
    message: statement.message.slice(0, 4096),
    observedGeneration: network.metadata.generation,
  }))
  const conditions: Condition[] = setConditions(network.status?.conditions ?? [], statements, now)
  return {
    observedGeneration: network.metadata.generation ?? 0,
    ...numbers(decision),
    clusters: clusters.map((view) => clusterEntry(view, input)),
    bridges: bridges.length,
    programmed: bridges.filter(({ isProgrammed }) => isProgrammed).length,
    endpoints: [...endpoints.counts.values()].reduce((sum, count) => sum + count, 0),
    ...(report?.currentRevision ? { currentRevision: report.currentRevision } : {}),
    ...(report?.previousRevision ? { previousRevision: report.previousRevision } : {}),
    conditions,
  }
}
