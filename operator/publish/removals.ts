// Whether a support may go: each question is answered by the bridges that it waits for. None: it may.
import type { BridgeLabel } from '#crds/node-bridge.ts'
import { isReachable } from '#operator/compile/topology.ts'
import type { DesiredNetwork, Situation } from './situation.ts'
import type { Usage } from './usage.ts'

/** Supports leave a spec only after the bridge acknowledged it: so a spec always names all that its bridge may hold. */
const ownAcknowledgement = (situation: Situation, bridge: string): string[] =>
  situation.isAcknowledged(bridge) ? [] : [bridge]

/** A neighbour that may hold an older spec may hold a route over any label that is here. */
export const waitsForLabel = (situation: Situation, usage: Usage, bridge: string, label: BridgeLabel): string[] => {
  const user = usage.userOfLabel(bridge, label.label)
  const mayUse = situation.unacknowledged.filter((other) => situation.view.get(other)?.links.has(bridge))
  return [...ownAcknowledgement(situation, bridge), ...(user === undefined ? [] : [user]), ...mayUse]
}

/** Whether `from` still sends to `to` over their direct link although the network has other ways for it. */
const sendsDirectly = (situation: Situation, network: DesiredNetwork, from: string, to: string): boolean => {
  const carried = situation.carried(from, network)
  if (!carried?.entry.access || !carried.neighbours.has(to)) return false
  const leavesUnicast = isReachable(network, from, to) && !carried.routes.has(to)
  const leavesFlood = carried.entry.floodTree === 0 && (network.tree?.has(from) ?? false)
  return leavesUnicast || leavesFlood
}

const isOnTree = (situation: Situation, { vni }: DesiredNetwork, from: string, to: string): boolean =>
  [...(situation.view.get(from)?.trees ?? [])].some(([key, names]) => key.startsWith(`${vni}/`) && names.has(to))

/** The permission of a network to pass between two neighbours. */
export const waitsForAllowance = (
  situation: Situation,
  usage: Usage,
  network: DesiredNetwork,
  [bridge, neighbour]: readonly [string, string],
): string[] => {
  const user = usage.userOfLink(network.network, bridge, neighbour)
  const ends = [
    [bridge, neighbour],
    [neighbour, bridge],
  ] as const
  const senders = ends
    .filter(([from, to]) => sendsDirectly(situation, network, from, to) || isOnTree(situation, network, from, to))
    .map(([from]) => from)
  const peer = situation.carried(neighbour, network) ? ownAcknowledgement(situation, neighbour) : []
  const mayUse = usage.isOnLabel(bridge, neighbour)
    ? situation.unacknowledged.filter((other) => situation.carried(other, network))
    : []
  return [
    ...ownAcknowledgement(situation, bridge),
    ...peer,
    ...(user === undefined ? [] : [user]),
    ...senders,
    ...mayUse,
  ]
}

/** A flood tree that is no longer the network's: whoever may still flood on it holds it. */
export const waitsForTree = (situation: Situation, network: DesiredNetwork, bridge: string, tree: number): string[] => {
  const users = [...situation.view.keys()].filter((other) => {
    const carried = situation.carried(other, network)
    return carried && (carried.entry.floodTree === tree || !situation.isAcknowledged(other))
  })
  return [...ownAcknowledgement(situation, bridge), ...users]
}
