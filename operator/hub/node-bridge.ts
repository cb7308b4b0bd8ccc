// Everything that bridges must program: gather → compile → advance → write. One request, since networks share links and labels.
import type { NodeBridge } from '#crds/node-bridge.ts'
import { compile } from '#operator/compile/compile.ts'
import { advance } from '#operator/publish/advance.ts'
import {
  type BridgeIdentity,
  type DesiredNetwork,
  isInKernel,
  type ProgrammedSpec,
} from '#operator/publish/situation.ts'
import { type SpecWrite, SpecWriter } from '#operator/publish/spec-writer.ts'
import { Controller, source } from '#runtime/controller.ts'
import { sha256 } from '#runtime/digest.ts'
import type { Logger } from '#runtime/logging.ts'
import { type BridgeReport, isWritable } from './bridge-reports.ts'
import { gatherBridges, overlayUIDOf } from './bridge-view.ts'
import type { HubDeps } from './deps.ts'
import { type GatheredOverlay, gatherOverlay, isUsable } from './gather-overlay.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { hubMetrics } from './metrics.ts'
import { OutstandingSpecs } from './outstanding.ts'
import type { OverlayBoards } from './overlay-report.ts'
import { networkReports } from './progress.ts'
import { type Revision, RevisionKeeper, revisionsOf } from './revisions.ts'

const REQUEST = 'overlay'
/** Changes within this time make one step: acknowledgements come in crowds. */
const COALESCE_MS = 50
/** While acknowledgements are owed, their age is looked at again. */
const CHECK_MS = 5_000
const RETRY_MS = 2_000

export const nodeBridgeController = (
  deps: HubDeps,
  informers: HubInformers,
  { boards, epoch }: { boards: OverlayBoards; epoch: number },
): Controller => {
  const { client, cluster: ownCluster, udpPort, clock, logger, metrics } = deps
  const writer = new SpecWriter(client)
  const keeper = new RevisionKeeper(client, informers)
  const outstanding = new OutstandingSpecs(clock)
  const instruments = hubMetrics(metrics)

  /** A network whose revision cannot be written (its namespace may be going) is carried all the same. */
  const keepRevisions = async (
    { input, networks }: GatheredOverlay,
    topologies: ReturnType<typeof compile>['topologies'],
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<{ desired: Map<string, DesiredNetwork>; revisions: Map<string, Revision> }> => {
    const desired = new Map<string, DesiredNetwork>()
    const revisions = new Map<string, Revision>()
    for (const { network } of input.networks) {
      const gathered = networks.get(network)
      const topology = topologies.get(network)
      if (!gathered || !topology) continue
      const { object } = gathered
      const revision = await keeper.keep(object, topology, gathered.input, signal).catch((error) => {
        log.warn({ network, err: error }, 'the revision of a network could not be written')
        const [newest] = revisionsOf(object, informers)
        return { number: newest?.revision ?? 0, name: newest?.metadata?.name ?? '', previous: undefined }
      })
      revisions.set(network, revision)
      desired.set(network, { ...topology, revision: revision.number })
    }
    return { desired, revisions }
  }

  const observe = (reports: readonly BridgeReport[]): void => {
    for (const { bridge, spec, programmed } of reports)
      outstanding.observe(bridge, spec.serial ?? 0, spec.epoch === epoch && isInKernel(spec, programmed))
    outstanding.retain(new Set(reports.map(({ bridge }) => bridge)))
  }

  const step = (reports: readonly BridgeReport[], networks: Map<string, DesiredNetwork>, overlayUID: string) => {
    const bridges = new Map<string, BridgeIdentity>()
    for (const report of reports)
      if (isUsable(report)) bridges.set(report.bridge, { address: report.address, nodeUID: report.nodeUID })
    return advance({
      overlayUID,
      epoch,
      udpPort,
      published: new Map(reports.map(({ bridge, spec }) => [bridge, spec])),
      programmed: new Map(
        reports.flatMap(({ bridge, programmed }): [string, ProgrammedSpec][] =>
          programmed === undefined ? [] : [[bridge, programmed]],
        ),
      ),
      absent: new Set(
        reports.filter(({ bridge, isReady }) => !isReady || outstanding.isOverdue(bridge)).map(({ bridge }) => bridge),
      ),
      networks,
      bridges,
      digest: sha256,
    })
  }

  const writesOf = (next: ReadonlyMap<string, SpecWrite['spec']>, reports: readonly BridgeReport[]): SpecWrite[] =>
    reports.flatMap(({ bridge, object, cluster }) => {
      const spec = next.get(bridge)
      return spec && isWritable(informers.clusters.lister.get(cluster)) ? [{ bridge, object, spec }] : []
    })

  const write = async (
    writes: SpecWrite[],
    { log, signal }: { log: Logger; signal: AbortSignal },
  ): Promise<boolean> => {
    const failures = await writer.write(writes, signal)
    instruments.specsWritten.inc(writes.length - failures.length)
    for (const { bridge, error } of failures)
      log.warn({ peer: bridge, err: error }, 'the spec of a bridge could not be written; it will be tried again')
    return failures.length === 0
  }

  return new Controller({
    name: 'hub.node-bridge',
    logger,
    metrics,
    clock,
    sources: [
      source(informers.bridges, ({ metadata }) =>
        clusterOfMailbox(metadata.namespace) === undefined ? [] : [REQUEST],
      ),
      source(informers.networks, ({ metadata }) =>
        clusterOfMailbox(metadata.namespace) === undefined ? [REQUEST] : [],
      ),
      ...[informers.clusters, informers.links, informers.classes].map((each) =>
        source<never>(each as never, () => [REQUEST]),
      ),
      source(informers.namespaces, () => [REQUEST]),
    ],
    reconcile: async (_, { signal, log }) => {
      await clock.sleep(COALESCE_MS, signal)
      const overlayUID = overlayUIDOf(informers)
      if (!overlayUID)
        throw new Error('publishing: the namespace kube-system, whose UID names the overlay, is not there')
      const stopTimer = instruments.stepSeconds.startTimer()
      const newest = (object: NodeBridge) => writer.newest(object)
      const reports = gatherBridges(informers, newest)
      const gathered = gatherOverlay(informers, reports, ownCluster)
      const { topologies, links } = compile(gathered.input)
      const { desired, revisions } = await keepRevisions(gathered, topologies, { log, signal })
      observe(reports)
      const output = step(reports, desired, overlayUID)
      stopTimer()
      const isWritten = await write(writesOf(output.next, reports), { log, signal })
      const present = gatherBridges(informers, newest)
      observe(present)
      instruments.bridges.set(present.length)
      instruments.outstanding.set(outstanding.size)
      boards.links.replaceAll(links)
      boards.networks.replaceAll(
        networkReports({
          output,
          networks: desired,
          revisions,
          reports: new Map(present.map((report) => [report.bridge, report])),
          outstanding: (bridge) => outstanding.get(bridge),
        }),
      )
      if (!isWritten) return { requeueAfterMs: RETRY_MS }
      return outstanding.size > 0 ? { requeueAfterMs: CHECK_MS } : undefined
    },
  })
}
