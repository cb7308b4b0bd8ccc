// One step from what is published towards what is desired, make before break by acknowledgement (hack/adr/0001). Stateless: a new leader goes on
// from the published specs. Each bridge's next spec is justified by what is published and acknowledged alone, never by another spec of the same
// step: so any part of a step may fail to be written.
import { isDeepStrictEqual } from 'node:util'
import { shareLinkSets } from '#crds/link-sets.ts'
import type { BridgeNetwork, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { drain } from '#operator/compile/drain.ts'
import { type AdvanceMemory, createMemory, isQuiet, refresh, remember } from './memory.ts'
import { numbersOf } from './numbers.ts'
import { fittingRetired, fittingTrees } from './object-room.ts'
import { rememberPairs } from './remember-pairs.ts'
import { nextRetired } from './retired.ts'
import { nextFloodTree, nextRoutes } from './roots.ts'
import { isSettled } from './settled.ts'
import { type AdvanceInput, type DesiredNetwork, situationOf } from './situation.ts'
import type { Step } from './step.ts'
import { nextLabels, nextLinkIds, nextLinks, nextTrees } from './supports.ts'
import { usageOf } from './usage.ts'
import { createWaitingList, type Waiting } from './waiting.ts'

export type AdvanceOutput = {
  /** Specs that differ from the published ones. */
  next: Map<string, NodeBridgeSpec>
  /** Those of them that a new leader renews: they ask nothing new of the node. */
  renewed: ReadonlySet<string>
  waiting: Waiting[]
  /** Whether the published spec of a bridge has all that a network wants of it in the end (old parts may still drain). */
  isSettled: (network: string, bridge: string) => boolean
}

/** A network at a bridge that it is to leave: nothing starts here, but others may still pass. */
const leavingEntry = (step: Step, bridge: string, network: DesiredNetwork): BridgeNetwork | undefined => {
  const carried = step.carried(bridge, network)
  if (!carried) return undefined
  const links = nextLinkIds(step, bridge, network)
  const isEmpty = links.length === 0 && nextTrees(step, bridge, network).length === 0
  if (isEmpty && step.isAcknowledged(bridge)) return undefined
  return { ...carried.entry, access: false, links, routes: [], floodTree: 0 }
}

const memberEntry = (step: Step, bridge: string, network: DesiredNetwork): BridgeNetwork => {
  const access = network.access.has(bridge)
  const links = nextLinkIds(step, bridge, network)
  return {
    name: network.network,
    vni: network.vni,
    device: network.device,
    mtuBytes: network.mtuBytes,
    access,
    revision: network.revision,
    links,
    routes: access ? nextRoutes(step, bridge, network) : [],
    floodTree: access ? nextFloodTree(step, bridge, network) : 0,
  }
}

const sameNumbers = rememberPairs(
  (left: readonly number[], right: readonly number[]) =>
    left.length === right.length && left.every((number, index) => number === right[index]),
)

/** The revision of an entry is that of its newest parts: what a revision does not change here is not written again. */
const withRevision = (entry: BridgeNetwork, published: BridgeNetwork | undefined): BridgeNetwork => {
  if (!published) return entry
  const { links, ...rest } = { ...entry, revision: published.revision }
  const { links: publishedLinks, ...publishedRest } = published
  const isSame = sameNumbers(links, publishedLinks) && isDeepStrictEqual(rest, publishedRest)
  return isSame ? { ...rest, links } : entry
}

const nextNetworks = (step: Step, bridge: string): BridgeNetwork[] =>
  [...step.networks.values()].flatMap((network) => {
    const entry = network.neighbours.has(bridge)
      ? memberEntry(step, bridge, network)
      : leavingEntry(step, bridge, network)
    return entry ? [withRevision(entry, step.carried(bridge, network)?.entry)] : []
  })

/** Whether two specs ask the same of the node; the order of fields, which the API server may change, does not matter. */
const sameContent = (left: NodeBridgeSpec, right: NodeBridgeSpec): boolean => {
  const { serial: _, retired: __, ...ours } = left
  const { serial: ___, retired: ____, ...theirs } = right
  return isDeepStrictEqual(ours, theirs)
}

const nextSpec = (step: Step, bridge: string): NodeBridgeSpec => {
  const published = step.view.get(bridge)?.spec ?? {}
  const networks = nextNetworks(step, bridge).sort((left, right) => (left.name < right.name ? -1 : 1))
  const present = new Set(networks.map(({ name }) => name))
  const wanted = [...step.networks.values()].flatMap((network) =>
    present.has(network.network) ? nextTrees(step, bridge, network) : [],
  )
  const { kept: trees, dropped } = fittingTrees(step, wanted)
  const labels = nextLabels(step, bridge)
  const retired = fittingRetired(nextRetired(step, bridge, { networks, dropped }))
  const nodeUID = step.bridges.get(bridge)?.nodeUID ?? published.nodeUID
  return shareLinkSets({
    overlayUID: step.overlayUID,
    epoch: step.epoch,
    serial: Math.max(published.serial ?? 0, step.programmed.get(bridge)?.serial ?? 0) + 1,
    ...(nodeUID === undefined ? {} : { nodeUID }),
    bridge,
    udpPort: step.udpPort,
    links: nextLinks(step, bridge, { labels, networks, trees }),
    networks,
    labels,
    trees: trees.sort((left, right) => left.vni - right.vni || left.tree - right.tree),
    ...step.numbers.of(bridge)?.cursors,
    ...(retired.length > 0 ? { retired } : {}),
  })
}

/** Networks that are settled at a bridge whose spec changes, or that waits. */
const settledAt = (step: Step, bridge: string): Set<string> =>
  new Set(
    [...step.networks.values()]
      .filter((network) => network.neighbours.has(bridge) && isSettled(step, bridge, network))
      .map(({ network }) => network),
  )

/** `advance` in steps of one bridge each, for whoever must not be held up by the whole. */
export function* advanceInSteps(
  input: AdvanceInput,
  memory: AdvanceMemory = createMemory(),
): Generator<void, AdvanceOutput> {
  refresh(memory, input)
  const situation = situationOf(input)
  const waiting = createWaitingList()
  // First, since it looks into each spec in a step of its own.
  const usage = yield* usageOf(situation.view)
  const numbers = yield* numbersOf(situation)
  const step: Step = {
    ...situation,
    waiting,
    linkIds: new Map(),
    numbers,
    usage,
  }
  const next = new Map<string, NodeBridgeSpec>()
  const renewed = new Set<string>()
  const partly = new Map<string, Set<string>>()
  for (const [bridge, published] of input.published) {
    if (isQuiet(memory, situation, bridge)) continue
    memory.quiet.delete(bridge)
    const spec = nextSpec(step, bridge)
    const isSame = sameContent(spec, published)
    if (!isSame) next.set(bridge, spec)
    if (spec.epoch !== published.epoch && sameContent({ ...spec, epoch: 0 }, { ...published, epoch: 0 }))
      renewed.add(bridge)
    if (!isSame || waiting.concerns(bridge)) partly.set(bridge, settledAt(step, bridge))
    else remember(memory, situation, bridge, step.numbers.remainders.has(bridge))
    yield
  }
  return {
    next,
    renewed,
    waiting: waiting.entries(),
    isSettled: (network, bridge) =>
      partly.get(bridge)?.has(network) ??
      (input.published.has(bridge) && (input.networks.get(network)?.neighbours.has(bridge) ?? false)),
  }
}

export const advance = (input: AdvanceInput): AdvanceOutput => drain(advanceInSteps(input))
