// Nodes of this cluster ⇄ the hub: makes the NodeBridge of each node, brings its spec down and its status up.

import { mailboxNamespace } from '#crds/names.ts'
import type { NodeBridgeSpec, NodeBridgeStatus } from '#crds/node-bridge.ts'
import type { Condition } from '#crds/schema.ts'
import { isOlderSpec, specNumber } from '#crds/spec-order.ts'
import { sameStatus, setConditions } from '#runtime/conditions.ts'
import { type Controller, source } from '#runtime/controller.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import type { Node } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'
import type { MemberInformers } from './informers.ts'

const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1)

/** Labels of the node, by which the hub finds its site. */
const labelsOf = (node: Node): Record<string, string> => ({ ...node.metadata?.labels }) as Record<string, string>

type Statement = Omit<Condition, 'lastTransitionTime'>

/** The node's readiness as a condition of its bridge: a node that is down passes no frames on. */
const nodeReady = (node: Node): Statement => {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  const status = ready?.status === 'True' || ready?.status === 'False' ? ready.status : 'Unknown'
  return {
    type: 'NodeReady',
    status,
    reason: ready?.reason || 'NodeStatusUnknown',
    message: ready?.message || 'the Node reports no condition Ready',
  }
}

/** Whether the hub's spec went down to the node. */
const specBroughtDown = (written: NodeBridgeSpec, own: NodeBridgeSpec | undefined): Statement => {
  const type = 'SpecTaken'
  if (written.serial === undefined || !isOlderSpec(written, own))
    return { type, status: 'True', reason: 'Taken', message: 'the member hands on what the hub writes' }
  const message = `the hub's spec is ${specNumber(written)}, the node has ${specNumber(own ?? {})}: an older one was written again, or the hub was restored; the newer one stays in force until the hub writes one above it`
  return { type, status: 'False', reason: 'OldSpec', message }
}

/** What goes up: the agent's status, and what no agent can report of itself. */
const statusForHub = (
  agent: NodeBridgeStatus | undefined,
  statements: Statement[],
  before: NodeBridgeStatus | undefined,
  now: string,
): NodeBridgeStatus => {
  const types = new Set(statements.map(({ type }) => type))
  const known = before?.conditions?.filter(({ type }) => types.has(type)) ?? []
  const theirs = agent?.conditions?.filter(({ type }) => !types.has(type)) ?? []
  return { ...agent, conditions: [...theirs, ...setConditions(known, statements, now)] }
}

export const nodeBridgesController = (deps: MemberDeps, informers: MemberInformers): Controller => {
  const { local, hub, cluster, namespace, clock } = deps
  const { nodes, bridges, mailboxBridges } = informers
  const mailbox = mailboxNamespace(cluster)

  const remove = async (name: string, signal: AbortSignal): Promise<void> => {
    const own = bridges.lister.get(`${namespace}/${name}`)
    if (own) await local.delete(NodeBridges, { namespace, name }, { uid: own.metadata.uid, signal })
    const copy = mailboxBridges.lister.get(`${mailbox}/${name}`)
    if (copy) await hub.delete(NodeBridges, { namespace: mailbox, name }, { uid: copy.metadata.uid, signal })
  }

  const bringDown = async (node: Node, name: string, signal: AbortSignal): Promise<void> => {
    const own = bridges.lister.get(`${namespace}/${name}`)
    const written = mailboxBridges.lister.get(`${mailbox}/${name}`)?.spec ?? {}
    const spec = own?.spec && isOlderSpec(written, own.spec) ? own.spec : written
    const uid = node.metadata?.uid ?? ''
    if (own && sameStatus(own.spec ?? {}, spec) && own.metadata.ownerReferences?.[0]?.uid === uid) return
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
    await local.apply(NodeBridges, { metadata: { namespace, name, ownerReferences }, spec }, { signal })
  }

  const bringUp = async (node: Node, name: string, signal: AbortSignal): Promise<void> => {
    const labels = labelsOf(node)
    const copy = mailboxBridges.lister.get(`${mailbox}/${name}`)
    if (!copy || !sameStatus(copy.metadata.labels ?? {}, labels))
      await hub.apply(NodeBridges, { metadata: { namespace: mailbox, name, labels } }, { signal })
    const agent = bridges.lister.get(`${namespace}/${name}`)?.status
    const statements = [
      nodeReady(node),
      specBroughtDown(copy?.spec ?? {}, bridges.lister.get(`${namespace}/${name}`)?.spec),
    ]
    const status = statusForHub(agent, statements, copy?.status, new Date(clock.now()).toISOString())
    if (!sameStatus(copy?.status, status))
      await hub.applyStatus(NodeBridges, { metadata: { namespace: mailbox, name }, status }, { signal })
  }

  return hubController(deps, {
    name: 'member.node-bridges',
    views: [mailboxBridges],
    sources: [
      source(nodes),
      source(bridges, (_, key) => [nameOf(key)]),
      source(mailboxBridges, (_, key) => [nameOf(key)]),
    ],
    reconcile: async (name, { signal }) => {
      const node = nodes.lister.get(name)
      if (!node) return await remove(name, signal)
      await bringDown(node, name, signal)
      await bringUp(node, name, signal)
    },
  })
}
