// All that one step of publication knows, with the questions about acknowledgement answered once.
import type { Digest } from '#crds/names.ts'
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { Topology } from '#operator/compile/topology.ts'
import { type NetworkView, type Published, type View, viewOf } from './view.ts'

/** A topology with the number of its revision. */
export type DesiredNetwork = Topology & { revision: number }

/** `addresses`: underlay addresses that neighbours may send to, the preferred one first. */
export type BridgeIdentity = { addresses: readonly string[]; nodeUID: string }

/** A spec by its numbers: serials alone may repeat, when a leader wrote over what another had written. */
export type ProgrammedSpec = { epoch: number; serial: number }

/** Whether a node has this very spec in its kernel. */
export const isInKernel = (spec: NodeBridgeSpec | undefined, programmed: ProgrammedSpec | undefined): boolean =>
  spec?.serial !== undefined && spec.serial === programmed?.serial && spec.epoch === programmed.epoch

export type AdvanceInput = {
  overlayUID: string
  /** Term of this hub: a spec of an older term counts as not acknowledged, so that nothing rests on what another leader may still write. */
  epoch: number
  udpPort: number
  published: Published
  /** What each bridge that reported of its present Node has in its kernel. */
  programmed: ReadonlyMap<string, ProgrammedSpec>
  /** Bridges that will not answer soon: as leaves of a flood tree they do not hold up the others. */
  absent: ReadonlySet<string>
  networks: ReadonlyMap<string, DesiredNetwork>
  /** Living bridges that have an address. */
  bridges: ReadonlyMap<string, BridgeIdentity>
  digest: Digest
}

export type Situation = AdvanceInput & {
  /** The different neighbourhoods of the networks: most networks share theirs. */
  neighbourMaps: readonly Topology['neighbours'][]
  view: View
  /** Living bridges that may hold an older spec than the published one. */
  unacknowledged: readonly string[]
  isAcknowledged: (bridge: string) => boolean
  isLiving: (bridge: string) => boolean
  /** The network at a bridge as published; undefined when it is another one of the same name. */
  carried: (bridge: string, network: DesiredNetwork) => NetworkView | undefined
}

const acknowledges = ({ published, programmed, epoch }: AdvanceInput, bridge: string): boolean => {
  const spec = published.get(bridge)
  return spec?.epoch === epoch && isInKernel(spec, programmed.get(bridge))
}

export const situationOf = (input: AdvanceInput): Situation => {
  const view = viewOf(input.published)
  const acknowledged = new Set([...input.published.keys()].filter((bridge) => acknowledges(input, bridge)))
  return {
    ...input,
    neighbourMaps: [...new Set([...input.networks.values()].map(({ neighbours }) => neighbours))],
    view,
    unacknowledged: [...input.published.keys()].filter((bridge) => !acknowledged.has(bridge)),
    isAcknowledged: (bridge) => acknowledged.has(bridge),
    isLiving: (bridge) => input.published.has(bridge),
    carried: (bridge, { network, vni }) => {
      const found = view.get(bridge)?.networks.get(network)
      return found?.entry.vni === vni ? found : undefined
    },
  }
}
