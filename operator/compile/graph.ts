/** Weighted undirected graph: neighbours of each bridge with the cost of the link. */
export type Graph = Map<string, Map<string, number>>

export const emptyGraph = (bridges: Iterable<string>): Graph =>
  new Map([...bridges].map((bridge) => [bridge, new Map()]))

/** Adds a link, or lowers the cost of the one that is there. Both ends must be in the graph. */
export const addLink = (graph: Graph, a: string, b: string, cost: number): void => {
  const from = graph.get(a)
  const back = graph.get(b)
  if (!from || !back || a === b) return
  const least = Math.min(cost, from.get(b) ?? Number.POSITIVE_INFINITY)
  from.set(b, least)
  back.set(a, least)
}

/** Groups of bridges that reach each other, each by name, the largest first. */
export const componentsOf = (graph: Graph): string[][] => {
  const seen = new Set<string>()
  const components: string[][] = []
  for (const start of [...graph.keys()].sort()) {
    if (seen.has(start)) continue
    const component = [start]
    seen.add(start)
    for (let index = 0; index < component.length; index++)
      for (const next of graph.get(component[index] as string)?.keys() ?? [])
        if (!seen.has(next)) {
          seen.add(next)
          component.push(next)
        }
    components.push(component.sort())
  }
  return components.sort((left, right) => right.length - left.length)
}
