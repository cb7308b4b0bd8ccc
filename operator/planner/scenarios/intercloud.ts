import { type Random, shuffle } from '../random.ts'
import type { Link } from '../types.ts'
import { UnusableGraphError } from './graphml.ts'
import { makeBridge, makeLink, type Underlay } from './underlay.ts'

const columns = ['source', 'target', 'throughput_bps', 'rtt_ms'] as const

type Row = { source: string; target: string; bps: number; rttMs: number }

const readRows = (csv: string): { rows: Row[]; rejected: number } => {
  const [header, ...lines] = csv.trim().split(/\r?\n/)
  const names = (header ?? '').split(',').map((name) => name.trim())
  const at = columns.map((column) => names.indexOf(column))
  const missing = columns.filter((_, i) => at[i]! < 0)
  if (missing.length > 0)
    throw new UnusableGraphError(
      `Reading inter-cloud measurements: no column ${missing.join(', ')}; there are ${names.join(', ')}`,
    )
  const rows = lines.map((line): Row => {
    const cells = line.split(',').map((cell) => cell.trim())
    const [source, target, bps, rtt] = at.map((i) => cells[i] ?? '') as [string, string, string, string]
    return { source, target, bps: Number(bps), rttMs: rtt === '' ? Number.NaN : Number(rtt) }
  })
  const good = rows.filter(
    (row) => row.source && row.target && row.source !== row.target && row.bps > 0 && row.rttMs >= 0,
  )
  return { rows: good, rejected: rows.length - good.length }
}

/**
 * Reads measurements between cloud regions (`source,target,throughput_bps,rtt_ms`): a bridge per region (its cloud is
 * the cluster), a possible link per pair measured both ways, one-way latency as half of the round trip. What a region
 * sends at once is limited by the most that it was seen to send to one other (virtual machines have an egress cap), so
 * that rate is its NIC.
 * @param sample so many regions at random; omitted: all.
 * @throws UnusableGraphError if columns are missing or no pair is measured both ways.
 */
export const readIntercloud = (csv: string, sample?: { size: number; random: Random }): Underlay => {
  const { rows, rejected } = readRows(csv)
  const regions = [...new Set(rows.flatMap(({ source, target }) => [source, target]))].sort()
  const kept = new Set(sample ? shuffle(sample.random, regions).slice(0, sample.size) : regions)
  const measured = new Map(rows.map((row) => [`${row.source}>${row.target}`, row]))
  const bridgeOf = (region: string): string => {
    const [cloud, ...rest] = region.split(':')
    return `${cloud}/${rest.join(':') || cloud}`
  }
  const links: Link[] = []
  const most = new Map<string, number>()
  const see = (key: string, bps: number): void => void most.set(key, Math.max(most.get(key) ?? 0, bps))
  for (const row of rows) {
    see(`out ${bridgeOf(row.source)}`, row.bps)
    see(`in ${bridgeOf(row.target)}`, row.bps)
    const back = measured.get(`${row.target}>${row.source}`)
    if (row.source > row.target || !back || !kept.has(row.source) || !kept.has(row.target)) continue
    const latencyMicroseconds = Math.max(1, Math.round(250 * (row.rttMs + back.rttMs)))
    const ends = { a: bridgeOf(row.source), b: bridgeOf(row.target) }
    links.push(makeLink({ ...ends, bps: row.bps, reverseBps: back.bps, latencyMicroseconds }))
  }
  if (links.length === 0)
    throw new UnusableGraphError('Reading inter-cloud measurements: no pair is measured both ways')
  const names = [...new Set(links.flatMap(({ a, b }) => [a, b]))].sort()
  const bridges = names.map((name) => makeBridge(name.slice(name.indexOf('/') + 1), name.slice(0, name.indexOf('/'))))
  const bottlenecks = bridges.flatMap(({ name }) => {
    const here = links.filter(({ a, b }) => a === name || b === name)
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
  const notes = rejected > 0 ? [`${rejected} rows without usable numbers left out`] : []
  return { name: `intercloud-${bridges.length}`, bridges, links, bottlenecks, notes }
}
