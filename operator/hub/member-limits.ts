// How much of the hub one member may take: what it claims beyond that costs others nothing. Pure.
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { ConditionStatement } from '#runtime/conditions.ts'

/** Endpoint slices in one mailbox, own ones and copies of others'. */
export const MOST_SLICES = 10_000
const DEFAULT_BRIDGES = 1000

export const bridgeLimitOf = ({ spec }: MemberCluster): number => spec?.limits?.bridges ?? DEFAULT_BRIDGES

const rankOf = ({ metadata, spec }: NodeBridge): string =>
  `${spec?.serial === undefined ? 1 : 0} ${metadata.creationTimestamp ?? ''} ${metadata.name}`

export type CountedBridges = { counted: readonly NodeBridge[]; ignored: readonly NodeBridge[] }

/** The bridges of a member that the hub works with: those that it has served before, then who came first. */
export const countBridges = (bridges: readonly NodeBridge[], limit: number): CountedBridges => {
  if (bridges.length <= limit) return { counted: bridges, ignored: [] }
  const ranked = bridges
    .map((bridge) => ({ bridge, rank: rankOf(bridge) }))
    .sort((left, right) => (left.rank < right.rank ? -1 : 1))
    .map(({ bridge }) => bridge)
  return { counted: ranked.slice(0, limit), ignored: ranked.slice(limit) }
}

/** Whether a member asks for more than it may. */
export const memberDegraded = (
  cluster: MemberCluster,
  { ignored }: CountedBridges,
  slices: number,
): ConditionStatement => {
  const [first] = ignored
  const problems = [
    ...(first
      ? [
          `spec.limits.bridges is ${bridgeLimitOf(cluster)}, and ${ignored.length} NodeBridges more are ignored, the first is ${first.metadata.name}: raise it, or join with fewer nodes`,
        ]
      : []),
    ...(slices >= MOST_SLICES
      ? [
          `the mailbox holds ${slices} NetworkEndpointSlices, as many as it may: let fewer networks name the cluster in spec.clusters`,
        ]
      : []),
  ]
  return problems.length > 0
    ? { type: 'Degraded', status: 'True', reason: 'LimitExceeded', message: problems.join('; ') }
    : { type: 'Degraded', status: 'False', reason: 'AsExpected', message: 'nothing is wrong' }
}
