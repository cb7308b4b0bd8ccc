import { MinHeap } from './heap.ts'
import type { Graph, PathFinder, PathQuery } from './paths.ts'

/** What a search for wide paths reads, per arc. */
export type ArcWidths = { width: Float64Array; open: Uint8Array; latency: Float64Array }

type Query = Pick<PathQuery, 'from' | 'to' | 'transit' | 'maxHops'>

/** Graphs up to this size keep, for each bridge that was a destination, how far away every other one is. */
const rememberedBridges = 4000
const far = 255

/**
 * Searches for widest paths. Most are as wide as the widest arc at one of their ends, so that is tried first: breadth
 * first over arcs that wide. Only where it fails, the width itself is searched for.
 */
export class WidestPath {
  private readonly graph: Graph
  private readonly finder: PathFinder
  private readonly level: Int32Array
  private readonly via: Int32Array
  private readonly sum: Float64Array
  private readonly heap: MinHeap
  private best: Float64Array
  private readonly queues: [Int32Array, Int32Array]
  private readonly distances = new Map<number, Uint8Array>()

  constructor(graph: Graph, finder: PathFinder) {
    const { bridges } = graph
    this.graph = graph
    this.finder = finder
    this.level = new Int32Array(bridges)
    this.via = new Int32Array(bridges)
    this.sum = new Float64Array(bridges)
    this.best = new Float64Array(bridges)
    this.heap = new MinHeap(bridges)
    this.queues = [new Int32Array(bridges), new Int32Array(bridges)]
  }

  /** Of the widest paths one with the fewest arcs, and of these the one with the lowest latency. */
  find(unlimited: Query, arcs: ArcWidths): number[] | undefined {
    const query = { ...unlimited, maxHops: Math.min(unlimited.maxHops, this.graph.bridges - 1) }
    const most = Math.min(this.widestAt(query.from, 0, arcs), this.widestAt(query.to, 1, arcs))
    if (most === Number.NEGATIVE_INFINITY) return undefined
    const path = this.fewest(query, arcs, most)
    if (path) return path
    const width = this.widthWithin(query, arcs)
    return width === Number.NEGATIVE_INFINITY ? undefined : this.fewest(query, arcs, width)
  }

  private widestAt(bridge: number, incoming: 0 | 1, { width, open }: ArcWidths): number {
    const { outStart, outArc } = this.graph
    let most = Number.NEGATIVE_INFINITY
    for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
      const arc = outArc[i]! ^ incoming
      if (open[arc] === 1 && width[arc]! > most) most = width[arc]!
    }
    return most
  }

  /** The path with the fewest arcs, then the lowest latency, over arcs at least so wide. */
  private fewest(query: Query, arcs: ArcWidths, least: number): number[] | undefined {
    const { width, open, latency } = arcs
    const direct = this.direct(query, arcs, least)
    if (direct !== undefined || query.maxHops < 2) return direct === undefined ? undefined : [direct]
    const weight = (arc: number): number =>
      open[arc] === 1 && width[arc]! >= least ? latency[arc]! : Number.POSITIVE_INFINITY
    return this.finder.relayed(query, weight) ?? this.breadthFirst(query, arcs, least)
  }

  private direct({ from, to }: Query, { width, open, latency }: ArcWidths, least: number): number | undefined {
    const { arcTo, outStart, outArc } = this.graph
    let best: number | undefined
    for (let i = outStart[from]!; i < outStart[from + 1]!; i++) {
      const arc = outArc[i]!
      if (arcTo[arc] !== to || open[arc] === 0 || width[arc]! < least) continue
      if (best === undefined || latency[arc]! < latency[best]!) best = arc
    }
    return best
  }

  private breadthFirst({ from, to, transit, maxHops }: Query, arcs: ArcWidths, least: number): number[] | undefined {
    const { arcTo, arcFrom, outStart, outArc } = this.graph
    const { width, open, latency } = arcs
    const { level, via, sum } = this
    const away = this.distancesTo(to)
    let [frontier, next] = this.queues
    level.fill(-1)
    level[from] = 0
    sum[from] = 0
    frontier[0] = from
    for (let hops = 1, size = 1; hops <= maxHops && size > 0; hops++) {
      let found = 0
      for (let f = 0; f < size; f++) {
        const bridge = frontier[f]!
        if (bridge !== from && transit[bridge] === 0) continue
        for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
          const arc = outArc[i]!
          const target = arcTo[arc]!
          if (open[arc] === 0 || width[arc]! < least || hops + away[target]! > maxHops) continue
          const reached = sum[bridge]! + latency[arc]!
          if (level[target] === -1) next[found++] = target
          else if (level[target] !== hops || reached >= sum[target]!) continue
          level[target] = hops
          sum[target] = reached
          via[target] = arc
        }
      }
      if (level[to] === hops) break
      size = found
      ;[frontier, next] = [next, frontier]
    }
    if (level[to] === -1) return undefined
    const path: number[] = []
    for (let bridge = to; bridge !== from; bridge = arcFrom[path.at(-1)!]!) path.push(via[bridge]!)
    return path.reverse()
  }

  /**
   * How wide the widest path within the limit of arcs is; -Infinity if there is none. Dijkstra's algorithm over pairs of a
   * bridge and a number of arcs, the widest first; a bridge is visited again only with fewer arcs.
   */
  private widthWithin({ from, to, transit, maxHops }: Query, { width, open }: ArcWidths): number {
    const { arcTo, outStart, outArc, bridges } = this.graph
    const { heap, level: least } = this
    const away = this.distancesTo(to)
    const best = this.bestOf(maxHops)
    heap.clear()
    least.fill(maxHops + 1)
    heap.push(Number.NEGATIVE_INFINITY, from)
    while (heap.size > 0) {
      const reached = -heap.topKey()
      const id = heap.pop()
      const hops = Math.floor(id / bridges)
      const bridge = id - hops * bridges
      if (bridge === to) return reached
      if (hops >= least[bridge]!) continue
      least[bridge] = hops
      if (bridge !== from && transit[bridge] === 0) continue
      for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
        const arc = outArc[i]!
        const target = arcTo[arc]!
        if (open[arc] === 0 || hops + 1 >= least[target]! || hops + 1 + away[target]! > maxHops) continue
        const next = id - bridge + bridges + target
        const wide = Math.min(width[arc]!, reached)
        if (wide <= best[next]!) continue
        best[next] = wide
        heap.push(-wide, next)
      }
    }
    return Number.NEGATIVE_INFINITY
  }

  /** -Infinity for every pair of a number of arcs and a bridge. */
  private bestOf(maxHops: number): Float64Array {
    const size = (maxHops + 1) * this.graph.bridges
    if (this.best.length < size) this.best = new Float64Array(size)
    return this.best.fill(Number.NEGATIVE_INFINITY, 0, size)
  }

  /** How many arcs every bridge is away from one, over all arcs there are: never more than over those that are open. */
  private distancesTo(to: number): Uint8Array {
    const known = this.distances.get(to)
    if (known) return known
    const { arcTo, outStart, outArc, bridges } = this.graph
    const away = new Uint8Array(bridges)
    if (bridges > rememberedBridges) return away
    away.fill(far)
    away[to] = 0
    const queue = [to]
    for (const bridge of queue)
      for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
        const before = arcTo[outArc[i]!]!
        if (away[before] !== far) continue
        away[before] = Math.min(far - 1, away[bridge]! + 1)
        queue.push(before)
      }
    this.distances.set(to, away)
    return away
  }
}
