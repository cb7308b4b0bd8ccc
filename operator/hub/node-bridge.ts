// Everything that bridges must program: gather → compile → advance → write. One request, since networks share links and labels.
import type { NodeBridge } from '#crds/node-bridge.ts'
import { compileInSteps } from '#operator/compile/compile.ts'
import { createCompileCache } from '#operator/compile/compile-cache.ts'
import { type AdvanceOutput, advanceInSteps } from '#operator/publish/advance.ts'
import { createMemory } from '#operator/publish/memory.ts'
import { isInKernel } from '#operator/publish/situation.ts'
import { type SpecWrite, SpecWriter } from '#operator/publish/spec-writer.ts'
import { isConflict } from '#runtime/api-error.ts'
import { Controller, type Source } from '#runtime/controller.ts'
import { sha256 } from '#runtime/digest.ts'
import type { Logger } from '#runtime/logging.ts'
import { advanceInput } from './advance-input.ts'
import { type BridgeReport, isWritable } from './bridge-reports.ts'
import { gatherBridges, overlayUIDOf } from './bridge-view.ts'
import type { HubDeps } from './deps.ts'
import { DesiredNetworks } from './desired-networks.ts'
import { gatherOverlay } from './gather-overlay.ts'
import { inSlices } from './in-slices.ts'
import type { HubInformers } from './informers.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { hubMetrics } from './metrics.ts'
import { OutstandingSpecs } from './outstanding.ts'
import type { OverlayBoards } from './overlay-report.ts'
import { networkReports } from './progress.ts'
import {
  relevantOfBridge,
  relevantOfCluster,
  relevantOfNamespace,
  relevantOfNetwork,
  relevantSource,
} from './relevant-changes.ts'
import { Renewals } from './renewals.ts'

const REQUEST = 'overlay'
/** Changes within this time make one step: acknowledgements come in crowds. */
const COALESCE_MS = 50
/** A step that takes long is not begun again at once: others need the processor too. */
const MAX_PAUSE_MS = 1_000
/** While acknowledgements are owed, their age is looked at again. */
const CHECK_MS = 5_000
const RETRY_MS = 2_000

type Context = { log: Logger; signal: AbortSignal }

const sourcesOf = ({ bridges, networks, clusters, namespaces, links, classes }: HubInformers): Source[] => [
  relevantSource(bridges, relevantOfBridge, ({ metadata }) =>
    clusterOfMailbox(metadata.namespace) === undefined ? [] : [REQUEST],
  ),
  relevantSource(networks, relevantOfNetwork, ({ metadata }) =>
    clusterOfMailbox(metadata.namespace) === undefined ? [REQUEST] : [],
  ),
  relevantSource(clusters, relevantOfCluster, () => [REQUEST]),
  relevantSource(namespaces, relevantOfNamespace, () => [REQUEST]),
  relevantSource(
    links,
    ({ metadata }) => [metadata.generation, metadata.deletionTimestamp],
    () => [REQUEST],
  ),
  relevantSource(
    classes,
    ({ metadata }) => metadata.generation,
    () => [REQUEST],
  ),
]

export const nodeBridgeController = (
  deps: HubDeps,
  informers: HubInformers,
  { boards, epoch }: { boards: OverlayBoards; epoch: number },
): Controller => {
  const { client, cluster: ownCluster, udpPort, clock, logger, metrics } = deps
  const writer = new SpecWriter(client)
  const desiredNetworks = new DesiredNetworks(client, informers)
  const outstanding = new OutstandingSpecs(clock)
  const renewals = new Renewals()
  const instruments = hubMetrics(metrics)
  const cache = createCompileCache()
  const memory = createMemory()
  let lastStepMs = 0

  const gather = () => gatherBridges(informers, (object: NodeBridge) => writer.newest(object))

  const observe = (reports: readonly BridgeReport[]): void => {
    for (const { bridge, spec, programmed } of reports)
      outstanding.observe(bridge, spec.serial ?? 0, spec.epoch === epoch && isInKernel(spec, programmed))
    const bridges = new Set(reports.map(({ bridge }) => bridge))
    outstanding.retain(bridges)
    renewals.retain(bridges)
    instruments.bridges.set(reports.length)
    instruments.outstanding.set(outstanding.size)
  }

  const writesOf = ({ next }: AdvanceOutput, reports: readonly BridgeReport[]): SpecWrite[] =>
    reports.flatMap(({ bridge, object, cluster }) => {
      const spec = next.get(bridge)
      return spec && isWritable(informers.clusters.lister.get(cluster)) ? [{ bridge, object, spec }] : []
    })

  const write = async (writes: SpecWrite[], { log, signal }: Context): Promise<boolean> => {
    const failures = await writer.write(writes, signal)
    instruments.specsWritten.inc(writes.length - failures.length)
    for (const { bridge, error } of failures)
      if (isConflict(error)) log.info({ peer: bridge }, 'somebody else wrote the spec of a bridge; deciding anew')
      else log.warn({ peer: bridge, err: error }, 'the spec of a bridge could not be written; it will be tried again')
    return failures.length === 0
  }

  /** What is to be published, from one look at everything. */
  const decide = async (reports: readonly BridgeReport[], context: Context) => {
    const overlayUID = overlayUIDOf(informers)
    if (!overlayUID) throw new Error('publishing: the namespace kube-system, whose UID names the overlay, is not there')
    const { signal } = context
    const gathered = gatherOverlay(informers, reports, ownCluster)
    const { topologies, links } = await inSlices(compileInSteps(gathered.input, cache), signal)
    const { desired, revisions } = await desiredNetworks.settle(gathered, topologies, context)
    observe(reports)
    const input = advanceInput(reports, {
      overlayUID,
      epoch,
      udpPort,
      networks: desired,
      isOverdue: (bridge) => outstanding.isOverdue(bridge),
      digest: sha256,
    })
    const output = await inSlices(advanceInSteps(input, memory), signal)
    return { links, desired, revisions, output }
  }

  return new Controller({
    name: 'hub.node-bridge',
    logger,
    metrics,
    clock,
    sources: sourcesOf(informers),
    reconcile: async (_, { signal, log }) => {
      await clock.sleep(Math.max(COALESCE_MS, Math.min(lastStepMs, MAX_PAUSE_MS)), signal)
      const startedMs = clock.monotonicMs()
      const reports = gather()
      const { links, desired, revisions, output } = await decide(reports, { log, signal })
      instruments.stepSeconds.observe((clock.monotonicMs() - startedMs) / 1000)
      renewals.note(reports, output)
      const isWritten = await write(writesOf(output, reports), { log, signal })
      const present = gather()
      observe(present)
      const report = networkReports({
        output,
        networks: desired,
        revisions,
        reports: new Map(present.map((each) => [each.bridge, each])),
        outstanding: (report) => (renewals.isCarriedOut(report) ? undefined : outstanding.get(report.bridge)),
      })
      boards.networks.replaceAll(await inSlices(report, signal))
      boards.links.replaceAll(links)
      lastStepMs = clock.monotonicMs() - startedMs
      if (!isWritten) return { requeueAfterMs: RETRY_MS }
      return outstanding.size > 0 ? { requeueAfterMs: CHECK_MS } : undefined
    },
  })
}
