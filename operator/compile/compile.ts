import { matchesLabels } from '#crds/names.ts'
import { type CompileCache, createCompileCache, shapeKeys } from './compile-cache.ts'
import { drain } from './drain.ts'
import type { CompileInput, LinkInput, NetworkInput } from './input.ts'
import { createLimits } from './limits.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { LinkUse, Overlay, Topology } from './topology.ts'

const byName = (left: { network: string }, right: { network: string }): number =>
  left.network < right.network ? -1 : left.network > right.network ? 1 : 0

/** The topology of a network over its shape: the same object as last time, when nothing of it changed. */
const topologyOf = (
  { network, vni, device, mtuBytes }: NetworkInput,
  shape: Shape,
  { topologies }: CompileCache,
): Topology => {
  const numbers = `${vni} ${device} ${mtuBytes}`
  const known = topologies.get(network)
  if (known?.shape === shape && known.numbers === numbers) return known.topology
  const { used: _, refused: __, ...form } = shape
  const topology = { network, vni, device, mtuBytes, ...form }
  topologies.set(network, { numbers, shape, topology })
  return topology
}

const forget = <Value>(cache: Map<string, Value>, used: ReadonlySet<string>): void => {
  for (const key of cache.keys()) if (!used.has(key)) cache.delete(key)
}

const linksFor = ({ labels }: NetworkInput, links: readonly LinkInput[]): LinkInput[] =>
  links.filter(({ matchLabels }) => matchesLabels(matchLabels, labels))

/** `compile` in steps of one network each, for whoever must not be held up by the whole. */
export function* compileInSteps(
  input: CompileInput,
  cache: CompileCache = createCompileCache(),
): Generator<void, Overlay> {
  const topologies = new Map<string, Topology>()
  const uses = new Map<string, LinkUse>(input.links.map(({ name }) => [name, { networks: [], notIn: [] }]))
  const keyOf = shapeKeys(input, cache)
  const limits = createLimits(input.bridges.length)
  const usedKeys = new Set<string>()
  for (const network of [...input.networks].sort(byName)) {
    const links = linksFor(network, input.links)
    const key = keyOf(network, links)
    usedKeys.add(key)
    const shape = cache.shapes.get(key) ?? shapeOf(network, input, links)
    cache.shapes.set(key, shape)
    topologies.set(network.network, topologyOf(network, limits.fit(shape), cache))
    for (const name of shape.used) uses.get(name)?.networks.push(network.network)
    for (const { link, reason } of shape.refused) uses.get(link)?.notIn.push({ network: network.network, reason })
    yield
  }
  forget(cache.shapes, usedKeys)
  forget(cache.topologies, new Set(topologies.keys()))
  return { topologies, links: uses }
}

/**
 * Topologies of all networks, and how each OverlayLink is used. The result does not depend on the order of the input. Networks share the links and
 * labels of a bridge, so they are served by name when these run out.
 */
export const compile = (input: CompileInput, cache?: CompileCache): Overlay => drain(compileInSteps(input, cache))
