// Endpoint slices of one cluster → copies in the mailboxes of the network's other clusters.
import { mailboxNamespace } from '#crds/names.ts'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { Controller, source } from '#runtime/controller.ts'
import { NetworkEndpointSlices, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { isWritable } from './bridge-reports.ts'
import type { HubDeps } from './deps.ts'
import type { AcceptedSlice } from './endpoint-claims.ts'
import { isOwnSlice, judgeEndpoints, projectedClusters, slicesOf } from './endpoint-view.ts'
import type { HubInformers } from './informers.ts'
import { eachForItself } from './mailbox-refusals.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import type { OverlayBoards } from './overlay-report.ts'
import { requestOfNetwork } from './projections.ts'

export const endpointsController = (
  deps: HubDeps,
  informers: HubInformers,
  { refusals }: Pick<OverlayBoards, 'refusals'>,
): Controller => {
  const { client, logger, metrics, clock, events } = deps
  const { networks, slices, classes, clusters } = informers

  const present = (copy: AcceptedSlice, namespace: string): NetworkEndpointSlice | undefined =>
    slices.lister.get(`${namespace}/${copy.name}`)

  const writeCopy = async (
    network: string,
    copy: AcceptedSlice,
    namespace: string,
    signal: AbortSignal,
  ): Promise<void> => {
    const { name, labels, cluster, endpoints } = copy
    const spec = { network, cluster, endpoints }
    const known = present(copy, namespace)
    if (known && sameStatus(known.spec, spec) && sameStatus(known.metadata.labels ?? {}, labels)) return
    await client.apply(NetworkEndpointSlices, { metadata: { namespace, name, labels }, spec } as never, { signal })
  }

  /** Copies that should not be there: of slices that are gone, and what a member invented about other clusters. */
  const othersIn = (slicesThere: readonly NetworkEndpointSlice[], copies: readonly AcceptedSlice[]) => {
    const wanted = new Set(copies.map(({ name }) => name))
    return slicesThere.filter((slice) => !isOwnSlice(slice) && !wanted.has(slice.metadata.name))
  }

  /** Each mailbox gets the slices of the others, and nothing else. */
  const fanOut = async (network: string, accepted: readonly AcceptedSlice[], signal: AbortSignal): Promise<void> => {
    const targets = new Set(projectedClusters(network, informers))
    const present = Map.groupBy(slicesOf(network, informers), ({ metadata }) => clusterOfMailbox(metadata.namespace))
    const mailboxes = [...new Set([...targets, ...present.keys()])].filter(
      (cluster): cluster is string => cluster !== undefined && isWritable(clusters.lister.get(cluster)),
    )
    await refusals.inEach({ writer: 'endpoints', network, signal }, mailboxes, async (mailbox) => {
      const copies = targets.has(mailbox) ? accepted.filter(({ cluster }) => cluster !== mailbox) : []
      const writes = copies.map((copy) => () => writeCopy(network, copy, mailboxNamespace(mailbox), signal))
      const removals = othersIn(present.get(mailbox) ?? [], copies).map(
        ({ metadata: { namespace, name, uid } }) =>
          () =>
            client.delete(NetworkEndpointSlices, { namespace, name }, { uid, signal }),
      )
      // A full mailbox refuses what comes, until something leaves it.
      await eachForItself([...writes, ...removals], signal, (change) => change())
    })
  }

  const announce = (network: VirtualNetwork, problems: ReturnType<typeof judgeEndpoints>['problems']): void => {
    for (const { reason, message } of problems)
      if (reason === 'DuplicateMAC')
        events.record({
          regarding: network,
          resource: VirtualNetworks,
          type: 'Warning',
          reason,
          action: 'HandOnEndpoint',
          note: `${message}: give one of the two another MAC address`,
        })
  }

  return new Controller({
    name: 'hub.endpoints',
    logger,
    metrics,
    clock,
    workers: 4,
    sources: [
      source(slices, ({ metadata, spec }) =>
        clusterOfMailbox(metadata.namespace) === undefined ? [] : [spec.network],
      ),
      source(networks, requestOfNetwork),
      source(classes, () => networks.lister.list().flatMap((network) => requestOfNetwork(network))),
    ],
    reconcile: async (key, { signal }) => {
      const network = networks.lister.get(key)
      if (!network) return await fanOut(key, [], signal)
      const { slices: accepted, problems } = judgeEndpoints(network, informers)
      announce(network, problems)
      await fanOut(key, accepted, signal)
    },
  })
}
