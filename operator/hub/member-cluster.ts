// MemberCluster → its mailbox, and what the hub sees of the cluster.
import { isDeepStrictEqual } from 'node:util'
import { ANNOTATIONS, LABELS, MANAGED_BY } from '#crds/group.ts'
import type { MemberCluster } from '#crds/member-cluster.ts'
import { mailboxNamespace } from '#crds/names.ts'
import { type ConditionStatement, isTrue, sameStatus, setConditions } from '#runtime/conditions.ts'
import { Controller, source } from '#runtime/controller.ts'
import { MemberClusters } from '#runtime/overlay-resources.ts'
import { type Lease, Namespaces, ResourceQuotas, RoleBindings, Roles, ServiceAccounts } from '#runtime/resources.ts'
import { bridgesOf } from './bridge-view.ts'
import { type HubDeps, timeOf } from './deps.ts'
import { createHeartbeatWatch, type Heartbeat } from './heartbeat.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox, type MailboxObjects, mailboxObjects } from './mailboxes.ts'
import { memberDegraded } from './member-limits.ts'

/** The mailbox is asserted again after this time, in case somebody changed it. */
const ASSERT_PERIOD_MS = 600_000
/**
 * Kubernetes' quota controller looks for new kinds every 30 s, and refuses objects of one that it has not counted yet for minutes. Right after an
 * installation a quota would keep every node out.
 */
const QUOTA_AFTER_MS = 60_000
const MIN_PAUSE_MS = 100
/** The time of the last heartbeat is kept to within this: a write each ten seconds and cluster would serve nobody. */
const HEARTBEAT_GRAIN_MS = 30_000

const annotation = (lease: Lease | undefined, name: string): string | undefined =>
  (lease?.metadata?.annotations as Record<string, string> | undefined)?.[name]

/** Why the member is or is not connected. */
const readiness = (
  cluster: MemberCluster,
  lease: Lease | undefined,
  heartbeat: Heartbeat | undefined,
): Omit<ConditionStatement, 'type'> => {
  const pinned = cluster.status?.clusterUID
  const reported = annotation(lease, ANNOTATIONS.clusterUid)
  if (!lease || !heartbeat)
    return {
      status: 'False',
      reason: 'AwaitingMember',
      message: `no heartbeat yet: install the chart there, and apply what "kubectl vnet join ${cluster.metadata.name}" prints`,
    }
  if (pinned && reported && pinned !== reported)
    return {
      status: 'False',
      reason: 'ClusterUIDMismatch',
      message: `cluster ${reported} reports under this name, which belongs to cluster ${pinned}: nothing is written to it; to admit the new one, delete this MemberCluster and join again`,
    }
  if (!heartbeat.isAlive)
    return {
      status: 'False',
      reason: 'HeartbeatLost',
      message: `the member was last heard of at ${heartbeat.renewTime}; its nodes keep forwarding what they know`,
    }
  return { status: 'True', reason: 'Connected', message: 'the member reports' }
}

const clustersOf = (namespace: string | undefined): string[] => {
  const cluster = clusterOfMailbox(namespace)
  return cluster === undefined ? [] : [cluster]
}

export const memberClusterController = (deps: HubDeps, informers: HubInformers): Controller => {
  const { client, clock, logger, metrics } = deps
  const { clusters, bridges, slices, heartbeats, namespaces } = informers
  const watch = createHeartbeatWatch(clock)
  const asserted = new Map<string, { objects: MailboxObjects; hasQuota: boolean; atMs: number }>()

  /** How long it is until a mailbox may have its quota. */
  const quotaDueInMs = (name: string): number => {
    const created = namespaces.lister.get(mailboxNamespace(name))?.metadata?.creationTimestamp
    return created === undefined ? QUOTA_AFTER_MS : Date.parse(`${created}`) + QUOTA_AFTER_MS - clock.now()
  }

  const assertMailbox = async (cluster: MemberCluster, signal: AbortSignal): Promise<void> => {
    const { name } = cluster.metadata
    const objects = mailboxObjects(cluster)
    const hasQuota = quotaDueInMs(name) <= 0
    const last = asserted.get(name)
    const isPresent = namespaces.lister.get(mailboxNamespace(name)) !== undefined
    const isSame = last?.hasQuota === hasQuota && isDeepStrictEqual(last.objects, objects)
    if (isPresent && isSame && clock.monotonicMs() - last.atMs < ASSERT_PERIOD_MS) return
    await client.apply(Namespaces, objects.namespace as never, { signal })
    if (hasQuota) await client.apply(ResourceQuotas, objects.quota as never, { signal })
    await client.apply(ServiceAccounts, objects.serviceAccount as never, { signal })
    await client.apply(Roles, objects.role as never, { signal })
    await client.apply(RoleBindings, objects.roleBinding as never, { signal })
    asserted.set(name, { objects, hasQuota, atMs: clock.monotonicMs() })
  }

  const removeMailbox = async (cluster: string, signal: AbortSignal): Promise<void> => {
    watch.forget(cluster)
    asserted.delete(cluster)
    const namespace = namespaces.lister.get(mailboxNamespace(cluster))
    if (namespace?.metadata?.labels?.[LABELS.managedBy] !== MANAGED_BY || namespace.metadata.deletionTimestamp) return
    await client.delete(Namespaces, { name: mailboxNamespace(cluster) }, { signal })
    logger.info({ cluster }, 'removed the mailbox of a cluster that is no member any more')
  }

  const statusOf = (cluster: MemberCluster, lease: Lease | undefined, heartbeat: Heartbeat | undefined) => {
    const { status = {}, metadata } = cluster
    const own = bridgesOf(cluster, informers)
    const ready = own.counted.filter(
      (bridge) => isTrue(bridge.status?.conditions, 'NodeReady') && (bridge.status?.addresses?.length ?? 0) > 0,
    )
    const statements = [
      { type: 'Ready', ...readiness(cluster, lease, heartbeat) },
      memberDegraded(cluster, own, slices.lister.byIndex('mailbox', metadata.name).length),
    ].map((statement) => ({ ...statement, observedGeneration: metadata.generation }))
    const clusterUID = status.clusterUID ?? annotation(lease, ANNOTATIONS.clusterUid)
    const version = annotation(lease, ANNOTATIONS.version) ?? status.version
    const before = status.lastHeartbeatTime
    const heard = heartbeat && Date.parse(heartbeat.renewTime)
    const isFresh = heard !== undefined && heard - Date.parse(before ?? '1970-01-01T00:00:00Z') >= HEARTBEAT_GRAIN_MS
    const lastHeartbeatTime = isFresh ? new Date(heard).toISOString() : before
    return {
      observedGeneration: metadata.generation ?? 0,
      ...(clusterUID ? { clusterUID: clusterUID.slice(0, 64) } : {}),
      ...(version ? { version: version.slice(0, 64) } : {}),
      ...(lastHeartbeatTime ? { lastHeartbeatTime } : {}),
      bridges: own.counted.length,
      readyBridges: ready.length,
      conditions: setConditions(status.conditions ?? [], statements, timeOf(deps)),
    }
  }

  return new Controller({
    name: 'hub.member-cluster',
    logger,
    metrics,
    clock,
    sources: [
      source(clusters),
      source(heartbeats, ({ metadata }) => clustersOf(metadata?.namespace)),
      source(bridges, ({ metadata }) => clustersOf(metadata.namespace)),
      source(namespaces, ({ metadata }) => clustersOf(metadata?.name)),
    ],
    reconcile: async (name, { signal }) => {
      const cluster = clusters.lister.get(name)
      if (!cluster || cluster.metadata.deletionTimestamp) return await removeMailbox(name, signal)
      await assertMailbox(cluster, signal)
      const lease = heartbeats.lister.get(`${mailboxNamespace(name)}/member`)
      const heartbeat = lease && watch.observe(name, lease)
      const status = statusOf(cluster, lease, heartbeat)
      if (!sameStatus(cluster.status, status))
        await client.applyStatus(MemberClusters, { metadata: { name }, status } as never, { signal })
      const quotaMs = asserted.get(name)?.hasQuota ? ASSERT_PERIOD_MS : quotaDueInMs(name)
      const heartbeatMs = heartbeat?.isAlive ? heartbeat.checkAfterMs : ASSERT_PERIOD_MS
      return { requeueAfterMs: Math.max(MIN_PAUSE_MS, Math.min(quotaMs, heartbeatMs, ASSERT_PERIOD_MS)) }
    },
  })
}
