import type { NameSet } from '#operator/compile/name-set.ts'
import { pathText } from '#operator/compile/topology.ts'
import { rememberPairs } from './remember-pairs.ts'
import { nextFloodTree, nextRoutes } from './roots.ts'
import type { DesiredNetwork } from './situation.ts'
import type { Step } from './step.ts'
import { labelEntry } from './supports.ts'
import { createWaitingList } from './waiting.ts'

const contains = (set: ReadonlySet<string> | undefined, wanted: Iterable<string>): boolean =>
  [...wanted].every((each) => set?.has(each))

const hasNeighbours = rememberPairs((desired: NameSet, published: ReadonlySet<string>) => contains(published, desired))

const NOBODY: NameSet = new Set()

/** Whether every label that passes the bridge is published as it should be. */
const hasLabels = (step: Step, bridge: string): boolean =>
  [...(step.numbers.remainders.get(bridge)?.values() ?? [])].every((path) => {
    const known = step.view.get(bridge)?.labelOfPath.get(pathText(path))
    return known !== undefined && known.nextLabel === labelEntry(step, path).nextLabel
  })

/** Whether the published spec of the bridge has all that the network wants of it, roots and supports. */
export const isSettled = (step: Step, bridge: string, network: DesiredNetwork): boolean => {
  const carried = step.carried(bridge, network)
  if (!carried || carried.entry.access !== network.access.has(bridge)) return false
  const waiting = createWaitingList()
  const probe = { ...step, waiting }
  const branches = network.tree?.get(bridge)
  const tree = step.numbers.trees.get(network.network) ?? 0
  const routes = carried.entry.access ? nextRoutes(probe, bridge, network) : []
  const floodTree = carried.entry.access ? nextFloodTree(probe, bridge, network) : 0
  return (
    waiting.entries().length === 0 &&
    floodTree === carried.entry.floodTree &&
    routes.length === carried.routes.size &&
    routes.every(({ to, link, label }) => {
      const known = carried.routes.get(to)
      return known?.link === link && known.label === label
    }) &&
    hasNeighbours(network.neighbours.get(bridge) ?? NOBODY, carried.neighbours) &&
    (!branches || contains(step.view.get(bridge)?.trees.get(`${network.vni}/${tree}`), branches)) &&
    hasLabels(step, bridge)
  )
}
