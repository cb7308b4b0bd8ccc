// Networks of the mailbox → this cluster: the read-only copy that local users see, and the attachment that VMs name.
import { LABELS } from '#crds/group.ts'
import { mailboxNamespace, networkKey, networkOfProjection, projectionName, splitKey } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { type Controller, source } from '#runtime/controller.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'
import { NetworkAttachmentDefinitions } from '#runtime/resources.ts'
import { isOurAttachment, networkAttachment } from './attachment.ts'
import { isHubCluster, type MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'
import type { MemberInformers } from './informers.ts'
import { admissionChecks, firstObjection, type NetworkView, readinessChecks } from './network-policies.ts'

const isProjection = (network: VirtualNetwork): boolean => network.metadata.labels?.[LABELS.projected] === 'true'

/** What the bridges of this cluster say of a network. */
const bridgesOf = (network: string, { bridges, nodes }: MemberInformers): NetworkView['bridges'] =>
  bridges.lister.list().flatMap(({ metadata, spec, status }) => {
    const entry = spec?.networks?.find(({ name, access }) => name === network && access)
    const programmed = status?.networks?.find(({ name }) => name === network)
    const node = nodes.lister.get(metadata.name)
    if (!node) return []
    return [
      {
        name: metadata.name,
        nodeReady: node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
        carries: entry !== undefined,
        programmed: entry !== undefined && programmed !== undefined && programmed.revision >= entry.revision,
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

export const networksController = (deps: MemberDeps, informers: MemberInformers): Controller => {
  const { local, hub, cluster, gate } = deps
  const { networks, attachments, namespaces, bridges, nodes, slices, mailboxNetworks } = informers
  const mailbox = mailboxNamespace(cluster)
  const allProjections = (): string[] =>
    mailboxNetworks.lister.list().map(({ metadata }) => networkOfProjection(metadata.name))

  const withdraw = async (network: string, signal: AbortSignal): Promise<void> => {
    const [namespace, name] = splitKey(network)
    const attachment = attachments.lister.get(network)
    const copy = networks.lister.get(network)
    const isOurs = attachment !== undefined && isOurAttachment(attachment)
    const isCopy = copy !== undefined && isProjection(copy)
    // A mailbox that is going, or another's, lacks much: that is no reason to let go of anything.
    if ((!isOurs && !isCopy) || (await gate.verify(signal))) return
    if (isOurs)
      await local.delete(NetworkAttachmentDefinitions, { namespace, name }, { uid: attachment.metadata.uid, signal })
    if (isCopy) await local.delete(VirtualNetworks, { namespace, name }, { uid: copy.metadata.uid, signal })
  }

  const projectHere = async (projection: VirtualNetwork, view: NetworkView, signal: AbortSignal): Promise<void> => {
    const [namespace, name] = splitKey(view.network)
    const copy = networks.lister.get(view.network)
    if (copy && !isProjection(copy)) return
    const { spec, status = {} } = projection
    if (!copy || !sameStatus(copy.spec, spec))
      await local.apply(
        VirtualNetworks,
        { metadata: { namespace, name, labels: { [LABELS.projected]: 'true' } }, spec },
        { signal },
      )
    if (!copy || !sameStatus(copy.status ?? {}, status))
      await local.applyStatus(VirtualNetworks, { metadata: { namespace, name }, status }, { signal })
  }

  const attach = async ({ network, status, bridges }: NetworkView, signal: AbortSignal): Promise<void> => {
    const { bridgeDevice = '', mtuBytes = 0 } = status
    const present = attachments.lister.get(network)
    // A VM must not land where the bridge is not there yet; once offered, the attachment stays.
    const carried = bridges.filter(({ carries, nodeReady }) => carries && nodeReady)
    if (!present && (carried.length === 0 || carried.some(({ programmed }) => !programmed))) return
    const attachment = networkAttachment({ network, bridgeDevice, mtuBytes })
    if (present?.spec?.config === attachment.spec.config) return
    await local.apply(NetworkAttachmentDefinitions, attachment, { signal })
  }

  const endpointsOf = (network: string): number =>
    slices.lister
      .byIndex('network', network)
      .reduce((sum, slice) => sum + (slice.spec.cluster === cluster ? slice.spec.endpoints.length : 0), 0)

  const report = async (projection: VirtualNetwork, view: NetworkView, signal: AbortSignal): Promise<void> => {
    const objection = firstObjection([...admissionChecks, ...readinessChecks], view)
    const entry = {
      name: cluster,
      ready: objection === undefined,
      ...objection,
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
    sources: [
      source(mailboxNetworks, ({ metadata }) => [networkOfProjection(metadata.name)]),
      source(networks, ({ metadata }) => [networkKey(metadata.namespace ?? '', metadata.name)]),
      source(attachments),
      source(slices, ({ spec }) => [spec.network]),
      source(namespaces, ({ metadata }) =>
        allProjections().filter((network) => network.startsWith(`${metadata?.name}/`)),
      ),
      source(bridges, allProjections),
      source(nodes, allProjections),
    ],
    reconcile: async (network, { signal }) => {
      const projection = mailboxNetworks.lister.get(`${mailbox}/${projectionName(network)}`)
      if (!projection || projection.metadata.deletionTimestamp) return await withdraw(network, signal)
      const view = viewOf(projection, network, deps, informers)
      if (!firstObjection(admissionChecks, view)) {
        await projectHere(projection, view, signal)
        await attach(view, signal)
      }
      await report(projection, view, signal)
    },
  })
}
