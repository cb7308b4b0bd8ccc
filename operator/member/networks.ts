// Networks of the mailbox → this cluster: the read-only copy that local users see, and the attachment that VMs name.
import { ANNOTATIONS } from '#crds/group.ts'
import { mailboxNamespace, networkKey, networkOfProjection, projectionName, splitKey } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { type Controller, source } from '#runtime/controller.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'
import { isOurAttachment } from './attachment.ts'
import { isHubCluster, type MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'
import { type MemberInformers, networksOfBridge } from './informers.ts'
import { isProjection, LocalCopies } from './local-copies.ts'
import { admissionChecks, firstObjection, type NetworkView, readinessChecks, type Verdict } from './network-policies.ts'

/** What the bridges of this cluster say of a network. */
const bridgesOf = (network: string, { bridges, nodes }: MemberInformers): NetworkView['bridges'] =>
  bridges.lister.byIndex('network', network).flatMap(({ metadata, spec, status }) => {
    const entry = spec?.networks?.find(({ name, access }) => name === network && access)
    const programmed = status?.networks?.find(({ name }) => name === network)
    const node = nodes.lister.get(metadata.name)
    if (!node) return []
    return [
      {
        name: metadata.name,
        nodeReady: node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
        carries: entry !== undefined,
        programmed: entry !== undefined && programmed?.vni === entry.vni && programmed.revision >= entry.revision,
        problem: status?.problems?.find(({ subject }) => subject === network)?.message,
      },
    ]
  })

const viewOf = (
  projection: VirtualNetwork,
  network: string,
  deps: MemberDeps,
  informers: MemberInformers,
): NetworkView => {
  const [namespace] = splitKey(network)
  const namespaceObject = informers.namespaces.lister.get(namespace)
  const local = informers.networks.lister.get(network)
  const attachment = informers.attachments.lister.get(network)
  const isHome = isHubCluster(deps) && local !== undefined && !isProjection(local)
  return {
    network,
    cluster: deps.cluster,
    origin: projection.metadata.annotations?.[ANNOTATIONS.originUid],
    isHome,
    namespace: namespaceObject && {
      labels: { ...namespaceObject.metadata?.labels } as Record<string, string>,
      terminating: namespaceObject.metadata?.deletionTimestamp !== undefined,
    },
    status: projection.status ?? {},
    foreignAttachment: attachment !== undefined && !isOurAttachment(attachment),
    foreignNetwork: local !== undefined && !isProjection(local) && !isHome,
    bridges: bridgesOf(network, informers),
  }
}

/** What stands in the way of this cluster's own objects, in words for the user. */
const failureOf = (network: string, results: readonly PromiseSettledResult<void>[]): Verdict | undefined => {
  const [projected, attached] = results
  if (attached?.status === 'rejected')
    return {
      reason: 'AttachmentFailed',
      message: `NetworkAttachmentDefinition ${network} could not be written: ${textOf(attached.reason)}`,
    }
  return projected?.status === 'rejected'
    ? {
        reason: 'ProjectionFailed',
        message: `the copy of the network could not be written: ${textOf(projected.reason)}`,
      }
    : undefined
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const networksController = (deps: MemberDeps, informers: MemberInformers): Controller => {
  const { hub, cluster, namespace } = deps
  const copies = new LocalCopies(deps, informers)
  const { networks, attachments, namespaces, bridges, nodes, slices, mailboxNetworks } = informers
  const mailbox = mailboxNamespace(cluster)
  const allProjections = (): string[] =>
    mailboxNetworks.lister.list().map(({ metadata }) => networkOfProjection(metadata.name))

  const endpointsOf = (network: string): number =>
    slices.lister
      .byIndex('network', network)
      .reduce((sum, slice) => sum + (slice.spec.cluster === cluster ? slice.spec.endpoints.length : 0), 0)

  const report = async (
    projection: VirtualNetwork,
    { view, failure }: { view: NetworkView; failure: Verdict | undefined },
    signal: AbortSignal,
  ): Promise<void> => {
    const objection = firstObjection(admissionChecks, view) ?? failure ?? firstObjection(readinessChecks, view)
    const entry = {
      name: cluster,
      ready: objection === undefined,
      ...(objection ? { reason: objection.reason, message: objection.message.slice(0, 1024) } : {}),
      bridges: view.bridges.filter(({ carries }) => carries).length,
      programmed: view.bridges.filter(({ programmed }) => programmed).length,
      endpoints: endpointsOf(view.network),
    }
    if (
      sameStatus(
        projection.status?.clusters?.find(({ name }) => name === cluster),
        entry,
      )
    )
      return
    const metadata = { namespace: mailbox, name: projectionName(view.network) }
    await hub.applyStatus(VirtualNetworks, { metadata, status: { clusters: [entry] } }, { signal })
  }

  return hubController(deps, {
    name: 'member.networks',
    views: [mailboxNetworks],
    sources: [
      source(mailboxNetworks, ({ metadata }) => [networkOfProjection(metadata.name)]),
      source(networks, ({ metadata }) => [networkKey(metadata.namespace ?? '', metadata.name)]),
      source(attachments),
      source(slices, ({ spec }) => [spec.network]),
      source(namespaces, ({ metadata }) =>
        allProjections().filter((network) => network.startsWith(`${metadata?.name}/`)),
      ),
      source(bridges, networksOfBridge),
      source(nodes, ({ metadata }) => {
        const bridge = bridges.lister.get(`${namespace}/${metadata?.name}`)
        return bridge ? networksOfBridge(bridge) : []
      }),
    ],
    reconcile: async (network, { signal }) => {
      const projection = mailboxNetworks.lister.get(`${mailbox}/${projectionName(network)}`)
      if (!projection || projection.metadata.deletionTimestamp) return await copies.withdraw(network, signal)
      const view = viewOf(projection, network, deps, informers)
      let failure: Verdict | undefined
      try {
        if (firstObjection(admissionChecks, view)) return
        // Each is tried, whatever became of the other.
        const results = await Promise.allSettled([
          copies.project(projection, network, signal),
          copies.attach(view, signal),
        ])
        failure = failureOf(network, results)
        for (const result of results) if (result.status === 'rejected') throw result.reason
      } finally {
        if (!signal.aborted) await report(projection, { view, failure }, signal)
      }
    },
  })
}
