// The figures of a case, in the order in which they are taken.
import type { Case } from './cases.ts'
import { type Checksums, packets, roundTrip, setChecksums, tcp } from './measure.ts'
import { isPeer, PEERS } from './peers/index.ts'
import type { Figure } from './recorded.ts'
import type { World } from './world.ts'

/** Names of figures, by kind. */
export const METRICS = {
  tcp: /^TCP [^,]*(, pinned)?$/,
  retransmits: /^TCP .*, sent again$/,
  packets: /^packets [^']*$/,
  usualPackets: /^packets \d+ flows?(, pinned)?$/,
  roundTrip: /^round trip/,
} as const

/** `what` it is, as its first figure is called. `repeats`: how often it is taken in a round, alternately with those of other cases; their mean is the round's figure. */
export type Measurement = { what: string; take: (world: World) => Promise<Figure[]>; repeats: number }
const BURSTS = 4

const plural = (count: number, word: string): string => `${count} ${word}${count > 1 ? 's' : ''}`

const streams = (count: number, pinned = false): Measurement => {
  const metric = `TCP ${plural(count, 'stream')}${pinned ? ', pinned' : ''}`
  return {
    what: metric,
    repeats: 1,
    take: async (world) => {
      const { gbps, retransmits } = await tcp(world, { streams: count, seconds: 1, pinned })
      return [
        { metric, unit: 'Gbit/s', value: gbps },
        { metric: `${metric}, sent again`, unit: 'segments', value: retransmits },
      ]
    },
  }
}

type PacketCase = { flows: number; pinned: boolean; complete?: boolean }

const rate = (program: string, repeats: number, { flows, pinned, complete = false }: PacketCase): Measurement => {
  const metric = `packets ${plural(flows, 'flow')}${pinned ? ', pinned' : ''}${complete ? ', complete checksums' : ''}`
  return {
    what: metric,
    repeats,
    take: async (world) => {
      if (complete) await setChecksums(world, program, 'complete')
      try {
        const { perSecond, senderNs } = await packets(world, program, { flows, pinned, milliseconds: 100 })
        const figure = { metric, unit: 'per s', value: perSecond }
        // Only a pinned sender does the whole path by itself, on its own CPU.
        return pinned ? [figure, { metric: `${metric}: sender's CPU`, unit: 'ns', value: senderNs }] : [figure]
      } finally {
        if (complete) await setChecksums(world, program, 'partial')
      }
    },
  }
}

const roundTrips = (repeats: number): Measurement => {
  const metric = 'round trip p50'
  return {
    what: metric,
    repeats,
    take: async (world) => [{ metric, unit: 'µs', value: await roundTrip(world, { count: 100, pinned: true }) }],
  }
}

/** How the guest's frames leave where a figure does not say otherwise. */
export const usualChecksums = ({ overlay }: Case): Checksums =>
  isPeer(overlay) && PEERS[overlay].needsCompleteChecksums ? 'complete' : 'partial'

/** Everything that is measured of a case. On wires without offloads that is TCP, and one packet rate; of counting, packet rates. */
export const measurementsOf = (it: Case, { program, quick }: { program: string; quick: boolean }): Measurement[] => {
  const repeats = quick ? 1 : BURSTS
  const tcps = [streams(1), streams(8), streams(1, true)]
  const pinned = rate(program, repeats, { flows: 1, pinned: true })
  const free = [1, 8, 64].map((flows) => rate(program, repeats, { flows, pinned: false }))
  if (it.overlay === 'vnet-uncounted') return [...free, pinned]
  // A program between the VMs would starve beside pinned ones of real-time priority.
  if (isPeer(it.overlay)) return [...tcps.slice(0, 2), ...free, roundTrips(repeats)]
  if (it.wire !== 'ideal') return [...tcps, pinned]
  const complete = rate(program, repeats, { flows: 1, pinned: true, complete: true })
  return [...tcps, ...free, pinned, complete, roundTrips(repeats)]
}
