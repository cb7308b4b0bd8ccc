// One step from what is published towards what is desired, make before break by acknowledgement (hack/adr/0001). Stateless: a new leader goes on
// from the published specs. Each bridge's next spec is justified by what is published and acknowledged alone, never by another spec of the same
// step: so any part of a step may fail to be written.
import { isDeepStrictEqual } from 'node:util'
import type { BridgeNetwork, NodeBridgeSpec } from '#crds/node-bridge.ts'
import { numbersOf } from './numbers.ts'
import { nextRetired } from './retired.ts'
import { nextFloodTree, nextRoutes } from './roots.ts'
import { isSettled } from './settled.ts'
import { type AdvanceInput, type DesiredNetwork, situationOf } from './situation.ts'
import { linkNumber, type Step } from './step.ts'
import { nextLabels, nextLinks, nextNeighbours, nextTrees } from './supports.ts'
import { type Usage, usageOf } from './usage.ts'
import { createWaitingList, type Waiting } from './waiting.ts'

export type AdvanceOutput = {
  /** Specs that differ from the published ones. */
  next: Map<string, NodeBridgeSpec>
  waiting: Waiting[]
  /** For each network, the bridges whose published spec is what it should be in the end (but for old parts that still drain). */
  settled: Map<string, Set<string>>
}

/** A network at a bridge that it is to leave: nothing starts here, but others may still pass. */
const leavingEntry = (step: Step, bridge: string, network: DesiredNetwork): BridgeNetwork | undefined => {
  const carried = step.carried(bridge, network)
  if (!carried) return undefined
  const links = nextNeighbours(step, bridge, network).map((neighbour) => linkNumber(step, bridge, neighbour))
  const isEmpty = links.length === 0 && nextTrees(step, bridge, network).length === 0
  if (isEmpty && step.isAcknowledged(bridge)) return undefined
  return { ...carried.entry, access: false, links: links.sort((left, right) => left - right), routes: [], floodTree: 0 }
}

const memberEntry = (step: Step, bridge: string, network: DesiredNetwork): BridgeNetwork => {
  const access = network.access.has(bridge)
  const links = nextNeighbours(step, bridge, network).map((neighbour) => linkNumber(step, bridge, neighbour))
  return {
    name: network.network,
    vni: network.vni,
    device: network.device,
    mtuBytes: network.mtuBytes,
    access,
    revision: network.revision,
    links: links.sort((left, right) => left - right),
    routes: access ? nextRoutes(step, bridge, network) : [],
    floodTree: access ? nextFloodTree(step, bridge, network) : 0,
  }
}

/** The revision of an entry is that of its newest parts: what a revision does not change here is not written again. */
const withRevision = (entry: BridgeNetwork, published: BridgeNetwork | undefined): BridgeNetwork => {
  if (!published) return entry
  const same = { ...entry, revision: published.revision }
  return isDeepStrictEqual(same, published) ? same : entry
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
  const trees = [...step.networks.values()].flatMap((network) =>
    present.has(network.network) ? nextTrees(step, bridge, network) : [],
  )
  const labels = nextLabels(step, bridge)
  const retired = nextRetired(step, bridge, networks)
  const nodeUID = step.bridges.get(bridge)?.nodeUID ?? published.nodeUID
  return {
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
    ...step.numbers.cursors.get(bridge),
    ...(retired.length > 0 ? { retired } : {}),
  }
}

export const advance = (input: AdvanceInput): AdvanceOutput => {
  const situation = situationOf(input)
  const waiting = createWaitingList()
  let usage: Usage | undefined
  const step: Step = {
    ...situation,
    waiting,
    numbers: numbersOf(situation),
    usage: () => {
      usage ??= usageOf(situation.view)
      return usage
    },
  }
  const next = new Map<string, NodeBridgeSpec>()
  for (const [bridge, published] of input.published) {
    const spec = nextSpec(step, bridge)
    if (!sameContent(spec, published)) next.set(bridge, spec)
  }
  const settled = new Map(
    [...input.networks.values()].map((network) => [
      network.network,
      new Set([...network.neighbours.keys()].filter((bridge) => isSettled(step, bridge, network))),
    ]),
  )
  return { next, waiting: waiting.entries(), settled }
}
