// What a spec holds at most (crds/node-bridge.ts). A node that does not answer keeps old parts everywhere, more with each change; the API server would
// refuse a spec with too many, for every network of the bridge.
import type { BridgeTree, RetiredNetwork } from '#crds/node-bridge.ts'
import type { Step } from './step.ts'

const MOST = { trees: 2048, retired: 1024, retiredTrees: 64 } as const

/** Trees that a bridge with VMs floods on now, by published specs. */
const treesInUse = ({ view }: Step): Set<string> => {
  const used = new Set<string>()
  for (const { spec } of view.values())
    for (const { vni, floodTree } of spec.networks ?? []) used.add(`${vni} ${floodTree}`)
  return used
}

/**
 * At most as many trees as a spec takes: those of the present topologies, then those in use, then old ones. What is dropped serves nobody but nodes
 * that have missed several changes.
 */
export const fittingTrees = (
  step: Step,
  trees: readonly BridgeTree[],
): { kept: BridgeTree[]; dropped: BridgeTree[] } => {
  if (trees.length <= MOST.trees) return { kept: [...trees], dropped: [] }
  const present = new Set(
    [...step.networks.values()].map(({ network, vni }) => `${vni} ${step.numbers.trees.get(network)}`),
  )
  const used = treesInUse(step)
  const rank = ({ vni, tree }: BridgeTree): number =>
    present.has(`${vni} ${tree}`) ? 0 : used.has(`${vni} ${tree}`) ? 1 : 2
  const ranked = [...trees].sort((left, right) => rank(left) - rank(right))
  return { kept: ranked.slice(0, MOST.trees), dropped: ranked.slice(MOST.trees) }
}

/** As many retired numbers as a spec takes, the newest. Numbers go round, so that an older one comes again late. */
export const fittingRetired = (retired: readonly RetiredNetwork[]): RetiredNetwork[] =>
  retired
    .flatMap((each) => {
      const parts = Math.max(1, Math.ceil(each.trees.length / MOST.retiredTrees))
      return Array.from({ length: parts }, (_, part) => ({
        ...each,
        trees: each.trees.slice(part * MOST.retiredTrees, (part + 1) * MOST.retiredTrees),
      }))
    })
    .slice(-MOST.retired)
