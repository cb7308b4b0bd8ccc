// What a network must satisfy before it is carried: a list of small checks. Pure.
import { matchesLabels } from '#crds/names.ts'
import type { NetworkClass } from '#crds/network-class.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { clusterOfMailbox } from './mailboxes.ts'

export type NetworkCandidate = {
  network: VirtualNetwork
  /** `spec.clusters`, or the hub's own. */
  clusters: readonly string[]
  class: NetworkClass | undefined
  namespaceLabels: Record<string, string> | undefined
  /** Why it has no VNI. */
  vniProblem: string | undefined
}

export type Objection = { reason: string; message: string }
export type NetworkPolicy = { reason: string; check: (candidate: NetworkCandidate) => string | undefined }

const classNameOf = ({ network }: NetworkCandidate): string => network.spec.className ?? 'default'

export const networkPolicies: readonly NetworkPolicy[] = [
  {
    reason: 'NamespaceReserved',
    check: ({ network }) =>
      clusterOfMailbox(network.metadata.namespace) === undefined
        ? undefined
        : `namespace ${network.metadata.namespace} is a mailbox of the overlay: create the network in another one`,
  },
  {
    reason: 'NameTooLong',
    // Both make up one label value on slices and projections.
    check: ({ network: { metadata } }) =>
      `${metadata.namespace}.${metadata.name}`.length <= 63
        ? undefined
        : `namespace and name together have more than 62 characters: choose a shorter name`,
  },
  {
    reason: 'ClassNotFound',
    check: (candidate) =>
      candidate.class
        ? undefined
        : `there is no NetworkClass ${classNameOf(candidate)}: ask an administrator for one, or set spec.className`,
  },
  {
    reason: 'NamespaceNotAllowed',
    check: (candidate) => {
      const { class: rules, network, namespaceLabels } = candidate
      const allowed = rules?.spec.allowedNamespaces
      if (!allowed || allowed.names?.includes(network.metadata.namespace ?? '')) return undefined
      if (allowed.matchLabels && matchesLabels(allowed.matchLabels, namespaceLabels)) return undefined
      return `NetworkClass ${classNameOf(candidate)} does not allow namespace ${network.metadata.namespace}: use another class, or ask an administrator`
    },
  },
  {
    reason: 'ClusterNotAllowed',
    check: (candidate) => {
      const allowed = candidate.class?.spec.clusters
      const hubs = candidate.network.spec.topology?.star?.hubs.cluster
      const named = hubs === undefined ? candidate.clusters : [...candidate.clusters, hubs]
      const refused = allowed && named.filter((cluster) => !allowed.includes(cluster))
      return refused && refused.length > 0
        ? `NetworkClass ${classNameOf(candidate)} does not allow cluster ${[...new Set(refused)].join(', ')}: it allows ${allowed.join(', ')}`
        : undefined
    },
  },
  { reason: 'VNIInUse', check: ({ vniProblem }) => vniProblem },
]

/** The first objection, or undefined when the network may be carried. */
export const objectionTo = (candidate: NetworkCandidate): Objection | undefined => {
  for (const { reason, check } of networkPolicies) {
    const message = check(candidate)
    if (message !== undefined) return { reason, message }
  }
  return undefined
}
