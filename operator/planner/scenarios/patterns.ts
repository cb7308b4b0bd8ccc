import { type Random, randomBelow } from '../random.ts'

export const patternNames = [
  'Ring',
  'Bus',
  'Star',
  'Mesh',
  'Tree',
  'AllToAll',
  'HotSpots',
  'Random',
  'ElephantMice',
  'ClientServer',
] as const
export type PatternName = (typeof patternNames)[number]

/** Traffic between VM numbers; `share` is relative to the pattern's usual rate. */
export type Flow = { source: number; destination: number; share: number }

const both = (i: number, j: number, share = 1): Flow[] => [
  { source: i, destination: j, share },
  { source: j, destination: i, share },
]

/**
 * Who talks to whom in the applications that the line of papers measured (BSP ring, bus, mesh, tree, all-to-all;
 * transactional client and server), and some that it did not.
 * @param count number of VMs, at least 2.
 */
export const flowsOf = (pattern: PatternName, count: number, random: Random): Flow[] => {
  const all = Array.from({ length: count }, (_, i) => i)
  const other = (i: number): number => (i + 1 + randomBelow(random, count - 1)) % count
  switch (pattern) {
    case 'Ring':
      return count === 2 ? both(0, 1) : all.map((i) => ({ source: i, destination: (i + 1) % count, share: 1 }))
    case 'Bus':
      return all.slice(1).flatMap((i) => both(i - 1, i))
    case 'Star':
      return all.slice(1).flatMap((i) => both(0, i))
    case 'Mesh': {
      const side = Math.ceil(Math.sqrt(count))
      const right = all.filter((i) => (i + 1) % side !== 0 && i + 1 < count).flatMap((i) => both(i, i + 1))
      const below = all.filter((i) => i + side < count).flatMap((i) => both(i, i + side))
      return [...right, ...below]
    }
    case 'Tree':
      return all.slice(1).flatMap((i) => both((i - 1) >> 1, i))
    case 'AllToAll':
      return all.flatMap((i) => all.filter((j) => j !== i).map((j) => ({ source: i, destination: j, share: 1 })))
    case 'HotSpots':
      return all.slice(2).flatMap((i) => [{ source: i, destination: i % 2, share: 1 + 3 * random() }])
    case 'Random':
      return all.flatMap((i) => [0, 1].map(() => ({ source: i, destination: other(i), share: 0.2 + 1.6 * random() })))
    case 'ElephantMice':
      return all.flatMap((i) => [
        { source: i, destination: other(i), share: i % 5 === 0 ? 4 : 0.05 },
        { source: i, destination: other(i), share: 0.05 },
      ])
    case 'ClientServer': {
      const servers = Math.max(1, count >> 2)
      return all.slice(servers).flatMap((i) => [
        { source: i, destination: i % servers, share: 0.1 },
        { source: i % servers, destination: i, share: 1 },
      ])
    }
  }
}
