// From a kind to its CustomResourceDefinition.
import type { KindDefinition } from './kube-object.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A TypeBox schema as the structural schema that the API server accepts: plain data, no `additionalProperties: false`. */
const structural = (schema: object): { [key: string]: Json } => JSON.parse(JSON.stringify(schema))

const openApi = (kind: KindDefinition): { [key: string]: Json } => ({
  description: kind.description,
  type: 'object',
  ...(kind.rules ? { 'x-kubernetes-validations': kind.rules.map((rule) => ({ ...rule })) } : {}),
  ...(kind.specOptional ? {} : { required: ['spec'] }),
  properties: {
    apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
    kind: { type: 'string', description: 'Kind of this object.' },
    metadata: { type: 'object' },
    spec: structural(kind.spec),
    ...(kind.status ? { status: { description: 'What the controllers see.', ...structural(kind.status) } } : {}),
  },
})

/** The CustomResourceDefinition of one kind, as plain data in a fixed order. */
export const customResourceDefinition = (kind: KindDefinition): { [key: string]: Json } => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.plural}.${kind.group}` },
  spec: {
    group: kind.group,
    scope: kind.scope,
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.singular,
      shortNames: kind.shortNames,
      // Not `vnet`: that is the short name of VirtualNetwork, and kubectl would expand it to the whole category.
      categories: ['overlay'],
    },
    versions: [
      {
        name: kind.version,
        served: true,
        storage: true,
        ...(kind.status ? { subresources: { status: {} } } : {}),
        additionalPrinterColumns: kind.columns.map((column) => ({ ...column })),
        schema: { openAPIV3Schema: openApi(kind) },
      },
    ],
  },
})
