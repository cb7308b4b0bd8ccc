// What a network must satisfy before it is carried: a list of small checks. Pure.
import { matchesLabels } from '#crds/names.ts'
import type { NetworkClass } from '#crds/network-class.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { classNameOf } from './network-index.ts'

export type NetworkCandidate = {
  network: VirtualNetwork
  /** `spec.clusters`, or the hub's own. */
  clusters: readonly string[]
  class: NetworkClass | undefined
  namespaceLabels: Record<string, string> | undefined
  /** Networks of its namespace and class that came before. */
  older: number
  /** Why it has no VNI. */
  vniProblem: string | undefined
}

export type Objection = { reason: string; message: string }
export type NetworkPolicy = { reason: string; check: (candidate: NetworkCandidate) => string | undefined }

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
        : `there is no NetworkClass ${classNameOf(candidate.network)}: ask an administrator for one, or set spec.className`,
  },
  {
    reason: 'NamespaceNotAllowed',
    check: (candidate) => {
      const { class: rules, network, namespaceLabels } = candidate
      const allowed = rules?.spec.allowedNamespaces
      if (!allowed || allowed.names?.includes(network.metadata.namespace ?? '')) return undefined
      if (allowed.matchLabels && matchesLabels(allowed.matchLabels, namespaceLabels)) return undefined
      return `NetworkClass ${classNameOf(candidate.network)} does not allow namespace ${network.metadata.namespace}: use another class, or ask an administrator`
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
        ? `NetworkClass ${classNameOf(candidate.network)} does not allow cluster ${[...new Set(refused)].join(', ')}: it allows ${allowed.join(', ')}`
        : undefined
    },
  },
  {
    reason: 'LimitExceeded',
    check: ({ class: rules, network, older }) => {
      const limit = rules?.spec.limits?.networks
      return limit === undefined || older < limit
        ? undefined
        : `NetworkClass ${classNameOf(network)} allows ${limit} networks in one namespace (spec.limits.networks), and ${network.metadata.namespace} has ${older} that came before: delete one of them, or ask an administrator for more`
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
