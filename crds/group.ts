// API groups, and the names of labels and annotations: written once, here.

/** Kinds that users write and read. */
export const GROUP = 'vnet.dev'
/** Kinds that only our own parts exchange; they may change from release to release. */
export const INTERNAL_GROUP = 'internal.vnet.dev'
export const VERSION = 'v1alpha1'

/** Where the operator, the agents and their objects live, in each cluster. */
export const SYSTEM_NAMESPACE = 'vnet-system'

export const LABELS = {
  /** On objects that were copied from the hub: `true`. They are read-only for users. */
  projected: 'vnet.dev/projected',
  /** On a namespace of a member cluster: `allow` lets networks of the hub's namespace of the same name in. */
  stretch: 'vnet.dev/stretch',
  /** Network of an object, as `namespace.name` (a label value holds no slash). */
  network: 'internal.vnet.dev/network',
  /** Cluster that an object describes. */
  cluster: 'internal.vnet.dev/cluster',
  managedBy: 'app.kubernetes.io/managed-by',
} as const

export const ANNOTATIONS = {
  /** UID of the member cluster's kube-system namespace: on the heartbeat Lease as the member reports it, on the mailbox as the hub pinned it. */
  clusterUid: 'vnet.dev/cluster-uid',
  version: 'vnet.dev/version',
  /** On copies of a network: UID of the user's object. */
  originUid: 'internal.vnet.dev/origin-uid',
  /** On a network that is being deleted: `true` deletes it under the VMs that are still attached. */
  forget: 'vnet.dev/forget',
  /** On the heartbeat Lease: comma-separated names of what this member understands. */
  capabilities: 'vnet.dev/capabilities',
} as const

export const FIELD_MANAGERS = {
  hub: 'vnet-hub',
  member: 'vnet-member',
  agent: 'vnet-agent',
  cli: 'kubectl-vnet',
} as const

/** Keeps a network until its last VM is detached. */
export const IN_USE_FINALIZER = 'vnet.dev/in-use'
/** Value of the label `app.kubernetes.io/managed-by` on what we create. */
export const MANAGED_BY = 'vnet'
/** Name of the NetworkClass that a network uses when it names none. */
export const DEFAULT_CLASS = 'default'
/** Name of the Lease in each mailbox that the member renews. */
export const HEARTBEAT_LEASE = 'member'
