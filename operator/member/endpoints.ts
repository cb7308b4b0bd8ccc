// Pods of this cluster → endpoint slices of their networks. Works without the hub, so that VMs come and go while it is away.
import {
  mailboxNamespace,
  networkKey,
  networkOfProjection,
  projectionName,
  sliceIndex,
  sliceName,
} from '#crds/names.ts'
import type { NetworkEndpoint, NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { Controller, type Source, source } from '#runtime/controller.ts'
import { NetworkEndpointSlices } from '#runtime/overlay-resources.ts'
import { type Pod, Pods } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { type MemberInformers, networksOfPod, podView } from './informers.ts'
import { endpointsOf, foreignNetworks } from './pod-endpoints.ts'
import { sliceLabels, spread } from './slices.ts'

/** For a network that the mailbox can say nothing of just now. */
const LOOK_AGAIN_MS = 30_000

/** A source that nobody waits for: the hub may be away. */
const unawaited = (it: Source): Source => ({ ...it, synced: async () => {} })

export const endpointsController = (deps: MemberDeps, informers: MemberInformers): Controller => {
  const { pods, networks, slices, mailboxNetworks } = informers
  const { local, cluster, namespace, gate, logger, metrics, clock, events } = deps
  const mailbox = mailboxNamespace(cluster)
  const warned = new Set<string>()

  const warnForeign = (network: string, attached: Pod[]): void => {
    for (const pod of attached) {
      const mark = `${pod.metadata?.uid} ${network}`
      if (warned.has(mark) || !foreignNetworks(podView(pod), (name) => name === network).length) continue
      // A bound on memory alone: a warning that is given twice does no harm.
      if (warned.size > 10_000) warned.clear()
      warned.add(mark)
      events.record({
        regarding: pod,
        resource: Pods,
        type: 'Warning',
        reason: 'NetworkNotAllowed',
        action: 'Attach',
        note: `the pod attaches to network ${network}, which serves pods of its own namespace only: the port stays closed. Attach to a VirtualNetwork of namespace ${pod.metadata?.namespace}`,
      })
    }
  }

  const own = (network: string) =>
    slices.lister.byIndex('network', network).filter((slice) => slice.spec.cluster === cluster)

  /**
   * Whether a network is in force here. A copy that is missing does not tell: users can delete it, and with the slices would go who had a MAC address
   * first. Then the mailbox says whether it is over, as soon as it can be read.
   */
  const standingOf = (network: string): 'InForce' | 'Over' | 'Unknown' => {
    if (networks.lister.get(network)) return 'InForce'
    if (own(network).length === 0) return 'Over'
    if (!mailboxNetworks.hasSynced || gate.refusal) return 'Unknown'
    return mailboxNetworks.lister.get(`${mailbox}/${projectionName(network)}`) ? 'InForce' : 'Over'
  }

  const write = async (network: string, endpoints: NetworkEndpoint[], signal: AbortSignal): Promise<void> => {
    const slices = own(network)
    const indexOf = ({ metadata }: NetworkEndpointSlice) => sliceIndex(metadata.name, network, cluster)
    const present = new Map(
      slices.flatMap((slice): [number, NetworkEndpoint[]][] => {
        const index = indexOf(slice)
        return index === undefined ? [] : [[index, slice.spec.endpoints]]
      }),
    )
    const wanted = spread(endpoints, present)
    for (const [index, list] of wanted) {
      if (sameStatus(present.get(index), list)) continue
      const metadata = { namespace, name: sliceName(network, cluster, index), labels: sliceLabels(network, cluster) }
      await local.apply(NetworkEndpointSlices, { metadata, spec: { network, cluster, endpoints: list } }, { signal })
    }
    for (const slice of slices) {
      const { name, uid } = slice.metadata
      if (!wanted.has(indexOf(slice) ?? -1))
        await local.delete(NetworkEndpointSlices, { namespace, name }, { uid, signal })
    }
  }

  return new Controller({
    name: 'member.endpoints',
    logger,
    metrics,
    clock,
    sources: [
      source(pods, networksOfPod),
      source(networks, (network) => [networkKey(network.metadata.namespace ?? '', network.metadata.name)]),
      unawaited(source(mailboxNetworks, ({ metadata }) => [networkOfProjection(metadata.name)])),
      source(slices, (slice) => (slice.spec.cluster === cluster ? [slice.spec.network] : [])),
    ],
    reconcile: async (network, { signal }) => {
      const standing = standingOf(network)
      const attached = standing === 'Over' ? [] : pods.lister.byIndex('network', network)
      warnForeign(network, attached)
      const before = own(network).flatMap((slice) => slice.spec.endpoints)
      await write(network, endpointsOf(network, attached.map(podView), before), signal)
      logger.debug({ network, attached: attached.length, slice: projectionName(network) }, 'endpoints written')
      return standing === 'Unknown' ? { requeueAfterMs: LOOK_AGAIN_MS } : undefined
    },
  })
}
