// What publication remembers from one step to the next: bridges that are at rest, so that each acknowledgement does not look at all of them anew.
// It only saves work: without it every step comes to the same result.
import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { AdvanceInput, DesiredNetwork, Situation } from './situation.ts'

type Quiet = { spec: NodeBridgeSpec; isAcknowledged: boolean }

export type AdvanceMemory = {
  surroundings: string
  networks: ReadonlyMap<string, DesiredNetwork>
  quiet: Map<string, Quiet>
}

export const createMemory = (): AdvanceMemory => ({ surroundings: '', networks: new Map(), quiet: new Map() })

/** All that concerns every bridge. */
const surroundingsOf = ({ overlayUID, epoch, udpPort, published, bridges }: AdvanceInput): string => {
  const lines = [...published.keys()].map((name) => {
    const known = bridges.get(name)
    return `${name} ${known?.addresses} ${known?.nodeUID}`
  })
  return `${overlayUID} ${epoch} ${udpPort}\n${lines.join('\n')}`
}

const sameNetworks = (left: AdvanceMemory['networks'], right: AdvanceMemory['networks']): boolean =>
  left.size === right.size && [...left].every(([name, network]) => right.get(name) === network)

/** Forgets all where something changed that concerns all. */
export const refresh = (memory: AdvanceMemory, input: AdvanceInput): void => {
  const surroundings = surroundingsOf(input)
  if (memory.surroundings !== surroundings || !sameNetworks(memory.networks, input.networks)) memory.quiet.clear()
  memory.surroundings = surroundings
  memory.networks = input.networks
  for (const bridge of memory.quiet.keys()) if (!input.published.has(bridge)) memory.quiet.delete(bridge)
}

/** Nothing on the bridge leads over what other bridges have programmed: a part of meshes alone. */
const isPlain = ({ view, networks }: Situation, bridge: string, hasRemainders: boolean): boolean => {
  const { labels = [], trees = [], retired = [], networks: entries = [] } = view.get(bridge)?.spec ?? {}
  return (
    !hasRemainders &&
    labels.length === 0 &&
    trees.length === 0 &&
    retired.length === 0 &&
    entries.every(({ routes, floodTree }) => routes.length === 0 && floodTree === 0) &&
    [...networks.values()].every(({ tree, routes }) => tree === undefined && !routes.get(bridge)?.size)
  )
}

export const isQuiet = (
  { quiet }: AdvanceMemory,
  { published, isAcknowledged }: Situation,
  bridge: string,
): boolean => {
  const known = quiet.get(bridge)
  return known !== undefined && known.spec === published.get(bridge) && known.isAcknowledged === isAcknowledged(bridge)
}

/** A bridge that has what it should have, and waits for nobody: until its own object or something general changes, it stays so. */
export const remember = (
  { quiet }: AdvanceMemory,
  situation: Situation,
  bridge: string,
  hasRemainders: boolean,
): void => {
  const spec = situation.published.get(bridge)
  if (spec && isPlain(situation, bridge, hasRemainders))
    quiet.set(bridge, { spec, isAcknowledged: situation.isAcknowledged(bridge) })
}
