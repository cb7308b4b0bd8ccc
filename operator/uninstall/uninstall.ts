// Returns a cluster to what it was before the chart was installed. Run by the chart's pre-delete hook.
import { IN_USE_FINALIZER, LABELS, MANAGED_BY } from '#crds/group.ts'
import { mailboxNamespace } from '#crds/names.ts'
import { HUB_TOKEN_SECRET } from '#operator/member/hub-secrets.ts'
import { isNotFound } from '#runtime/api-error.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { KubeObject, ObjectRef, Resource } from '#runtime/kube-object.ts'
import type { Logger } from '#runtime/logging.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import {
  type DaemonSet,
  DaemonSets,
  Deployments,
  Namespaces,
  NetworkAttachmentDefinitions,
  type Node,
  Nodes,
  type Pod,
  Pods,
  Secrets,
} from '#runtime/resources.ts'

export type UninstallOptions = {
  client: KubeClient
  namespace: string
  /** DaemonSet whose init container cleans a node. */
  cleanup: DaemonSet
  /** On the hub VirtualNetworks are the users' own objects and stay; the mailboxes go. */
  isHub: boolean
  logger: Logger
  signal: AbortSignal
  /** Resolves when `condition` does; rejects when `signal` aborts. */
  waitUntil: (what: string, condition: () => Promise<boolean>) => Promise<void>
}

const componentOf = (pod: Pod): string | undefined => pod.metadata?.labels?.['app.kubernetes.io/component']

const podsOf = async ({ client, namespace, signal }: UninstallOptions, component: string): Promise<Pod[]> =>
  (await client.list(Pods, { namespace, signal })).items.filter((pod) => componentOf(pod) === component)

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

const isNodeReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false

const nodesDown = async ({ client, signal }: UninstallOptions): Promise<Set<string>> =>
  new Set(
    (await client.list(Nodes, { signal })).items
      .filter((node) => !isNodeReady(node))
      .map(({ metadata }) => metadata?.name ?? ''),
  )

/** Pods of a component but for those on nodes that are down: nobody there ends or starts them. */
const livingPodsOf = async (options: UninstallOptions, component: string): Promise<Pod[]> => {
  const down = await nodesDown(options)
  return (await podsOf(options, component)).filter(({ spec }) => !down.has(spec?.nodeName ?? ''))
}

/** Ends operator and agents first: they would make again what is removed below. */
const stopWorkloads = async (options: UninstallOptions): Promise<void> => {
  const { client, namespace, signal } = options
  await client.delete(Deployments, { namespace, name: 'vnet-operator' }, { propagationPolicy: 'Background', signal })
  await client.delete(DaemonSets, { namespace, name: 'vnet-agent' }, { propagationPolicy: 'Background', signal })
  for (const component of ['operator', 'agent'])
    await options.waitUntil(
      `pods of the ${component} to end`,
      async () => (await livingPodsOf(options, component)).length === 0,
    )
}

/** Runs the clean-up on each node that can run it, and returns the names of the others: they keep what they have. */
const cleanNodes = async (options: UninstallOptions): Promise<string[]> => {
  const { client, namespace, cleanup, signal } = options
  const name = cleanup.metadata?.name ?? ''
  let missed: string[] = []
  await client.apply(DaemonSets, { ...cleanup, metadata: { ...cleanup.metadata, namespace, name } }, { signal })
  await options.waitUntil('each node that is up to be cleaned', async () => {
    const { status, metadata } = await client.get(DaemonSets, { namespace, name }, { signal })
    if (!status || (status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return false
    const down = await nodesDown(options)
    const pods = await podsOf(options, 'cleanup')
    const unfinished = pods.filter((pod) => !isReady(pod)).map(({ spec }) => spec?.nodeName ?? '')
    missed = unfinished.filter((node) => down.has(node)).sort()
    return pods.length >= status.desiredNumberScheduled && missed.length === unfinished.length
  })
  await client.delete(DaemonSets, { namespace, name }, { propagationPolicy: 'Background', signal })
  await options.waitUntil('the clean-up pods to end', async () => (await livingPodsOf(options, 'cleanup')).length === 0)
  return missed
}

type Where = { namespace?: string; labelSelector?: string }

/** All objects of a kind; none when the kind itself is gone, or was never there. */
const listAll = async <T extends KubeObject>(
  { client, signal }: UninstallOptions,
  resource: Resource<T>,
  where: Where = {},
): Promise<T[]> => {
  try {
    return (await client.list(resource, { ...where, signal })).items
  } catch (error) {
    if (isNotFound(error)) return []
    throw error
  }
}

const removeAll = async (options: UninstallOptions, resource: Resource, where: Where): Promise<void> => {
  const { client, logger, signal } = options
  const items = await listAll(options, resource, where)
  for (const { metadata } of items) {
    const ref: ObjectRef = { name: metadata?.name ?? '', namespace: metadata?.namespace }
    await client.delete(resource, ref, { signal })
  }
  if (items.length > 0) logger.info({ resource: resource.plural, count: items.length }, 'removed')
}

/** Nobody is left who would let the users' networks go when they, or their kind, are deleted. */
const releaseNetworks = async (options: UninstallOptions): Promise<void> => {
  const { client, signal } = options
  for (const { metadata } of await listAll(options, VirtualNetworks)) {
    const { name, namespace, resourceVersion, finalizers = [] } = metadata
    const others = finalizers.filter((finalizer) => finalizer !== IN_USE_FINALIZER)
    if (others.length < finalizers.length)
      await client.patch(
        VirtualNetworks,
        { name, namespace },
        { metadata: { resourceVersion, finalizers: others } },
        { signal },
      )
  }
}

/** The mailboxes of a hub, and with them the tokens of its members. A member lets go of nothing because its mailbox goes. */
const removeMailboxes = async ({ client, logger, signal }: UninstallOptions): Promise<void> => {
  const labelSelector = `${LABELS.managedBy}=${MANAGED_BY},${LABELS.cluster}`
  for (const { metadata } of (await client.list(Namespaces, { labelSelector, signal })).items) {
    const { name = '', uid, labels } = metadata ?? {}
    // Nobody gets another namespace removed by a label on it.
    if (name !== mailboxNamespace(String(labels?.[LABELS.cluster]))) continue
    await client.delete(Namespaces, { name }, { uid, signal })
    logger.info({ namespace: name }, 'removed a mailbox')
  }
}

/** Ends the workloads, cleans the nodes, and removes the objects that only our own parts made. */
export const uninstall = async (options: UninstallOptions): Promise<void> => {
  const { client, namespace, isHub, logger, signal } = options
  await stopWorkloads(options)
  const missed = await cleanNodes(options)
  await removeAll(options, NetworkAttachmentDefinitions, { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` })
  await removeAll(options, NetworkEndpointSlices, { namespace })
  await removeAll(options, NodeBridges, { namespace })
  await client.delete(Secrets, { namespace, name: HUB_TOKEN_SECRET }, { signal })
  if (isHub) await removeMailboxes(options)
  await releaseNetworks(options)
  if (!isHub) await removeAll(options, VirtualNetworks, { labelSelector: `${LABELS.projected}=true` })
  for (const node of missed)
    logger.warn(
      { node },
      'this node is down and keeps what it has: when it is back, run the agent there with --cleanup',
    )
}
