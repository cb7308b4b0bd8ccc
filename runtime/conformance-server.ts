// What the conformance suites share: a kind of their own, and a connection to the server under test.
import { randomUUID } from 'node:crypto'
import type { Condition } from './conditions.ts'
import type { KubeClient } from './kube-client.ts'
import { defineResource, type KubeObject, type ObjectMeta, type Resource } from './kube-object.ts'
import { CustomResourceDefinitions, Namespaces } from './resources.ts'
import { until } from './until.ts'

export type Probe = KubeObject & {
  spec?: { size?: number; color?: string; tags?: string[] }
  status?: { observed?: number; conditions?: Condition[] }
}

const text = { type: 'string' } as const
const condition = {
  type: 'object',
  properties: { type: text, status: text, reason: text, message: text, lastTransitionTime: text },
  required: ['type'],
}
const probeSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: { size: { type: 'integer' }, color: text, tags: { type: 'array', items: text } },
    },
    status: {
      type: 'object',
      properties: {
        observed: { type: 'integer' },
        conditions: {
          type: 'array',
          items: condition,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
        },
      },
    },
  },
}

const definitionOf = ({ group, plural, kind, version }: Resource) => ({
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, kind },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: probeSchema },
        subresources: { status: {} },
      },
    ],
  },
})

export type Connection = {
  /** A client that writes as this field manager. */
  client(fieldManager: string): KubeClient
  stop(): Promise<void>
}

/**
 * A namespace of its own on the server under test, and a kind of its own: a real server answers 404 for a while when a definition is
 * deleted and made again under the same name.
 */
export class ConformanceServer {
  readonly namespace = `vnt-${randomUUID().slice(0, 8)}`
  readonly probes = defineResource<Probe>({
    group: `${this.namespace}.conformance.vnet.dev`,
    version: 'v1',
    plural: 'probes',
    kind: 'Probe',
    namespaced: true,
  })
  readonly client: KubeClient
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
    this.client = connection.client('first')
  }

  static async prepare(connect: () => Promise<Connection>): Promise<ConformanceServer> {
    const server = new ConformanceServer(await connect())
    try {
      await server.#prepare()
      return server
    } catch (error) {
      await server.#connection.stop()
      throw error
    }
  }

  async #prepare(): Promise<void> {
    const { client, namespace, probes } = this
    // The structural schema is plain JSON; client-node's type for it renames `default`, `enum` and `not`.
    await client.apply(CustomResourceDefinitions, definitionOf(probes) as never)
    await client.create(Namespaces, { metadata: { name: namespace } })
    await until(() => this.#isServed(), { timeoutMs: 30_000 })
  }

  // Until a real server has taken in a new definition it answers 404, and now and then 429 "storage is (re)initializing".
  async #isServed(): Promise<boolean> {
    const { client, namespace, probes } = this
    for (let i = 0; i < 50; i++)
      if (!(await client.list(probes, { namespace }).then(Boolean, () => false))) return false
    return true
  }

  clientAs(fieldManager: string): KubeClient {
    return this.#connection.client(fieldManager)
  }

  /** A Probe in the namespace of the suite, with a name of its own unless given. */
  probe(
    fields: Pick<Probe, 'spec' | 'status'> = {},
    name = `p-${randomUUID().slice(0, 8)}`,
  ): Pick<Probe, 'spec' | 'status'> & { metadata: ObjectMeta } {
    return { metadata: { name, namespace: this.namespace }, ...fields }
  }

  async end(): Promise<void> {
    await this.client.delete(Namespaces, { name: this.namespace })
    await this.client.delete(CustomResourceDefinitions, definitionOf(this.probes).metadata)
    await this.#connection.stop()
  }
}

/** A true condition. */
export const stated = (type: string): Condition => ({
  type,
  status: 'True',
  reason: 'Tested',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
