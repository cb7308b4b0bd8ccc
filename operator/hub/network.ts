// VirtualNetwork → its status and its projections.
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { isNotFound } from '#runtime/api-error.ts'
import { findCondition, sameStatus } from '#runtime/conditions.ts'
import { Controller, source } from '#runtime/controller.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'
import { gatherBridges } from './bridge-view.ts'
import { type HubDeps, timeOf } from './deps.ts'
import { Derived } from './derived.ts'
import { judgeEndpoints } from './endpoint-view.ts'
import { departureOf, inUseCondition, protect, release } from './in-use.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { MtuWait } from './mtu-wait.ts'
import type { ClusterView } from './network-conditions.ts'
import type { NetworkDecision } from './network-decision.ts'
import { keyOfNetwork, NetworkIndex } from './network-index.ts'
import { networkStatus } from './network-status.ts'
import { connectedClusters, decideNetwork, userNetworks } from './network-view.ts'
import type { OverlayBoards } from './overlay-report.ts'
import { Projector, projectionIn, requestOfNetwork } from './projections.ts'
import { relevantOfBridge, relevantOfCluster, relevantSource, relevantToOthers } from './relevant-changes.ts'

export const networkController = (deps: HubDeps, informers: HubInformers, boards: OverlayBoards): Controller => {
  const { client, cluster: ownCluster, logger, metrics, clock } = deps
  const { networks, clusters, classes, bridges, slices, namespaces } = informers
  const projector = new Projector(client, informers, boards.refusals)
  /** Numbers given out by us that the lister may not show yet. */
  const given = new Map<string, { uid: string; vni: number }>()
  const reports = new Derived([clusters, bridges, namespaces], () => gatherBridges(informers))
  const mtuWait = new MtuWait(clock)
  const index = new Derived([networks], () => new NetworkIndex(userNetworks(informers).map(withGiven)))
  const all = (): string[] => userNetworks(informers).map(keyOfNetwork)
  const refused = (): string[] =>
    userNetworks(informers)
      .filter(({ status }) => findCondition(status?.conditions, 'Accepted')?.status === 'False')
      .map(keyOfNetwork)

  /** Networks with the numbers that we gave them: two new ones must not get the same. */
  const withGiven = (network: VirtualNetwork): VirtualNetwork => {
    const known = given.get(keyOfNetwork(network))
    if (!known || known.uid !== network.metadata.uid || network.status?.vni !== undefined) return network
    return { ...network, status: { ...network.status, vni: known.vni } }
  }

  const decideNow = (network: VirtualNetwork): NetworkDecision => {
    const decision = decideNetwork(withGiven(network), informers, {
      reports: reports.get(),
      ownCluster,
      all: index.get(),
    })
    if (decision.vni !== undefined && !decision.objection) give(network, decision.vni)
    return decision
  }

  const give = (network: VirtualNetwork, vni: number): void => {
    const [key, uid] = [keyOfNetwork(network), network.metadata.uid ?? '']
    const known = given.get(key)
    if (known?.uid === uid && known.vni === vni) return
    given.set(key, { uid, vni })
    index.forget()
  }

  const takeBack = (key: string): void => {
    mtuWait.forget(key)
    if (given.delete(key)) index.forget()
  }

  const clusterView = (name: string, key: string, connected: ReadonlySet<string>): ClusterView => {
    const cluster = clusters.lister.get(name)
    if (!cluster) {
      const message = `there is no MemberCluster ${name}: join it with "kubectl vnet join ${name}", or correct spec.clusters`
      return { name, isConnected: false, objection: { reason: 'ClusterUnknown', message } }
    }
    if (!connected.has(name)) {
      const ready = findCondition(cluster.status?.conditions, 'Ready')
      const objection = { reason: ready?.reason ?? 'AwaitingMember', message: ready?.message ?? 'no heartbeat yet' }
      return { name, isConnected: false, objection }
    }
    const entry = projectionIn(name, key, informers)?.status?.clusters?.find((each) => each.name === name)
    const own = boards.networks.get(key)?.bridges.filter((each) => each.cluster === name && each.isAccess) ?? []
    if (own.length > 0 && own.every(({ isReady }) => !isReady)) {
      const message = `none of its ${own.length} bridges is ready: ${own[0]?.bridge}: ${own[0]?.problem}`
      return { name, isConnected: true, objection: { reason: 'BridgesNotReady', message } }
    }
    if (entry?.ready) return { name, isConnected: true, objection: undefined }
    const { reason = 'AwaitingMember', message = 'the member has not reported on it yet' } = entry ?? {}
    return { name, isConnected: true, objection: { reason, message } }
  }

  return new Controller({
    name: 'hub.network',
    logger,
    metrics,
    clock,
    sources: [
      reports,
      index,
      source(networks, requestOfNetwork),
      // A number or a place that one gives back may be what another waits for.
      relevantSource(networks, relevantToOthers, refused),
      boards.networks.source(),
      boards.networks.filling(all),
      boards.refusals.source(),
      source(slices, ({ metadata, spec }) =>
        clusterOfMailbox(metadata.namespace) === undefined ? [] : [spec.network],
      ),
      relevantSource(clusters, relevantOfCluster, all),
      source(classes, all),
      source(namespaces, ({ metadata }) => all().filter((key) => key.startsWith(`${metadata?.name}/`))),
      // What bridges report decides about numbers: of networks that wait for theirs.
      relevantSource(bridges, relevantOfBridge, () =>
        all().filter((key) => networks.lister.get(key)?.status?.mtuBytes === undefined),
      ),
    ],
    reconcile: async (key, { signal }) => {
      const network = networks.lister.get(key)
      if (!network || clusterOfMailbox(network.metadata.namespace) !== undefined) {
        takeBack(key)
        return await projector.withdraw(key, signal)
      }
      const connected = connectedClusters(informers)
      const endpoints = judgeEndpoints(network, informers)
      const departure = departureOf(network, endpoints.counts, connected)
      if (departure?.state === 'Leaving') {
        takeBack(key)
        await projector.withdraw(key, signal)
        return await release(client, network, signal)
      }
      await protect(client, network, signal)
      const { decision, againInMs } = mtuWait.settle(decideNow(network))
      const status = networkStatus({
        network,
        decision,
        report: boards.networks.get(key),
        isReported: boards.networks.isFilled,
        refusals: boards.refusals.of(key),
        endpoints,
        departure: departure && inUseCondition(departure.attached, departure.clusters),
        clusters: decision.clusters.map((name) => clusterView(name, key, connected)),
        now: timeOf(deps),
      })
      if (!sameStatus(network.status, status)) {
        const { name, namespace } = network.metadata
        try {
          await client.applyStatus(VirtualNetworks, { metadata: { name, namespace }, status } as never, { signal })
        } catch (error) {
          // It was deleted meanwhile; the request for that is on its way.
          if (isNotFound(error)) return
          throw error
        }
      }
      const isSettled = decision.vni !== undefined && decision.mtuBytes !== undefined
      if (!decision.objection && isSettled) await projector.project(network, decision.clusters, status, signal)
      return { requeueAfterMs: againInMs }
    },
  })
}
