// Mailbox namespaces: one for each member cluster, and what a member may do in it.
import { ANNOTATIONS, HEARTBEAT_LEASE, INTERNAL_GROUP, LABELS, MANAGED_BY } from '#crds/group.ts'
import type { MemberCluster } from '#crds/member-cluster.ts'
import { mailboxNamespace } from '#crds/names.ts'
import { bridgeLimitOf, MOST_SLICES } from './member-limits.ts'

const PREFIX = mailboxNamespace('')

/** Cluster of a mailbox namespace; undefined for other namespaces. */
export const clusterOfMailbox = (namespace: string | undefined): string | undefined =>
  namespace?.startsWith(PREFIX) ? namespace.slice(PREFIX.length) : undefined

/** ServiceAccount in each mailbox that the member acts as. */
export const MEMBER_ACCOUNT = 'member'

/**
 * All that a member may do on the hub, and only in its own mailbox. Creating and patching go together, since it writes by server-side apply;
 * `virtualnetworks` it only reads, and reports on.
 */
export const MEMBER_RULES = [
  // In a Role this is the mailbox itself, on which the member reads whose it is.
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
  { apiGroups: ['vnet.dev'], resources: ['virtualnetworks'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['vnet.dev'], resources: ['virtualnetworks/status'], verbs: ['get', 'patch'] },
  {
    apiGroups: [INTERNAL_GROUP],
    resources: ['nodebridges', 'networkendpointslices'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  },
  { apiGroups: [INTERNAL_GROUP], resources: ['nodebridges/status'], verbs: ['get', 'patch'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    resourceNames: [HEARTBEAT_LEASE],
    verbs: ['get', 'patch'],
  },
  {
    apiGroups: [''],
    resources: ['serviceaccounts/token'],
    resourceNames: [MEMBER_ACCOUNT],
    verbs: ['create'],
  },
]

const MEMBER_ROLE = 'vnet-member'

/**
 * What a member may store. More bridges than the hub works with, so that it sees and names those that it leaves out; the heartbeat is the one
 * Lease.
 */
const quotaOf = (cluster: MemberCluster): Record<string, string> => ({
  [`count/nodebridges.${INTERNAL_GROUP}`]: `${2 * bridgeLimitOf(cluster)}`,
  [`count/networkendpointslices.${INTERNAL_GROUP}`]: `${MOST_SLICES}`,
  'count/leases.coordination.k8s.io': '2',
})

/**
 * The objects that make up the mailbox of a cluster, in the order in which they are made. The UID that is pinned is said in it: a member of another
 * cluster reads it and keeps away.
 */
export const mailboxObjects = (owner: MemberCluster) => {
  const { name: cluster, uid = '' } = owner.metadata
  const clusterUID = owner.status?.clusterUID
  const namespace = mailboxNamespace(cluster)
  const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.cluster]: cluster }
  return {
    namespace: {
      metadata: {
        name: namespace,
        labels,
        ...(clusterUID ? { annotations: { [ANNOTATIONS.clusterUid]: clusterUID } } : {}),
        ownerReferences: [{ apiVersion: 'vnet.dev/v1alpha1', kind: 'MemberCluster', name: cluster, uid }],
      },
    },
    quota: { metadata: { namespace, name: 'vnet-mailbox', labels }, spec: { hard: quotaOf(owner) } },
    serviceAccount: {
      metadata: { namespace, name: MEMBER_ACCOUNT, labels },
      automountServiceAccountToken: false,
    },
    role: { metadata: { namespace, name: MEMBER_ROLE, labels }, rules: MEMBER_RULES },
    roleBinding: {
      metadata: { namespace, name: MEMBER_ROLE, labels },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: MEMBER_ROLE },
      subjects: [{ kind: 'ServiceAccount', name: MEMBER_ACCOUNT, namespace }],
    },
  }
}

export type MailboxObjects = ReturnType<typeof mailboxObjects>
