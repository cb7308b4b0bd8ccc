import type { V1ObjectMeta } from '@kubernetes/client-node'

/**
 * The JSON form of a client-node type. Its generated classes say `Date` where the wire carries an RFC 3339 string; this
 * client never rewrites what it receives, so the types follow the wire. Optional fields may be given as `undefined`.
 */
export type Json<T> = T extends Date
  ? string
  : T extends (infer E)[]
    ? Json<E>[]
    : T extends object
      ? { [K in keyof T]: Json<T[K]> | (undefined extends T[K] ? undefined : never) }
      : T

export type ObjectMeta = Json<V1ObjectMeta>

/** What every stored Kubernetes object has. */
export type KubeObject = {
  apiVersion?: string | undefined
  kind?: string | undefined
  metadata?: ObjectMeta | undefined
}

export type ObjectRef = { name: string; namespace?: string | undefined }

declare const objectType: unique symbol

/** Where the API server keeps a kind. `T` is carried for inference only. */
export type Resource<T extends KubeObject = KubeObject> = {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly [objectType]?: T
}

type Descriptor = Pick<Resource, 'group' | 'version' | 'plural' | 'kind' | 'namespaced'>

/** Ties a descriptor to its TypeScript type: `defineResource<VirtualNetwork>({ group: 'vnet.dev', … })`. */
export const defineResource = <T extends KubeObject>(descriptor: Descriptor): Resource<T> =>
  Object.freeze({ ...descriptor }) as Resource<T>

/** `v1` for the core group, else `group/version`. */
export const apiVersionOf = ({ group, version }: Descriptor): string => (group ? `${group}/${version}` : version)

/** `pods` or `virtualnetworks.vnet.dev`: the name that RBAC and CRDs use. */
export const resourceName = ({ plural, group }: Descriptor): string => (group ? `${plural}.${group}` : plural)

/** Key of an object in stores and queues: `namespace/name`, or `name` when it has no namespace. */
export const keyOf = (object: KubeObject | ObjectRef): string => {
  const { name, namespace } = refOf(object)
  return namespace ? `${namespace}/${name}` : name
}

export const refOf = (object: KubeObject | ObjectRef): ObjectRef => {
  if ('name' in object) return object
  const { name, namespace } = (object as KubeObject).metadata ?? {}
  return { name: name ?? '', namespace }
}

/** Inverse of `keyOf`. */
export const parseKey = (key: string): ObjectRef => {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/**
 * URL path of a collection (no name), an object, or its subresource. A collection of a namespaced kind without a namespace is
 * that of all namespaces.
 */
export const resourcePath = (resource: Resource, ref: Partial<ObjectRef> = {}, subresource?: string): string => {
  if (ref.name !== undefined) requireComplete(resource, ref)
  const segments = [
    ...(resource.group ? ['apis', resource.group] : ['api']),
    resource.version,
    ...(resource.namespaced && ref.namespace ? ['namespaces', ref.namespace] : []),
    resource.plural,
    ...(ref.name === undefined ? [] : [ref.name]),
    ...(subresource ? subresource.split('/') : []),
  ]
  return `/${segments.map(encodeURIComponent).join('/')}`
}

// An empty name would turn a request for one object into one for the whole collection, also for DELETE.
const requireComplete = (resource: Resource, { name, namespace }: Partial<ObjectRef>): void => {
  if (!name) throw new TypeError(`a ${resource.kind} needs metadata.name (namespace ${namespace ?? 'none'})`)
  if (resource.namespaced && !namespace) throw new TypeError(`${resource.kind} ${name} needs metadata.namespace`)
}

/** Freezes a JSON value and everything in it; shared objects can then be handed out without copies. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}

/** Field ownership is most of an object's bytes and of no use to readers. The object is fresh from the parser. */
export const withoutManagedFields = <T extends KubeObject>(object: T): T => {
  delete object.metadata?.managedFields
  return object
}
