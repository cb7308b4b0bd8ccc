import type { Graph, PathFinder, PathQuery } from './paths.ts'

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
