import type { BridgeNetwork, BridgeTree, RetiredNetwork } from '#crds/node-bridge.ts'
import type { Step } from './step.ts'
import { tornTrees } from './tree-numbers.ts'

const treesOf = (step: Step, bridge: string, vni: number): { tree: number; names: string[] }[] => {
  const { spec, neighbourOf } = step.view.get(bridge) ?? {}
  return (spec?.trees ?? [])
    .filter((entry) => entry.vni === vni)
    .map(({ tree, links }) => ({ tree, names: links.flatMap((id) => neighbourOf?.get(id) ?? []) }))
}

/**
 * What is taken from the bridge at once, though it may hold it until it acknowledges: networks that are gone altogether, trees whose branches led
 * to deleted bridges, and trees that there is no place for. Their numbers stay reserved for so long.
 */
export const nextRetired = (
  step: Step,
  bridge: string,
  { networks, dropped }: { networks: readonly BridgeNetwork[]; dropped: readonly BridgeTree[] },
): RetiredNetwork[] => {
  const spec = step.view.get(bridge)?.spec ?? {}
  const kept = new Set(networks.map(({ name, vni }) => `${name} ${vni}`))
  const gone = (spec.networks ?? [])
    .filter(({ name, vni }) => !kept.has(`${name} ${vni}`))
    .map(({ name, vni }) => ({ name, vni, trees: treesOf(step, bridge, vni).map(({ tree }) => tree) }))
  const torn = [...step.networks.values()].flatMap((network) => {
    const lost = treesOf(step, bridge, network.vni).filter(({ names }) => !names.every(step.isLiving))
    if (lost.length === 0) return []
    const numbers = tornTrees(network, step)
    const trees = lost.map(({ tree }) => tree).filter((tree) => numbers.has(tree))
    return trees.length > 0 ? [{ name: network.network, vni: network.vni, trees }] : []
  })
  const displaced = networks.flatMap(({ name, vni }) => {
    const trees = dropped.filter((each) => each.vni === vni).map(({ tree }) => tree)
    return trees.length > 0 ? [{ name, vni, trees }] : []
  })
  return [...(step.isAcknowledged(bridge) ? [] : (spec.retired ?? [])), ...gone, ...torn, ...displaced]
}
