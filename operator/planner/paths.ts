import { MinHeap } from './heap.ts'

/** The part of `Problem` that a path search reads: arcs by their ends, and the arcs that leave each bridge. */
export type Graph = {
  bridges: number
  arcFrom: Int32Array
  arcTo: Int32Array
  outStart: Int32Array
  outArc: Int32Array
}

/**
 * What a path costs. `Sum`: the sum of its arcs' weights (>= 0). `Max`: the largest of them, so that with
 * weight = -bandwidth the cheapest path is the widest (Dijkstra's algorithm with min and max exchanged, as VADAPT
 * uses it). An arc of infinite weight is not used. Transit bridges must be in `transit`.
 */
export type PathQuery = {
  from: number
  to: number
  mode: 'Sum' | 'Max'
  weight: (arc: number) => number
  transit: Uint8Array
  maxHops: number
}

/** Path searches over one graph, with working memory that is reused between calls. */
export class PathFinder {
  private readonly graph: Graph
  private readonly heap: MinHeap
  private readonly cost: Float64Array
  private readonly hops: Int32Array
  private readonly via: Int32Array
  private readonly done: Uint8Array

  constructor(graph: Graph) {
    this.graph = graph
    this.heap = new MinHeap(graph.bridges)
    this.cost = new Float64Array(graph.bridges)
    this.hops = new Int32Array(graph.bridges)
    this.via = new Int32Array(graph.bridges)
    this.done = new Uint8Array(graph.bridges)
  }

  /** The arcs of a cheapest path; undefined if there is none. Of equal paths it takes the first that the search meets. */
  cheapest(query: PathQuery): number[] | undefined {
    const { arcTo, outStart, outArc } = this.graph
    const { from, to, weight, transit } = query
    const sum = query.mode === 'Sum'
    const { cost, hops, via, done, heap } = this
    cost.fill(Number.POSITIVE_INFINITY)
    done.fill(0)
    heap.clear()
    cost[from] = sum ? 0 : Number.NEGATIVE_INFINITY
    hops[from] = 0
    via[from] = -1
    heap.push(cost[from], from)
    while (heap.size > 0 && heap.topKey() < cost[to]!) {
      const bridge = heap.pop()
      if (done[bridge] === 1) continue
      done[bridge] = 1
      if (bridge !== from && transit[bridge] === 0) continue
      const reached = cost[bridge]!
      const nextHops = hops[bridge]! + 1
      for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
        const arc = outArc[i]!
        const next = arcTo[arc]!
        if (done[next] === 1) continue
        const step = weight(arc)
        if (step === Number.POSITIVE_INFINITY) continue
        const candidate = sum ? reached + step : Math.max(reached, step)
        const known = cost[next]!
        if (candidate > known || (candidate === known && nextHops >= hops[next]!) || candidate > cost[to]!) continue
        cost[next] = candidate
        hops[next] = nextHops
        via[next] = arc
        if (candidate < known) heap.push(candidate, next)
      }
    }
    if (cost[to] === Number.POSITIVE_INFINITY) return undefined
    const arcs = this.trace(from, to)
    return arcs.length <= query.maxHops ? arcs : this.cheapestWithin(query)
  }

  /**
   * The widest path, and of these the one with the lowest latency.
   * @param width what each arc has to give, where `open` is 1.
   */
  widest(
    query: Omit<PathQuery, 'mode' | 'weight'>,
    { width, open, latency }: { width: Float64Array; open: Uint8Array; latency: Float64Array },
  ): number[] | undefined {
    const narrowness = (arc: number): number => (open[arc] === 1 ? -width[arc]! : Number.POSITIVE_INFINITY)
    const widest = this.cheapest({ ...query, mode: 'Max', weight: narrowness })
    if (!widest || widest.length < 2) return widest
    const least = widest.reduce((narrowest, arc) => Math.min(narrowest, width[arc]!), Number.POSITIVE_INFINITY)
    const weight = (arc: number): number =>
      open[arc] === 1 && width[arc]! >= least ? latency[arc]! : Number.POSITIVE_INFINITY
    return this.cheapest({ ...query, mode: 'Sum', weight }) ?? widest
  }

  private trace(from: number, to: number): number[] {
    const arcs: number[] = []
    for (let bridge = to; bridge !== from; bridge = this.graph.arcFrom[arcs.at(-1)!]!) arcs.push(this.via[bridge]!)
    return arcs.reverse()
  }

  /** Bellman–Ford in layers: layer h knows the cheapest walks of exactly h arcs that improve on every shorter one. */
  private cheapestWithin({ from, to, mode, weight, transit, maxHops }: PathQuery): number[] | undefined {
    const { bridges, arcTo, arcFrom, outStart, outArc } = this.graph
    const best = new Float64Array(bridges).fill(Number.POSITIVE_INFINITY)
    best[from] = mode === 'Sum' ? 0 : Number.NEGATIVE_INFINITY
    const vias: Int32Array[] = []
    let frontier = new Map<number, number>([[from, best[from]!]])
    let last = -1
    for (let layer = 0; layer < maxHops && frontier.size > 0; layer++) {
      const via = new Int32Array(bridges).fill(-1)
      const next = new Map<number, number>()
      for (const [bridge, reached] of frontier) {
        if (bridge === to || (bridge !== from && transit[bridge] === 0)) continue
        for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
          const arc = outArc[i]!
          const step = weight(arc)
          if (step === Number.POSITIVE_INFINITY) continue
          const candidate = mode === 'Sum' ? reached + step : Math.max(reached, step)
          const target = arcTo[arc]!
          if (candidate >= best[target]!) continue
          best[target] = candidate
          via[target] = arc
          next.set(target, candidate)
        }
      }
      if (next.has(to)) last = layer
      vias.push(via)
      frontier = next
    }
    if (last < 0) return undefined
    const arcs: number[] = []
    for (let bridge = to, layer = last; layer >= 0; layer--) {
      const arc = vias[layer]![bridge]!
      arcs.push(arc)
      bridge = arcFrom[arc]!
    }
    return arcs.reverse()
  }
}

/**
 * The k cheapest simple paths in order of cost (Yen, "Finding the k shortest loopless paths in a network",
 * Management Science 17(11), 1971). Mode `Sum` only.
 */
export const kCheapest = (finder: PathFinder, graph: Graph, query: PathQuery, k: number): number[][] => {
  const first = finder.cheapest(query)
  if (!first) return []
  const costOf = (arcs: number[]): number => arcs.reduce((sum, arc) => sum + query.weight(arc), 0)
  const key = (arcs: number[]): string => arcs.join(' ')
  const found: number[][] = [first]
  const seen = new Set([key(first)])
  const waiting: { arcs: number[]; cost: number }[] = []
  while (found.length < k) {
    const last = found.at(-1)!
    for (let spur = 0; spur < last.length; spur++) {
      const root = last.slice(0, spur)
      const at = spur === 0 ? query.from : graph.arcTo[root[spur - 1]!]!
      if (at !== query.from && query.transit[at] === 0) continue
      const rootKey = key(root)
      const banned = new Set(found.filter((path) => key(path.slice(0, spur)) === rootKey).map((path) => path[spur]))
      const transit = Uint8Array.from(query.transit)
      const passed = [query.from, ...root.map((arc) => graph.arcTo[arc]!)].filter((bridge) => bridge !== at)
      const visited = new Set(passed)
      const weight = (arc: number): number =>
        banned.has(arc) || visited.has(graph.arcTo[arc]!) ? Number.POSITIVE_INFINITY : query.weight(arc)
      const rest = finder.cheapest({ ...query, from: at, weight, transit, maxHops: query.maxHops - spur })
      if (!rest) continue
      const arcs = [...root, ...rest]
      if (seen.has(key(arcs))) continue
      seen.add(key(arcs))
      waiting.push({ arcs, cost: costOf(arcs) })
    }
    waiting.sort((x, y) => x.cost - y.cost || x.arcs.length - y.arcs.length || (key(x.arcs) < key(y.arcs) ? -1 : 1))
    const next = waiting.shift()
    if (!next) break
    found.push(next.arcs)
  }
  return found
}

/**
 * All simple paths with at most `maxHops` arcs, shortest first; undefined if there are more than `limit`
 * (so that nobody mistakes a part for all of them).
 */
export const allSimplePaths = (
  graph: Graph,
  query: Pick<PathQuery, 'from' | 'to' | 'transit' | 'maxHops'> & { usable: Uint8Array },
  limit: number,
): number[][] | undefined => {
  const found: number[][] = []
  const visited = new Uint8Array(graph.bridges)
  const arcs: number[] = []
  const extend = (bridge: number): boolean => {
    if (bridge === query.to) return found.push([...arcs]) <= limit
    if (arcs.length === query.maxHops || (arcs.length > 0 && query.transit[bridge] === 0)) return true
    visited[bridge] = 1
    for (let i = graph.outStart[bridge]!; i < graph.outStart[bridge + 1]!; i++) {
      const arc = graph.outArc[i]!
      if (query.usable[arc] === 0 || visited[graph.arcTo[arc]!] === 1) continue
      arcs.push(arc)
      const room = extend(graph.arcTo[arc]!)
      arcs.pop()
      if (!room) return false
    }
    visited[bridge] = 0
    return true
  }
  return extend(query.from) ? found.sort((x, y) => x.length - y.length) : undefined
}
