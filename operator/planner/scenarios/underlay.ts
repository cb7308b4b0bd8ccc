import { type Random, randomBelow } from '../random.ts'
import type { Bottleneck, Bridge, Link } from '../types.ts'

/** What the overlay can be built on: bridges, possible links, and what they share; `notes` name data that was guessed. */
export type Underlay = { name: string; bridges: Bridge[]; links: Link[]; bottlenecks: Bottleneck[]; notes: string[] }

export const makeBridge = (name: string, cluster = 'east', computeCapacity = 16_000): Bridge => ({
  name: `${cluster}/${name}`,
  cluster,
  computeCapacity,
  localBps: 20e9,
})

export type LinkSpec = {
  a: string
  b: string
  bps: number
  reverseBps?: number
  latencyMicroseconds: number
  cost?: number
}

export const makeLink = ({ a, b, bps, reverseBps, latencyMicroseconds, cost }: LinkSpec): Link => ({
  name: `${a}--${b}`,
  a,
  b,
  aToB: { capacityBps: Math.round(bps), latencyMicroseconds, reservableBps: Math.round(bps / 2) },
  bToA: {
    capacityBps: Math.round(reverseBps ?? bps),
    latencyMicroseconds,
    reservableBps: Math.round((reverseBps ?? bps) / 2),
  },
  ...(cost !== undefined && { cost }),
})

/** A NIC per bridge, in and out, over all links that end there. */
export const nicBottlenecks = (bridges: Bridge[], links: Link[], bps: (bridge: Bridge) => number): Bottleneck[] =>
  bridges.flatMap((bridge): Bottleneck[] => {
    const here = links.filter((link) => link.a === bridge.name || link.b === bridge.name)
    const far = (link: Link): string => (link.a === bridge.name ? link.b : link.a)
    if (here.length === 0) return []
    const out = here.map((link) => ({ link: link.name, from: bridge.name }))
    const into = here.map((link) => ({ link: link.name, from: far(link) }))
    return [
      { name: `nic-out ${bridge.name}`, kind: 'NicOut', capacityBps: bps(bridge), links: out },
      { name: `nic-in ${bridge.name}`, kind: 'NicIn', capacityBps: bps(bridge), links: into },
    ]
  })

export const graphKinds = ['Mesh', 'Ring', 'Star', 'Tree', 'Random', 'TwoDomains'] as const
export type GraphKind = (typeof graphKinds)[number]

const rates = [100e6, 250e6, 500e6, 1e9, 2.5e9, 10e9]

/** Pairs of bridge numbers that have a possible link; every kind is connected. */
const pairsOf = (kind: GraphKind, size: number, random: Random): [number, number][] => {
  const all = Array.from({ length: size }, (_, i) => i)
  const mesh = all.flatMap((i) => all.filter((j) => j > i).map((j): [number, number] => [i, j]))
  switch (kind) {
    case 'Mesh':
    case 'TwoDomains':
      return mesh
    case 'Ring':
      return size < 3
        ? mesh
        : all.map((i): [number, number] => [Math.min(i, (i + 1) % size), Math.max(i, (i + 1) % size)])
    case 'Star':
      return all.slice(1).map((i) => [0, i])
    case 'Tree':
      return all.slice(1).map((i) => [(i - 1) >> 1, i])
    case 'Random': {
      const tree = all.slice(1).map((i): [number, number] => [randomBelow(random, i), i])
      const joined = new Set(tree.map((pair) => pair.join()))
      const more = mesh.filter((pair) => !joined.has(pair.join()) && random() < Math.min(0.5, 6 / size))
      return [...tree, ...more]
    }
  }
}

/**
 * A generated underlay. `TwoDomains` is the challenge of the line of papers: fast inside each half, slow between them.
 * @param nics adds a shared NIC per bridge, with the rate of the fastest of `rates`, or less.
 */
export const generateUnderlay = (kind: GraphKind, size: number, random: Random, nics: boolean): Underlay => {
  const width = String(size - 1).length
  const half = size / 2
  const bridges = Array.from({ length: size }, (_, i) => {
    const cluster = kind === 'TwoDomains' && i >= half ? 'west' : 'east'
    return makeBridge(`n${String(i).padStart(width, '0')}`, cluster, 4000 * (1 + randomBelow(random, 4)))
  })
  const links = pairsOf(kind, size, random).map(([i, j]) => {
    const between = kind === 'TwoDomains' && i < half !== j < half
    const fast = kind === 'TwoDomains' ? (between ? 10e6 : 1e9) : rates[randomBelow(random, rates.length)]!
    return makeLink({
      a: bridges[i]!.name,
      b: bridges[j]!.name,
      bps: fast * (0.8 + 0.2 * random()),
      reverseBps: fast * (0.8 + 0.2 * random()),
      latencyMicroseconds: between ? 20_000 + randomBelow(random, 20_000) : 100 + randomBelow(random, 4900),
      cost: 1 + randomBelow(random, 9),
    })
  })
  const nicRates = new Map(bridges.map(({ name }) => [name, rates[3 + randomBelow(random, 3)]!]))
  const bottlenecks = nics ? nicBottlenecks(bridges, links, (bridge) => nicRates.get(bridge.name)!) : []
  return { name: `${kind.toLowerCase()}-${size}`, bridges, links, bottlenecks, notes: [] }
}

/** The largest part of a graph in which every bridge reaches every other (the first of those of equal size). */
export const connectedPart = ({ bridges, links }: Pick<Underlay, 'bridges' | 'links'>) => {
  const next = new Map<string, string[]>(bridges.map(({ name }) => [name, []]))
  for (const { a, b } of links) {
    next.get(a)!.push(b)
    next.get(b)!.push(a)
  }
  let largest = new Set<string>()
  const seen = new Set<string>()
  for (const { name } of bridges) {
    if (seen.has(name)) continue
    const component = new Set([name])
    for (const bridge of component) for (const other of next.get(bridge)!) component.add(other)
    for (const bridge of component) seen.add(bridge)
    if (component.size > largest.size) largest = component
  }
  return { bridges: bridges.filter(({ name }) => largest.has(name)), links: links.filter(({ a }) => largest.has(a)) }
}

/** The part of an underlay that is nearest to a bridge by number of links, of at most `size` bridges. */
export const cutOut = (underlay: Underlay, size: number, random: Random): Underlay => {
  const { bridges, links } = underlay
  if (bridges.length <= size) return underlay
  const kept = new Set([bridges[randomBelow(random, bridges.length)]!.name])
  for (let grown = true; grown && kept.size < size; ) {
    grown = false
    for (const bridge of [...kept])
      for (const link of links) {
        const next = link.a === bridge ? link.b : link.b === bridge ? link.a : undefined
        if (next === undefined || kept.has(next) || kept.size >= size) continue
        kept.add(next)
        grown = true
      }
  }
  const inside = links.filter((link) => kept.has(link.a) && kept.has(link.b))
  const names = new Set(inside.map((link) => link.name))
  return {
    name: `${underlay.name}-cut-${kept.size}`,
    bridges: bridges.filter((bridge) => kept.has(bridge.name)),
    links: inside,
    bottlenecks: underlay.bottlenecks
      .map((bottleneck) => ({ ...bottleneck, links: bottleneck.links.filter((end) => names.has(end.link)) }))
      .filter((bottleneck) => bottleneck.links.length > 0),
    notes: underlay.notes,
  }
}
