// The roots of one bridge in one network: routes and the flood tree. A root flips when all that it leads over is programmed.
import type { BridgeRoute } from '#crds/node-bridge.ts'
import { isReachable, type Path, pathText } from '#operator/compile/topology.ts'
import type { DesiredNetwork } from './situation.ts'
import { labelNumber, linkNumber, type Step } from './step.ts'

/** Whether `bridge` is known to pass the network to and from `neighbours`. */
const isProgrammed = (
  step: Step,
  network: DesiredNetwork,
  bridge: string,
  neighbours: Iterable<string | undefined>,
): boolean => {
  const carried = step.carried(bridge, network)
  return (
    carried !== undefined &&
    step.isAcknowledged(bridge) &&
    [...neighbours].every((neighbour) => neighbour === undefined || carried.neighbours.has(neighbour))
  )
}

/** Whether the bridge number `at` of the path is published to know what remains of it there. */
const knowsRemainder = (step: Step, path: Path, at: number): boolean => {
  const bridge = path[at] ?? ''
  const text = pathText(path, at)
  const label = step.view.get(bridge)?.labelOfPath.get(text)
  const nextLabel = at === path.length - 2 ? 0 : labelNumber(step, path[at + 1] ?? '', pathText(path, at + 1))
  return label !== undefined && label.label === labelNumber(step, bridge, text) && label.nextLabel === nextLabel
}

/** Bridges of the path that have not programmed their part. */
const notReadyOn = (step: Step, network: DesiredNetwork, path: Path): string[] =>
  path.slice(1).filter((bridge, index) => {
    const next = path[index + 2]
    if (!isProgrammed(step, network, bridge, [path[index], next])) return true
    return next !== undefined && !knowsRemainder(step, path, index + 1)
  })

const sameRoute = (left: BridgeRoute | undefined, right: BridgeRoute | undefined): boolean =>
  left === right || (left?.link === right?.link && left?.label === right?.label)

/** The route over a path; undefined over the direct link, which needs none. */
const routeOver = (step: Step, path: Path): BridgeRoute | undefined => {
  const [bridge = '', next = ''] = path
  if (path.length === 2) return undefined
  const label = labelNumber(step, next, pathText(path, 1))
  return { to: path.at(-1) as string, link: linkNumber(step, bridge, next), label }
}

/** Routes of a bridge with VMs. One over a neighbour that is gone is dropped; one to a bridge that left the network too. */
export const nextRoutes = (step: Step, bridge: string, network: DesiredNetwork): BridgeRoute[] => {
  const carried = step.carried(bridge, network)
  const desired = network.routes.get(bridge)
  const destinations = new Set([...(carried?.routes.keys() ?? []), ...(desired?.keys() ?? [])])
  return [...destinations].sort().flatMap((destination) => {
    if (!isReachable(network, bridge, destination)) return []
    const path = desired?.get(destination) ?? [bridge, destination]
    const target = routeOver(step, path)
    const published = carried?.routes.get(destination)
    if (sameRoute(target, published)) return target ?? []
    const missing = notReadyOn(step, network, path)
    if (missing.length === 0) return target ?? []
    step.waiting.add('AwaitingSupports', { network: network.network, bridge }, missing)
    const first = published && step.view.get(bridge)?.neighbourOf.get(published.link)
    return published && first !== undefined && step.isLiving(first) ? [published] : []
  })
}

/** Bridges that the tree reaches from here. */
const reachedFrom = (bridge: string, tree: ReadonlyMap<string, ReadonlySet<string>>): string[] => {
  const reached = [bridge]
  const seen = new Set(reached)
  for (let index = 0; index < reached.length; index++)
    for (const next of tree.get(reached[index] as string) ?? [])
      if (!seen.has(next)) {
        seen.add(next)
        reached.push(next)
      }
  return reached.slice(1)
}

/** A bridge that will not answer soon holds up a tree only where others hang on it. */
const holdsUp = (step: Step, bridge: string, branches: number): boolean => branches > 1 || !step.absent.has(bridge)

const notReadyForTree = (step: Step, network: DesiredNetwork, bridge: string, number: number): string[] => {
  const tree = network.tree ?? new Map<string, ReadonlySet<string>>()
  return reachedFrom(bridge, tree).filter((other) => {
    const branches = tree.get(other) ?? new Set<string>()
    if (!holdsUp(step, other, branches.size)) return false
    const known = step.view.get(other)?.trees.get(`${network.vni}/${number}`)
    return !isProgrammed(step, network, other, branches) || ![...branches].every((branch) => known?.has(branch))
  })
}

const notReadyForCopies = (step: Step, network: DesiredNetwork, bridge: string): string[] =>
  [...network.access].filter(
    (other) => other !== bridge && !isProgrammed(step, network, other, [bridge]) && holdsUp(step, other, 1),
  )

/** The flood tree of a bridge with VMs. A bridge without any neighbour keeps to the simplest form. */
export const nextFloodTree = (step: Step, bridge: string, network: DesiredNetwork): number => {
  const published = step.carried(bridge, network)?.entry.floodTree ?? 0
  const desired = network.tree?.has(bridge) ? (step.numbers.trees.get(network.network) ?? 0) : 0
  if (published === desired) return desired
  const isAlone = network.tree !== undefined && desired === 0
  const missing = isAlone
    ? []
    : desired === 0
      ? notReadyForCopies(step, network, bridge)
      : notReadyForTree(step, network, bridge, desired)
  step.waiting.add('AwaitingSupports', { network: network.network, bridge }, missing)
  return missing.length === 0 ? desired : published
}
