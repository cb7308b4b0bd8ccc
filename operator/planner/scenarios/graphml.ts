import { makeBridge, makeLink, nicBottlenecks, type Underlay } from './underlay.ts'

/** The text is not a graph that can be planned on; the message says what is missing. */
export class UnusableGraphError extends Error {
  override readonly name = 'UnusableGraphError'
}

type Element = { attributes: Map<string, string>; data: Map<string, string> }

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const decode = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    hex || decimal ? String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10)) : (entities[name] ?? whole),
  )

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
      data.set(keys.get(key) ?? key, decode(value!.trim()))
    }
    return { attributes: attributesOf(tag!), data }
  })

const earthRadiusKm = 6371
/** Light in fibre, km per microsecond. */
const fibreKmPerMicrosecond = 0.2
/** A link whose ends have no coordinates. */
const unknownLatencyMicroseconds = 2000

type Place = { latitude: number; longitude: number }

/** Great-circle distance at the speed of light in fibre, at least 50 µs. */
const latencyBetween = (x: Place | undefined, y: Place | undefined): number | undefined => {
  if (!x || !y) return undefined
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  const dLat = radians(y.latitude - x.latitude)
  const dLon = radians(y.longitude - x.longitude)
  const h =
    Math.sin(dLat / 2) ** 2 + Math.cos(radians(x.latitude)) * Math.cos(radians(y.latitude)) * Math.sin(dLon / 2) ** 2
  return Math.max(50, Math.round((2 * earthRadiusKm * Math.asin(Math.sqrt(h))) / fibreKmPerMicrosecond))
}

const placeOf = ({ data }: Element): Place | undefined => {
  const [latitude, longitude] = [
    Number(data.get('Latitude') ?? Number.NaN),
    Number(data.get('Longitude') ?? Number.NaN),
  ]
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : undefined
}

const median = (values: number[]): number | undefined => [...values].sort((x, y) => x - y)[values.length >> 1]

/**
 * Reads a network of the Internet Topology Zoo (Knight et al., JSAC 29(9), 2011): a bridge per node, a possible link per
 * edge with its `LinkSpeedRaw`; parallel edges are summed. What a file leaves out is guessed and noted: link speeds by
 * the median of the known ones (1 Gbit/s if none), latencies by distance. Parts not connected to the largest are left out.
 * @throws UnusableGraphError if there is no graph, or fewer than two connected nodes.
 */
export const readGraphml = (name: string, xml: string): Underlay => {
  const text = xml.replace(/<!--[\s\S]*?-->/g, '')
  const keys = new Map(
    [...text.matchAll(/<key\b([^>]*)>/g)].map(([, tag]) => {
      const attributes = attributesOf(tag!)
      return [attributes.get('id') ?? '', attributes.get('attr.name') ?? '']
    }),
  )
  if (!/<graph\b/.test(text)) throw new UnusableGraphError(`Reading ${name}: there is no <graph> element`)
  const nodes = new Map(elementsOf(text, 'node', keys).map((node) => [node.attributes.get('id') ?? '', node]))
  const edges = elementsOf(text, 'edge', keys).flatMap(({ attributes, data }) => {
    const [a, b] = [attributes.get('source') ?? '', attributes.get('target') ?? '']
    const bps = Number(data.get('LinkSpeedRaw') ?? Number.NaN)
    return nodes.has(a) && nodes.has(b) && a !== b ? [{ a, b, bps: bps > 0 ? bps : undefined }] : []
  })
  const notes: string[] = []
  const known = edges.flatMap(({ bps }) => bps ?? [])
  const usual = median(known) ?? 1e9
  if (known.length < edges.length) notes.push(`${edges.length - known.length} of ${edges.length} link speeds guessed`)

  const component = largestComponent([...nodes.keys()], edges)
  if (component.size < 2) throw new UnusableGraphError(`Reading ${name}: no two nodes are connected`)
  if (component.size < nodes.size) notes.push(`${nodes.size - component.size} nodes not connected, left out`)
  const named = nameNodes(component, nodes)
  const bridges = [...named.values()].map((label) => makeBridge(label, name))
  const byPair = new Map<string, { a: string; b: string; bps: number; latencyMicroseconds: number }>()
  let placeless = 0
  for (const { a, b, bps } of edges) {
    if (!component.has(a)) continue
    const [x, y] = [a, b].sort() as [string, string]
    const latency = latencyBetween(placeOf(nodes.get(x)!), placeOf(nodes.get(y)!))
    if (latency === undefined) placeless++
    const latencyMicroseconds = latency ?? unknownLatencyMicroseconds
    const link = byPair.get(`${x}\n${y}`) ?? {
      a: `${name}/${named.get(x)}`,
      b: `${name}/${named.get(y)}`,
      bps: 0,
      latencyMicroseconds,
    }
    link.bps += bps ?? usual
    byPair.set(`${x}\n${y}`, link)
  }
  if (placeless > 0) notes.push(`${placeless} latencies guessed`)
  const links = [...byPair.values()].map(makeLink)
  return { name, bridges, links, bottlenecks: nicBottlenecks(bridges, links, () => 10e9), notes }
}

const largestComponent = (nodes: string[], edges: { a: string; b: string }[]): Set<string> => {
  const next = new Map<string, string[]>(nodes.map((node) => [node, []]))
  for (const { a, b } of edges) {
    next.get(a)!.push(b)
    next.get(b)!.push(a)
  }
  let largest = new Set<string>()
  const seen = new Set<string>()
  for (const start of nodes) {
    if (seen.has(start)) continue
    const component = new Set([start])
    for (const node of component) for (const other of next.get(node)!) component.add(other)
    for (const node of component) seen.add(node)
    if (component.size > largest.size) largest = component
  }
  return largest
}

/** Labels as names, with the id where labels are missing or repeat. */
const nameNodes = (component: Set<string>, nodes: Map<string, Element>): Map<string, string> => {
  const labels = new Map<string, number>()
  const label = (id: string): string =>
    nodes
      .get(id)!
      .data.get('label')
      ?.replace(/[^\w.-]+/g, '-') || `node-${id}`
  for (const id of component) labels.set(label(id), (labels.get(label(id)) ?? 0) + 1)
  return new Map([...component].map((id) => [id, labels.get(label(id))! > 1 ? `${label(id)}-${id}` : label(id)]))
}
