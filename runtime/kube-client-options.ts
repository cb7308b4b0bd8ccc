import type { KubeConfig } from './kube-config.ts'
import type { KubeObject, ObjectMeta } from './kube-object.ts'

export type Query = Record<string, string | number | boolean | undefined>
export type Abortable = { signal?: AbortSignal | undefined }

export type RequestOptions = Abortable & {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  query?: Query | undefined
  body?: unknown
  contentType?: string
  timeoutMs?: number | undefined
  /** What is attempted, for error messages; default: method and path. */
  attempt?: string
}

export type Selection = {
  namespace?: string | undefined
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
}
export type ListOptions = Abortable & Selection & { limit?: number }
export type WatchOptions = Selection & { resourceVersion: string; timeoutSeconds?: number; signal: AbortSignal }
export type WatchEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }
export type WriteOptions = Abortable & { subresource?: string; dryRun?: boolean }
export type ApplyOptions = WriteOptions & { fieldManager?: string; force?: boolean }
export type DeleteOptions = Abortable & {
  uid?: string | undefined
  resourceVersion?: string | undefined
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  gracePeriodSeconds?: number
}
export type TokenOptions = Abortable & {
  audiences?: string[]
  expirationSeconds?: number
  boundObjectRef?: { apiVersion: string; kind: string; name: string; uid?: string }
}
export type Token = { token: string; expirationTimestamp: string }

type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: Partially<T[K]> | undefined }
    : T
/** The fields of an object that one field manager has an opinion on. */
export type Applied<T extends KubeObject> = Partially<Omit<T, 'metadata'>> & { metadata: ObjectMeta }

export type KubeClientOptions = {
  config: KubeConfig
  /** Owner of the fields that this process writes. */
  fieldManager: string
  userAgent?: string
  /** Limit for one request, and for a watch to begin; milliseconds. */
  timeoutMs?: number
}
