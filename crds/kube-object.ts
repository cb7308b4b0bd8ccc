// The part that every Kubernetes object shares, and the description of one of our kinds.
import type { Static, TObject } from 'typebox'

/** The metadata fields that we read or write; the API server knows more. */
export type ObjectMeta = {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
}

export type OwnerReference = {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** One object of a kind of ours: `spec` as the user wrote it, `status` as our controllers see it. */
export type KubeObject<Spec, Status> = {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  spec: Spec
  status?: Status
}

export type PrinterColumn = {
  name: string
  type: 'string' | 'integer' | 'date'
  jsonPath: string
  description?: string
  /** Above 0: shown by `kubectl get -o wide` alone. */
  priority?: number
}

/** A rule in the Common Expression Language that the API server evaluates at admission. */
export type Rule = {
  rule: string
  message: string
  fieldPath?: string
  reason?: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden'
}

/** All that a CustomResourceDefinition says of one kind. */
export type KindDefinition<Spec extends TObject = TObject, Status extends TObject = TObject> = {
  group: string
  version: string
  kind: string
  plural: string
  singular: string
  shortNames: string[]
  scope: 'Namespaced' | 'Cluster'
  description: string
  spec: Spec
  /** Rules on the whole object, of which CEL sees the name too. */
  rules?: Rule[]
  /** A kind whose spec another part fills in later. */
  specOptional?: boolean
  status?: Status
  columns: PrinterColumn[]
}

/** The static type of a kind's objects, from the same source as its schema. */
export type ObjectOf<Kind extends { spec: TObject; status?: TObject }> = KubeObject<
  Static<Kind['spec']>,
  Kind['status'] extends TObject ? Static<Kind['status']> : never
>
