import { matchesLabels } from '#crds/names.ts'
import { type CompileCache, createCompileCache, shapeKeys } from './compile-cache.ts'
import { drain } from './drain.ts'
import type { BridgeInput, CompileInput, LinkInput, NetworkInput } from './input.ts'
import { LIMITS, Limits } from './limits.ts'
import { isAmple, lackText, Room } from './room.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { LinkUse, Overlay, Topology, TopologyProblem } from './topology.ts'

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

const byAge = (left: NetworkInput, right: NetworkInput): number =>
  compareText(left.created, right.created) || compareText(left.network, right.network)

/** The topology of a network over its shape: the same object as last time, when nothing of it changed. */
const topologyOf = (
  { network, vni, device, mtuBytes }: NetworkInput,
  shape: Shape,
  { topologies }: CompileCache,
): Topology => {
  const numbers = `${vni} ${device} ${mtuBytes}`
  const known = topologies.get(network)
  if (known?.shape === shape && known.numbers === numbers) return known.topology
  const { used: _, refused: __, labels: ___, ...form } = shape
  const topology = { network, vni, device, mtuBytes, ...form }
  topologies.set(network, { numbers, shape, topology })
  return topology
}

const forget = <Value>(cache: Map<string, Value>, used: ReadonlySet<string>): void => {
  for (const key of cache.keys()) if (!used.has(key)) cache.delete(key)
}

const linksFor = ({ labels }: NetworkInput, links: readonly LinkInput[]): LinkInput[] =>
  links.filter(({ matchLabels }) => matchesLabels(matchLabels, labels))

/** What is in force of a network that is carried nowhere. */
const nothing = (problem: TopologyProblem): Shape => ({
  access: new Set(),
  members: [],
  neighbours: new Map(),
  routes: new Map(),
  tree: undefined,
  components: [],
  labels: new Map(),
  problems: [problem],
  used: [],
  refused: [],
})

type Shapes = {
  whole(network: NetworkInput): Generator<void, Shape>
  /** Over the given bridges alone: those that have the network already. */
  among(network: NetworkInput, bridges: readonly BridgeInput[], problem: TopologyProblem): Generator<void, Shape>
  without(network: NetworkInput, problem: TopologyProblem): Generator<void, Shape>
  /** Keys of those that were asked for. */
  used: ReadonlySet<string>
}

/** Finds the shapes of networks, or makes them. */
const shapesOf = (input: CompileInput, cache: CompileCache): Shapes => {
  const keyOf = shapeKeys(input, cache)
  const used = new Set<string>()
  function* keep(key: string, make: () => Generator<void, Shape>): Generator<void, Shape> {
    used.add(key)
    const shape = cache.shapes.get(key) ?? (yield* make())
    cache.shapes.set(key, shape)
    return shape
  }
  return {
    used,
    *whole(network) {
      const links = linksFor(network, input.links)
      return yield* keep(keyOf(network, links), () => shapeOf(network, input, links))
    },
    *among(network, bridges, problem) {
      const links = linksFor(network, input.links)
      const key = JSON.stringify([keyOf(network, links), bridges.map(({ bridge }) => bridge).sort(), problem])
      return yield* keep(key, function* () {
        const shape = yield* shapeOf(network, { ...input, bridges }, links)
        return { ...shape, problems: [...shape.problems, problem] }
      })
    },
    *without(network, problem) {
      // biome-ignore lint/correctness/useYield: as the others, which take their time.
      return yield* keep(JSON.stringify([network.network, problem]), function* () {
        return nothing(problem)
      })
    },
  }
}

/**
 * The shape of a network as far as bridges have room for it. Where they lack it, a new network is left out whole, and one that is carried goes on
 * where it is: neither a network nor a bridge that comes later takes anything from those that were there.
 */
function* fittingShape(
  network: NetworkInput,
  { bridges }: CompileInput,
  { shapes, room }: { shapes: Shapes; room: Room },
): Generator<void, Shape> {
  const whole = yield* shapes.whole(network)
  const lacks = yield* room.take(network, whole)
  if (lacks.length === 0) return whole
  const text = lackText(lacks)
  const isCarried = (bridge: string): boolean => room.isCarried(bridge, network)
  const [newcomer, ...others] = whole.members.filter((bridge) => !isCarried(bridge))
  if (newcomer === undefined || others.length + 1 < whole.members.length) {
    const count = others.length > 0 ? ` and ${others.length} more bridges` : ''
    const problem = { reason: 'LimitExceeded', message: `left out: ${newcomer}${count}: ${text}` }
    const carriers = bridges.filter(({ bridge }) => isCarried(bridge))
    const shape = newcomer === undefined ? whole : yield* shapes.among(network, carriers, problem)
    if ((yield* room.take(network, shape, LIMITS.pathsOfCarriers)).length === 0) return shape
  }
  return yield* shapes.without(network, { reason: 'LimitExceeded', message: `the network is left out: ${text}` })
}

/** `compile` in steps, for whoever must not be held up by the whole. */
export function* compileInSteps(
  input: CompileInput,
  cache: CompileCache = createCompileCache(),
): Generator<void, Overlay> {
  const topologies = new Map<string, Topology>()
  const uses = new Map<string, LinkUse>(input.links.map(({ name }) => [name, { networks: [], notIn: [] }]))
  const shapes = shapesOf(input, cache)
  const limits = new Limits(input.holdings)
  const room = isAmple(input) ? undefined : new Room(input)
  if (room) yield* room.reserve()
  for (const network of [...input.networks].sort(byAge)) {
    const shape = yield* room ? fittingShape(network, input, { shapes, room }) : shapes.whole(network)
    topologies.set(network.network, topologyOf(network, yield* limits.fit(shape), cache))
    for (const name of shape.used) uses.get(name)?.networks.push(network.network)
    for (const { link, reason } of shape.refused) uses.get(link)?.notIn.push({ network: network.network, reason })
    yield
  }
  forget(cache.shapes, shapes.used)
  forget(cache.topologies, new Set(topologies.keys()))
  return { topologies, links: uses }
}

/**
 * Topologies of all networks, and how each OverlayLink is used. The result does not depend on the order of the input. Networks share the links and
 * labels of a bridge, so they are served by age when these run out.
 */
export const compile = (input: CompileInput, cache?: CompileCache): Overlay => drain(compileInSteps(input, cache))
