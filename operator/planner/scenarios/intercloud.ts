import { type Random, shuffle } from '../random.ts'
import type { Bridge, Link } from '../types.ts'
import { UnusableGraphError } from './graphml.ts'
import { connectedPart, makeBridge, makeLink, type Underlay } from './underlay.ts'

const columns = ['source', 'target', 'throughput_bps', 'rtt_ms'] as const

type Row = { source: string; target: string; bps: number; rttMs: number }

/** The cells of a line; a cell in double quotes may contain commas, and doubled quotes. */
const cellsOf = (line: string): string[] =>
  [...line.matchAll(/(?:\s*"((?:[^"]|"")*)"\s*|([^,]*))(?:,|$)/g)].map(([, quoted, plain]) =>
    (quoted?.replaceAll('""', '"') ?? plain ?? '').trim(),
  )

const numberIn = (cell: string): number => (cell === '' ? Number.NaN : Number(cell))
/** Faster, or further away, than anything there is: a mistake. */
const [fastestBps, longestMs] = [1e15, 60_000]

const isUsable = ({ source, target, bps, rttMs }: Row): boolean =>
  source !== '' &&
  target !== '' &&
  source !== target &&
  bps >= 1 &&
  bps <= fastestBps &&
  rttMs >= 0 &&
  rttMs <= longestMs

/** Usable rows by source and target (of several for one pair, the last), and how many of the others there are. */
const readRows = (csv: string): { rows: Map<string, Row>; unusable: number; repeated: number } => {
  const [header, ...lines] = csv
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .filter((line) => line.trim() !== '')
  const names = cellsOf(header ?? '').map((name) => name.toLowerCase())
  const at = columns.map((column) => names.indexOf(column))
  const missing = columns.filter((_, i) => at[i]! < 0)
  if (missing.length > 0)
    throw new UnusableGraphError(
      `Reading inter-cloud measurements: no column ${missing.join(', ')}; there are ${names.filter(Boolean).join(', ').slice(0, 200) || 'none'}`,
    )
  const good = lines
    .map((line): Row => {
      const cells = cellsOf(line)
      const [source, target, bps, rtt] = at.map((i) => cells[i] ?? '') as [string, string, string, string]
      return { source, target, bps: numberIn(bps), rttMs: numberIn(rtt) }
    })
    .filter(isUsable)
  const rows = new Map(good.map((row) => [pairKey(row.source, row.target), row]))
  return { rows, unusable: lines.length - good.length, repeated: good.length - rows.size }
}

const pairKey = (source: string, target: string): string => JSON.stringify([source, target])

/**
 * Reads measurements between cloud regions (`source,target,throughput_bps,rtt_ms`): a bridge per region (its cloud is
 * the cluster), a possible link per pair measured both ways, one-way latency as half of the round trip. What a region
 * sends at once is limited by the most that it was seen to send to one other (virtual machines have an egress cap), so
 * that rate is its NIC.
 * @param sample so many regions at random; omitted: all.
 * @throws UnusableGraphError if columns are missing or no pair is measured both ways.
 */
export const readIntercloud = (csv: string, sample?: { size: number; random: Random }): Underlay => {
  const { rows, unusable, repeated } = readRows(csv)
  const regions = [...new Set([...rows.values()].flatMap(({ source, target }) => [source, target]))].sort()
  const kept = new Set(sample ? shuffle(sample.random, [...regions]).slice(0, sample.size) : regions)
  const bridges = nameRegions(regions)
  const links: Link[] = []
  const most = new Map<string, number>()
  const see = (key: string, bps: number): void => void most.set(key, Math.max(most.get(key) ?? 0, bps))
  let oneWay = 0
  for (const row of rows.values()) {
    const ends = { a: bridges.get(row.source)!.name, b: bridges.get(row.target)!.name }
    see(`out ${ends.a}`, row.bps)
    see(`in ${ends.b}`, row.bps)
    const back = rows.get(pairKey(row.target, row.source))
    if (!back) oneWay++
    if (row.source > row.target || !back || !kept.has(row.source) || !kept.has(row.target)) continue
    const latencyMicroseconds = Math.max(1, Math.round(250 * (row.rttMs + back.rttMs)))
    links.push(makeLink({ ...ends, bps: row.bps, reverseBps: back.bps, latencyMicroseconds }))
  }
  if (links.length === 0)
    throw new UnusableGraphError(
      `Reading inter-cloud measurements: no pair is measured both ways (${rows.size} rows of one direction, ${unusable} without usable numbers)`,
    )
  const part = connectedPart({ bridges: [...kept].sort().map((region) => bridges.get(region)!), links })
  const bottlenecks = part.bridges.flatMap(({ name }) => {
    const here = part.links.filter(({ a, b }) => a === name || b === name)
    const far = (link: Link): string => (link.a === name ? link.b : link.a)
    return [
      {
        name: `nic-out ${name}`,
        kind: 'NicOut' as const,
        capacityBps: most.get(`out ${name}`)!,
        links: here.map((link) => ({ link: link.name, from: name })),
      },
      {
        name: `nic-in ${name}`,
        kind: 'NicIn' as const,
        capacityBps: most.get(`in ${name}`)!,
        links: here.map((link) => ({ link: link.name, from: far(link) })),
      },
    ]
  })
  const notes: string[] = []
  const note = (count: number, what: string): void => void (count > 0 && notes.push(`${count} ${what}`))
  note(unusable, 'rows without usable numbers left out')
  note(repeated, 'rows measured again later, left out')
  note(oneWay, 'rows without the other direction left out')
  note(kept.size - part.bridges.length, 'regions not connected, left out')
  return { name: `intercloud-${part.bridges.length}`, ...part, bottlenecks, notes }
}

/** `aws:eu-west-1` is the bridge `aws/eu-west-1` in the cluster `aws`; a region without a cloud is a cluster of its own. */
const bridgeOf = (region: string): Bridge => {
  const colon = region.indexOf(':')
  return colon < 0 ? makeBridge(region, region) : makeBridge(region.slice(colon + 1), region.slice(0, colon))
}

/** The bridge of each region, with a number where two regions would have one name. */
const nameRegions = (regions: string[]): Map<string, Bridge> => {
  const taken = new Set<string>()
  return new Map(
    regions.map((region) => {
      const bridge = bridgeOf(region)
      let { name } = bridge
      for (let i = 2; taken.has(name); i++) name = `${bridge.name}-${i}`
      taken.add(name)
      return [region, { ...bridge, name }]
    }),
  )
}
