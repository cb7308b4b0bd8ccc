// OverlayLink → its status: whether it can be used, and by how many networks.
import { bridgeKey } from '#crds/names.ts'
import type { OverlayLink } from '#crds/overlay-link.ts'
import type { LinkUse } from '#operator/compile/topology.ts'
import { type ConditionStatement, sameStatus, setConditions } from '#runtime/conditions.ts'
import { Controller, source } from '#runtime/controller.ts'
import { OverlayLinks } from '#runtime/overlay-resources.ts'
import { gatherBridges } from './bridge-view.ts'
import { type HubDeps, timeOf } from './deps.ts'
import { Derived } from './derived.ts'
import { isUsable } from './gather-overlay.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import type { OverlayBoards } from './overlay-report.ts'
import { listNames } from './progress.ts'
import { relevantOfBridge, relevantOfCluster, relevantSource } from './relevant-changes.ts'

type Statement = Omit<ConditionStatement, 'type'>

export type LinkView = {
  link: OverlayLink
  isMember: (cluster: string) => boolean
  /** Why a bridge cannot be linked; undefined when it can. */
  bridgeProblem: (bridge: string) => string | undefined
  use: LinkUse | undefined
}

/** The checks in the order in which they explain most; the first that objects gives the reason. */
const checks: { reason: string; check: (view: LinkView) => string | undefined }[] = [
  {
    reason: 'ClusterUnknown',
    check: ({ link: { spec }, isMember }) => {
      const unknown = [spec.a.cluster, spec.b.cluster].filter((cluster) => !isMember(cluster))
      return unknown.length > 0
        ? `${[...new Set(unknown)].join(' and ')} is no MemberCluster: join it, or correct the name`
        : undefined
    },
  },
  {
    reason: 'UnknownBridge',
    check: ({ link: { spec }, bridgeProblem }) => {
      const problems = [spec.a, spec.b].flatMap((end) => {
        const bridge = bridgeKey(end.cluster, end.node)
        const problem = bridgeProblem(bridge)
        return problem === undefined ? [] : [`${bridge}: ${problem}`]
      })
      return problems.length > 0 ? problems.join('; ') : undefined
    },
  },
  {
    reason: 'AdminDown',
    check: ({ link }) =>
      link.spec.adminState === 'Down' ? 'spec.adminState is Down: no network uses the link' : undefined,
  },
  {
    reason: 'NoNetwork',
    check: ({ use }) => {
      if (!use || use.networks.length > 0) return undefined
      const reasons = use.notIn.map(({ network, reason }) => `${network} (${reason})`)
      return reasons.length > 0
        ? `no network can use the link: ${listNames(reasons)}`
        : 'no network selects the link: correct spec.networks.matchLabels, or label a VirtualNetwork'
    },
  },
]

/** Whether a link can be used. Pure. */
export const linkReadiness = (view: LinkView): Statement => {
  for (const { reason, check } of checks) {
    const message = check(view)
    if (message !== undefined) return { status: 'False', reason, message }
  }
  return view.use
    ? { status: 'True', reason: 'InUse', message: `networks: ${listNames(view.use.networks)}` }
    : { status: 'Unknown', reason: 'Compiling', message: 'the link has not been considered yet' }
}

const linksByBridge = (links: readonly OverlayLink[]): Map<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const { metadata, spec } of links)
    for (const { cluster, node } of [spec.a, spec.b]) {
      const bridge = bridgeKey(cluster, node)
      found.set(bridge, [...(found.get(bridge) ?? []), metadata.name])
    }
  return found
}

export const linkController = (deps: HubDeps, informers: HubInformers, boards: OverlayBoards): Controller => {
  const { client, logger, metrics, clock } = deps
  const { links, clusters, bridges } = informers
  const reports = new Derived(
    [clusters, bridges, informers.namespaces],
    () => new Map(gatherBridges(informers).map((report) => [report.bridge, report])),
  )
  const linksAt = new Derived([links], () => linksByBridge(links.lister.list()))

  const viewOf = (link: OverlayLink): LinkView => {
    return {
      link,
      use: boards.links.get(link.metadata.name),
      isMember: (cluster) => clusters.lister.get(cluster) !== undefined,
      bridgeProblem: (bridge) => {
        const report = reports.get().get(bridge)
        if (!report) return 'there is no such bridge: correct the name of the node, or wait for it to join'
        return isUsable(report) ? undefined : (report.problem ?? 'it has not reported yet')
      },
    }
  }

  return new Controller({
    name: 'hub.link',
    logger,
    metrics,
    clock,
    sources: [
      reports,
      linksAt,
      source(links),
      boards.links.source(),
      relevantSource(clusters, relevantOfCluster, () => links.lister.keys()),
      relevantSource(bridges, relevantOfBridge, ({ metadata }) => {
        const cluster = clusterOfMailbox(metadata.namespace)
        return (cluster !== undefined && linksAt.get().get(bridgeKey(cluster, metadata.name))) || []
      }),
    ],
    reconcile: async (name, { signal }) => {
      const link = links.lister.get(name)
      if (!link || link.metadata.deletionTimestamp) return
      // A new leader says nothing of a link that it has not considered yet.
      if (!boards.links.isFilled && link.status?.conditions) return
      const view = viewOf(link)
      const statement = { type: 'Ready', observedGeneration: link.metadata.generation, ...linkReadiness(view) }
      const status = {
        observedGeneration: link.metadata.generation ?? 0,
        networks: view.use?.networks.length ?? 0,
        conditions: setConditions(link.status?.conditions ?? [], [statement], timeOf(deps)),
      }
      if (!sameStatus(link.status, status))
        await client.applyStatus(OverlayLinks, { metadata: { name }, status } as never, { signal })
    },
  })
}
