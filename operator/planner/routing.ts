import { allSimplePaths, kCheapest } from './path-lists.ts'
import { PathFinder } from './paths.ts'
import { linkOfArc, localResource, may, mayRelink, type Problem } from './problem.ts'
import { WidestPath } from './widest-path.ts'

/** A path through the overlay; between VMs of one bridge it has no arcs and one resource, the bridge's inside. */
export type Path = {
  arcs: Int32Array
  /** Every resource that the path loads, once per time it is loaded. */
  resources: Int32Array
  /** Microseconds. */
  latency: number
}

/** 1 / latency, with less than a microsecond counted as one, so that it stays finite. */
export const inverseLatency = ({ latency }: Path): number => 1 / Math.max(1, latency)

export const samePath = (x: Path | undefined, y: Path | undefined): boolean =>
  x === y ||
  (x !== undefined && y !== undefined && x.arcs.length === y.arcs.length && x.arcs.every((arc, i) => arc === y.arcs[i]))

export const makePath = (problem: Problem, arcs: ArrayLike<number>): Path => {
  const resources: number[] = []
  let latency = 0
  for (let i = 0; i < arcs.length; i++) {
    const arc = arcs[i]!
    latency += problem.arcLatency[arc]!
    for (let j = problem.arcResourceStart[arc]!; j < problem.arcResourceStart[arc + 1]!; j++)
      resources.push(problem.arcResource[j]!)
  }
  return { arcs: Int32Array.from(arcs), resources: Int32Array.from(resources), latency }
}

/** Graphs up to this size have all their simple paths listed as candidates; larger ones get priced paths only. */
const enumerableBridges = 14
const enumerableCandidates = 120
const yenBridges = 40
const yenCandidates = 6

/** Which arcs each network may use, its default paths, and lists of candidate paths; all computed when first asked for. */
export class Routing {
  readonly problem: Problem
  readonly finder: PathFinder
  readonly widest: WidestPath
  /** Links in each network's present topology, baseline included. */
  readonly presentLinks: Set<number>[]
  readonly baselineLinks: Set<number>[]
  /** Baseline and pinned links: part of the topology whatever the routes are. */
  readonly keptLinks: Set<number>[]
  private readonly usableArcs: (Uint8Array | undefined)[] = []
  private readonly transitBridges: (Uint8Array | undefined)[] = []
  private readonly defaults = new Map<number, Path | undefined>()
  private readonly towards = new Map<number, { hops: Float64Array; latency: Float64Array }>()
  private readonly listed = new Map<number, Path[]>()
  private readonly locals: Path[]

  constructor(problem: Problem) {
    this.problem = problem
    this.finder = new PathFinder(problem)
    this.widest = new WidestPath(problem, this.finder)
    const { networks, links, present } = problem.input
    const numbers = (names: string[]): Set<number> => new Set(names.map((name) => problem.ids.links.get(name)!))
    this.baselineLinks = networks.map((network) => numbers(network.baseline))
    this.presentLinks = networks.map((network) =>
      numbers([...network.baseline, ...(present.topology[network.name] ?? [])]),
    )
    this.keptLinks = networks.map((_, n) => {
      const pinned = [...this.presentLinks[n]!].filter((link) => links[link]!.state === 'Pinned')
      return mayRelink(problem, n) ? new Set([...this.baselineLinks[n]!, ...pinned]) : this.presentLinks[n]!
    })
    this.locals = problem.input.bridges.map((_, bridge) => ({
      arcs: new Int32Array(0),
      resources: Int32Array.of(localResource(problem, bridge)),
      latency: problem.localLatency[bridge]!,
    }))
  }

  /** 1 per arc that a new route of the network may use. */
  usable(network: number): Uint8Array {
    this.usableArcs[network] ??= this.findUsable(network)
    return this.usableArcs[network]
  }

  private findUsable(network: number): Uint8Array {
    const { problem } = this
    const name = problem.input.networks[network]!.name
    const free = mayRelink(problem, network)
    return Uint8Array.from({ length: problem.arcs }, (_, arc) => {
      const link = problem.input.links[linkOfArc(arc)]!
      if (link.state === 'Draining' || link.state === 'Forbidden') return 0
      if (this.presentLinks[network]!.has(linkOfArc(arc))) return 1
      return free && (link.networks?.includes(name) ?? true) ? 1 : 0
    })
  }

  /** 1 per bridge that the network's paths may pass through. */
  transit(network: number): Uint8Array {
    this.transitBridges[network] ??= Uint8Array.from(this.problem.input.bridges, (bridge) => {
      const { bridges: members, transit } = this.problem.input.networks[network]!
      const foreign = transit === 'MembersOnly' && members !== undefined && !members.includes(bridge.name)
      return bridge.transit === false || foreign ? 0 : 1
    })
    return this.transitBridges[network]
  }

  pairKey(network: number, from: number, to: number): number {
    return (network * this.problem.bridges + from) * this.problem.bridges + to
  }

  pairOf(key: number): { network: number; from: number; to: number } {
    const { bridges } = this.problem
    const pair = Math.floor(key / bridges)
    return { network: Math.floor(pair / bridges), from: pair % bridges, to: key % bridges }
  }

  local(bridge: number): Path {
    return this.locals[bridge]!
  }

  /**
   * The path of a pair without a route of its own: over the baseline, with the fewest links, then the lowest latency,
   * then at each bridge the link whose name comes first.
   */
  defaultPath(network: number, from: number, to: number): Path | undefined {
    if (from === to) return this.locals[from]
    const key = this.pairKey(network, from, to)
    if (!this.defaults.has(key)) this.defaults.set(key, this.findDefault(network, from, to))
    return this.defaults.get(key)
  }

  private baselineArc(network: number, arc: number): boolean {
    return this.baselineLinks[network]!.has(linkOfArc(arc)) && this.usable(network)[arc] === 1
  }

  private findDefault(network: number, from: number, to: number): Path | undefined {
    const { problem } = this
    const { hops, latency } = this.distancesTo(network, to)
    if (hops[from] === Number.POSITIVE_INFINITY) return undefined
    const arcs: number[] = []
    for (let at = from; at !== to; at = problem.arcTo[arcs.at(-1)!]!) {
      for (let i = problem.outStart[at]!; i < problem.outStart[at + 1]!; i++) {
        const arc = problem.outArc[i]!
        const next = problem.arcTo[arc]!
        const onShortest = hops[at] === hops[next]! + 1 && latency[at] === problem.arcLatency[arc]! + latency[next]!
        if (!onShortest || !this.baselineArc(network, arc)) continue
        if (next !== to && this.transit(network)[next] === 0) continue
        arcs.push(arc)
        break
      }
    }
    return makePath(problem, arcs)
  }

  /** Fewest hops and the lowest latency among those, from every bridge to one, over the baseline (breadth first). */
  private distancesTo(network: number, to: number): { hops: Float64Array; latency: Float64Array } {
    const key = network * this.problem.bridges + to
    const known = this.towards.get(key)
    if (known) return known
    const { problem } = this
    const hops = new Float64Array(problem.bridges).fill(Number.POSITIVE_INFINITY)
    const latency = new Float64Array(problem.bridges).fill(Number.POSITIVE_INFINITY)
    hops[to] = 0
    latency[to] = 0
    let frontier = [to]
    while (frontier.length > 0) {
      const next = new Set<number>()
      for (const bridge of frontier) {
        if (bridge !== to && this.transit(network)[bridge] === 0) continue
        for (let i = problem.outStart[bridge]!; i < problem.outStart[bridge + 1]!; i++) {
          const arc = problem.outArc[i]! ^ 1
          const before = problem.arcFrom[arc]!
          if (!this.baselineArc(network, arc) || hops[before]! <= hops[bridge]!) continue
          hops[before] = hops[bridge]! + 1
          latency[before] = Math.min(latency[before]!, problem.arcLatency[arc]! + latency[bridge]!)
          next.add(before)
        }
      }
      frontier = [...next]
    }
    const distances = { hops, latency }
    this.towards.set(key, distances)
    return distances
  }

  /** Paths worth trying whatever the load: all simple ones on a small graph, else the default and the k of lowest latency. */
  candidates(network: number, from: number, to: number): Path[] {
    if (from === to) return [this.locals[from]!]
    const key = this.pairKey(network, from, to)
    let paths = this.listed.get(key)
    if (!paths) {
      paths = this.findCandidates(network, from, to)
      this.listed.set(key, paths)
    }
    return paths
  }

  private findCandidates(network: number, from: number, to: number): Path[] {
    const { problem } = this
    const usual = this.defaultPath(network, from, to)
    if (!may(problem, network, 'Routes')) return usual ? [usual] : []
    const usable = this.usable(network)
    const base = { from, to, transit: this.transit(network), maxHops: problem.maxHops }
    const all =
      problem.bridges <= enumerableBridges
        ? allSimplePaths(problem, { ...base, usable }, enumerableCandidates)
        : undefined
    const weight = (arc: number): number => (usable[arc] === 1 ? problem.arcLatency[arc]! : Number.POSITIVE_INFINITY)
    const k = problem.bridges <= yenBridges ? yenCandidates : 1
    const arcs = all ?? kCheapest(this.finder, problem, { ...base, mode: 'Sum', weight }, k)
    const paths = arcs.map((list) => makePath(problem, list))
    return usual && !paths.some((path) => samePath(path, usual)) ? [usual, ...paths] : paths
  }
}
