import { MinHeap } from './heap.ts'

/** The part of `Problem` that a path search reads: arcs 2k and 2k + 1 join the same ends both ways. */
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
    const arcs = this.unlimited(query)
    return arcs === undefined || arcs.length <= query.maxHops ? arcs : this.cheapestWithin(query)
  }

  /** Dijkstra's algorithm, without the limit on hops. */
  private unlimited(query: PathQuery): number[] | undefined {
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
    return this.trace(from, to)
  }

  /** The cheapest path of one or two arcs: on a dense graph most of what there is to gain, at a small part of the cost. */
  nearby(query: Pick<PathQuery, 'from' | 'to' | 'transit'>, weight: (arc: number) => number): number[] | undefined {
    const { arcTo, outStart, outArc } = this.graph
    const relayed = this.relayed(query, weight)
    let best = relayed
    let least = relayed ? weight(relayed[0]!) + weight(relayed[1]!) : Number.POSITIVE_INFINITY
    for (let i = outStart[query.from]!; i < outStart[query.from + 1]!; i++) {
      const arc = outArc[i]!
      if (arcTo[arc] !== query.to || weight(arc) > least) continue
      least = weight(arc)
      best = least === Number.POSITIVE_INFINITY ? best : [arc]
    }
    return best
  }

  /** The cheapest path of exactly two arcs, found without a search. */
  relayed(
    { from, to, transit }: Pick<PathQuery, 'from' | 'to' | 'transit'>,
    weight: (arc: number) => number,
  ): number[] | undefined {
    const { arcFrom, arcTo, outStart, outArc } = this.graph
    const { cost, via } = this
    cost.fill(Number.POSITIVE_INFINITY)
    for (let i = outStart[to]!; i < outStart[to + 1]!; i++) {
      const arc = outArc[i]! ^ 1
      const relay = arcFrom[arc]!
      const step = transit[relay] === 1 ? weight(arc) : Number.POSITIVE_INFINITY
      if (step >= cost[relay]!) continue
      cost[relay] = step
      via[relay] = arc
    }
    let best: number[] | undefined
    let least = Number.POSITIVE_INFINITY
    for (let i = outStart[from]!; i < outStart[from + 1]!; i++) {
      const arc = outArc[i]!
      const relay = arcTo[arc]!
      const whole = relay === to || relay === from ? Number.POSITIVE_INFINITY : cost[relay]! + weight(arc)
      if (whole >= least) continue
      least = whole
      best = [arc, via[relay]!]
    }
    return best
  }

  private trace(from: number, to: number): number[] {
    const arcs: number[] = []
    for (let bridge = to; bridge !== from; bridge = this.graph.arcFrom[arcs.at(-1)!]!) arcs.push(this.via[bridge]!)
    return arcs.reverse()
  }

  /** Bellman–Ford in layers: layer h knows the cheapest walks of exactly h arcs that improve on every shorter one. */
  private cheapestWithin({ from, to, mode, weight, transit, maxHops }: PathQuery): number[] | undefined {
    const { bridges, arcTo, arcFrom, outStart, outArc } = this.graph
    const best = this.cost.fill(Number.POSITIVE_INFINITY)
    const vias = new Int32Array(maxHops * bridges).fill(-1)
    best[from] = mode === 'Sum' ? 0 : Number.NEGATIVE_INFINITY
    let frontier = [from]
    let reached = [best[from]]
    let last = -1
    for (let layer = 0; layer < maxHops && frontier.length > 0; layer++) {
      const next: number[] = []
      const base = layer * bridges
      for (let f = 0; f < frontier.length; f++) {
        const bridge = frontier[f]!
        if (bridge === to || (bridge !== from && transit[bridge] === 0)) continue
        for (let i = outStart[bridge]!; i < outStart[bridge + 1]!; i++) {
          const arc = outArc[i]!
          const step = weight(arc)
          const candidate = mode === 'Sum' ? reached[f]! + step : Math.max(reached[f]!, step)
          const target = arcTo[arc]!
          if (candidate >= best[target]! || candidate >= best[to]!) continue
          best[target] = candidate
          if (vias[base + target]! < 0) next.push(target)
          vias[base + target] = arc
        }
      }
      if (vias[base + to]! >= 0) last = layer
      frontier = next
      reached = next.map((bridge) => best[bridge]!)
    }
    if (last < 0) return undefined
    const arcs: number[] = []
    for (let bridge = to, layer = last; layer >= 0; layer--) {
      const arc = vias[layer * bridges + bridge]!
      arcs.push(arc)
      bridge = arcFrom[arc]!
    }
    return arcs.reverse()
  }
}
