import type {
  EventsV1Event,
  V1ConfigMap,
  V1ControllerRevision,
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1Lease,
  V1Namespace,
  V1Node,
  V1Pod,
  V1ResourceQuota,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1ServiceAccount,
} from '@kubernetes/client-node'
import { defineResource, type Json, type KubeObject, type ObjectMeta, type Resource } from './kube-object.ts'

export type ConfigMap = Json<V1ConfigMap>
export type ControllerRevision = Json<V1ControllerRevision>
export type CustomResourceDefinition = Json<V1CustomResourceDefinition>
export type DaemonSet = Json<V1DaemonSet>
export type Deployment = Json<V1Deployment>
export type KubeEvent = Json<EventsV1Event>
export type Lease = Json<V1Lease>
export type Namespace = Json<V1Namespace>
export type Node = Json<V1Node>
export type Pod = Json<V1Pod>
export type ResourceQuota = Json<V1ResourceQuota>
export type Role = Json<V1Role>
export type RoleBinding = Json<V1RoleBinding>
export type Secret = Json<V1Secret>
export type ServiceAccount = Json<V1ServiceAccount>

/** Kind of the Network Plumbing Working Group's de-facto standard; `spec.config` is a CNI configuration as JSON text. */
export type NetworkAttachmentDefinition = KubeObject & { metadata: ObjectMeta; spec?: { config?: string | undefined } }

type Scope = 'namespaced' | 'cluster'

const kind = <T extends KubeObject>(group: string, kind: string, plural: string, scope: Scope): Resource<T> =>
  defineResource<T>({ group, version: 'v1', plural, kind, namespaced: scope === 'namespaced' })

const rbac = 'rbac.authorization.k8s.io'

export const ConfigMaps = kind<ConfigMap>('', 'ConfigMap', 'configmaps', 'namespaced')
export const Namespaces = kind<Namespace>('', 'Namespace', 'namespaces', 'cluster')
export const Nodes = kind<Node>('', 'Node', 'nodes', 'cluster')
export const Pods = kind<Pod>('', 'Pod', 'pods', 'namespaced')
export const ResourceQuotas = kind<ResourceQuota>('', 'ResourceQuota', 'resourcequotas', 'namespaced')
export const Secrets = kind<Secret>('', 'Secret', 'secrets', 'namespaced')
export const ServiceAccounts = kind<ServiceAccount>('', 'ServiceAccount', 'serviceaccounts', 'namespaced')
export const ControllerRevisions = kind<ControllerRevision>(
  'apps',
  'ControllerRevision',
  'controllerrevisions',
  'namespaced',
)
export const DaemonSets = kind<DaemonSet>('apps', 'DaemonSet', 'daemonsets', 'namespaced')
export const Deployments = kind<Deployment>('apps', 'Deployment', 'deployments', 'namespaced')
export const Leases = kind<Lease>('coordination.k8s.io', 'Lease', 'leases', 'namespaced')
export const Events = kind<KubeEvent>('events.k8s.io', 'Event', 'events', 'namespaced')
export const Roles = kind<Role>(rbac, 'Role', 'roles', 'namespaced')
export const RoleBindings = kind<RoleBinding>(rbac, 'RoleBinding', 'rolebindings', 'namespaced')
export const CustomResourceDefinitions = kind<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  'cluster',
)
export const NetworkAttachmentDefinitions = kind<NetworkAttachmentDefinition>(
  'k8s.cni.cncf.io',
  'NetworkAttachmentDefinition',
  'network-attachment-definitions',
  'namespaced',
)
