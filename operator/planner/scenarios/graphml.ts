import { connectedPart, makeBridge, makeLink, nicBottlenecks, type Underlay } from './underlay.ts'

/** The text is not a graph that can be planned on; the message says what is missing. */
export class UnusableGraphError extends Error {
  override readonly name = 'UnusableGraphError'
}

type Element = { attributes: Map<string, string>; data: Map<string, string> }

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const decode = (text: string): string =>
  text
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, (_, inside: string) => inside.replaceAll('&', '&amp;'))
    .replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
      if (name) return Object.hasOwn(entities, name) ? entities[name]! : whole
      const code = Number.parseInt(hex ?? decimal, hex ? 16 : 10)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    })

const attributesOf = (tag: string): Map<string, string> =>
  new Map(
    [...tag.matchAll(/([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, name, x, y]) => [
      name!,
      decode(x ?? y ?? ''),
    ]),
  )

/** Elements of one kind with their `<data>`, keyed by the names that the `<key>` elements declare. */
const elementsOf = (text: string, kind: string, keys: Map<string, string>): Element[] =>
  [...text.matchAll(new RegExp(`<${kind}\\b([^>]*?)(?:/>|>([\\s\\S]*?)</${kind}\\s*>)`, 'g'))].map(([, tag, body]) => {
    const data = new Map<string, string>()
    for (const [, attributes, value] of (body ?? '').matchAll(/<data\b([^>]*?)>([\s\S]*?)<\/data\s*>/g)) {
      const key = attributesOf(attributes!).get('key') ?? ''
      data.set(keys.get(key) || key, decode(value!.trim()))
    }
    return { attributes: attributesOf(tag!), data }
  })

/** The kinds of elements of which not as many are closed as opened: the file was cut off, or is not XML. */
const unbalanced = (text: string): string[] => {
  const bare = text.replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, '')
  return ['graphml', 'graph', 'node', 'edge', 'data'].filter((kind) => {
    const opened = [...bare.matchAll(new RegExp(`<${kind}(?=[\\s/>])[^<>]*>`, 'g'))].filter(
      ([tag]) => !tag.endsWith('/>'),
    )
    const closed = [...bare.matchAll(new RegExp(`</${kind}\\s*>`, 'g'))]
    return opened.length !== closed.length
  })
}

const earthRadiusKm = 6371
/** Light in fibre, km per microsecond. */
const fibreKmPerMicrosecond = 0.2
/** A link whose ends have no coordinates. */
const unknownLatencyMicroseconds = 2000
/** Faster than any link there is: a speed beyond it is a mistake. */
const fastestBps = 1e15

type Place = { latitude: number; longitude: number }

/** Great-circle distance at the speed of light in fibre, at least 50 µs. */
const latencyBetween = (x: Place | undefined, y: Place | undefined): number | undefined => {
  if (!x || !y) return undefined
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const dLat = radians(y.latitude - x.latitude)
  const dLon = radians(y.longitude - x.longitude)
  const h =
    Math.sin(dLat / 2) ** 2 + Math.cos(radians(x.latitude)) * Math.cos(radians(y.latitude)) * Math.sin(dLon / 2) ** 2
  return Math.max(50, Math.round((2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(h)))) / fibreKmPerMicrosecond))
}

/** The number of a datum; undefined if there is none, or it is not one. */
const numberOf = (element: Element | undefined, name: string, least: number, most: number): number | undefined => {
  const text = element?.data.get(name) ?? ''
  const value = text === '' ? Number.NaN : Number(text)
  return value >= least && value <= most ? value : undefined
}

const placeOf = (node: Element | undefined): Place | undefined => {
  const latitude = numberOf(node, 'Latitude', -90, 90)
  const longitude = numberOf(node, 'Longitude', -180, 180)
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude }
}

const median = (values: number[]): number | undefined => [...values].sort((x, y) => x - y)[values.length >> 1]

/**
 * Reads a network of the Internet Topology Zoo (Knight et al., JSAC 29(9), 2011): a bridge per node, a possible link per
 * edge with its `LinkSpeedRaw`; parallel edges are summed (in a directed graph, those of each direction). What a file
 * leaves out is guessed and noted: link speeds by the median of the known ones (1 Gbit/s if none), latencies by distance.
 * What cannot be used is left out and noted: parts not connected to the largest, edges without two different nodes.
 * @throws UnusableGraphError if there is no graph, if it is not whole, or has fewer than two connected nodes.
 */
export const readGraphml = (name: string, xml: string): Underlay => {
  const text = xml.replace(/<!--[\s\S]*?-->/g, '')
  const keys = new Map(
    [...text.matchAll(/<key\b([^>]*)>/g)].map(([, tag]) => {
      const attributes = attributesOf(tag!)
      return [attributes.get('id') ?? '', attributes.get('attr.name') ?? '']
    }),
  )
  const graph = /<graph\b([^>]*)>/.exec(text)
  if (!graph) throw new UnusableGraphError(`Reading ${name}: there is no <graph> element`)
  const broken = unbalanced(text)
  if (broken.length > 0)
    throw new UnusableGraphError(
      `Reading ${name}: not all of the elements ${broken.join(', ')} are closed; is it cut off?`,
    )
  const directed = attributesOf(graph[1]!).get('edgedefault') === 'directed'
  const listed = elementsOf(text, 'node', keys)
  const nodes = new Map(listed.map((node) => [node.attributes.get('id') ?? '', node]))
  const drawn = elementsOf(text, 'edge', keys)
  const edges = drawn.flatMap((edge) => {
    const [from, to] = [edge.attributes.get('source') ?? '', edge.attributes.get('target') ?? '']
    const bps = numberOf(edge, 'LinkSpeedRaw', 1, fastestBps)
    return nodes.has(from) && nodes.has(to) && from !== to ? [{ from, to, bps }] : []
  })
  const notes: string[] = []
  const note = (count: number, what: string): void => void (count > 0 && notes.push(`${count} ${what}`))
  const known = edges.flatMap(({ bps }) => bps ?? [])
  const usual = median(known) ?? 1e9
  note(edges.length - known.length, `of ${edges.length} link speeds guessed`)
  note(listed.length - nodes.size, 'nodes with the id of another, left out')
  note(drawn.length - edges.length, 'edges without two different nodes, left out')

  const named = nameNodes(nodes)
  const pairs = new Map<string, { x: string; y: string; bps: number; reverseBps: number }>()
  for (const { from, to, bps = usual } of edges) {
    const [x, y] = from < to ? [from, to] : [to, from]
    const key = JSON.stringify([x, y])
    const pair = pairs.get(key) ?? { x, y, bps: 0, reverseBps: 0 }
    if (!directed || x === from) pair.bps += bps
    if (!directed || y === from) pair.reverseBps += bps
    pairs.set(key, pair)
  }
  let placeless = 0
  const links = [...pairs.values()].map(({ x, y, bps, reverseBps }) => {
    const latency = latencyBetween(placeOf(nodes.get(x)), placeOf(nodes.get(y)))
    if (latency === undefined) placeless++
    return makeLink({
      a: `${name}/${named.get(x)}`,
      b: `${name}/${named.get(y)}`,
      bps: bps || reverseBps,
      reverseBps: reverseBps || bps,
      latencyMicroseconds: latency ?? unknownLatencyMicroseconds,
    })
  })
  const bridges = [...named.values()].map((label) => makeBridge(label, name))
  const part = connectedPart({ bridges, links })
  if (part.bridges.length < 2) throw new UnusableGraphError(`Reading ${name}: no two nodes are connected`)
  note(bridges.length - part.bridges.length, 'nodes not connected, left out')
  note(placeless, 'latencies guessed')
  return { name, ...part, bottlenecks: nicBottlenecks(part.bridges, part.links, () => 10e9), notes }
}

/** Labels as names, with the id where labels are missing or repeat, and a number where that repeats as well. */
const nameNodes = (nodes: Map<string, Element>): Map<string, string> => {
  const clean = (text: string): string => text.replace(/[^\w.]+/g, '-')
  const label = (id: string): string => clean(nodes.get(id)!.data.get('label') ?? '') || `node-${clean(id)}`
  const times = new Map<string, number>()
  for (const id of nodes.keys()) times.set(label(id), (times.get(label(id)) ?? 0) + 1)
  const taken = new Set<string>()
  return new Map(
    [...nodes.keys()].map((id) => {
      const wanted = times.get(label(id))! > 1 ? `${label(id)}-${clean(id)}` : label(id)
      let unique = wanted
      for (let i = 2; taken.has(unique); i++) unique = `${wanted}-${i}`
      taken.add(unique)
      return [id, unique]
    }),
  )
}
