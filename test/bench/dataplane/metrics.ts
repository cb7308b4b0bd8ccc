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

/** `repeats`: how often it is taken in a round, alternately with those of other cases; their mean is the round's figure. */
export type Measurement = { what: string; take: (world: World) => Promise<Figure[]>; repeats: number }
const BURSTS = 4

const plural = (count: number, word: string): string => `${count} ${word}${count > 1 ? 's' : ''}`

const tcpFigures =
  (streams: number, pinned = false) =>
  async (world: World): Promise<Figure[]> => {
    const { gbps, retransmits } = await tcp(world, { streams, seconds: 1, pinned })
    const metric = `TCP ${plural(streams, 'stream')}${pinned ? ', pinned' : ''}`
    return [
      { metric, unit: 'Gbit/s', value: gbps },
      { metric: `${metric}, sent again`, unit: 'segments', value: retransmits },
    ]
  }

type PacketCase = { flows: number; pinned: boolean; complete?: boolean; milliseconds: number }

const packetFigures =
  (program: string, { flows, pinned, complete = false, milliseconds }: PacketCase) =>
  async (world: World): Promise<Figure[]> => {
    if (complete) await setChecksums(world, program, 'complete')
    try {
      const { perSecond, senderNs } = await packets(world, program, { flows, pinned, milliseconds })
      const metric = `packets ${plural(flows, 'flow')}${pinned ? ', pinned' : ''}${complete ? ', complete checksums' : ''}`
      const rate = { metric, unit: 'per s', value: perSecond }
      // Only a pinned sender does the whole path by itself, on its own CPU.
      return pinned ? [rate, { metric: `${metric}: sender's CPU`, unit: 'ns', value: senderNs }] : [rate]
    } finally {
      if (complete) await setChecksums(world, program, 'partial')
    }
  }

const roundTripFigure =
  (count: number) =>
  async (world: World): Promise<Figure[]> => [
    { metric: 'round trip p50', unit: 'µs', value: await roundTrip(world, { count, pinned: true }) },
  ]

/** How the guest's frames leave where a figure does not say otherwise. */
export const usualChecksums = ({ overlay }: Case): Checksums =>
  isPeer(overlay) && PEERS[overlay].needsCompleteChecksums ? 'complete' : 'partial'

/** Everything that is measured of a case. On wires without offloads that is TCP, and one packet rate; of counting, packet rates. */
export const measurementsOf = (it: Case, { program, quick }: { program: string; quick: boolean }): Measurement[] => {
  const streams = [
    { what: 'TCP, 1 stream', take: tcpFigures(1), repeats: 1 },
    { what: 'TCP, 8 streams', take: tcpFigures(8), repeats: 1 },
    { what: 'TCP, 1 stream, pinned', take: tcpFigures(1, true), repeats: 1 },
  ]
  const rate = (options: Omit<PacketCase, 'milliseconds'>): Measurement => ({
    what: [
      'packets',
      plural(options.flows, 'flow'),
      ...(options.pinned ? ['pinned'] : []),
      ...(options.complete ? ['complete checksums'] : []),
    ].join(', '),
    take: packetFigures(program, { ...options, milliseconds: 100 }),
    repeats: quick ? 1 : BURSTS,
  })
  const pinned = rate({ flows: 1, pinned: true })
  const free = [1, 8, 64].map((flows) => rate({ flows, pinned: false }))
  const roundTrips = { what: 'round trip', take: roundTripFigure(100), repeats: quick ? 1 : BURSTS }
  if (it.overlay === 'vnet-uncounted') return [...free, pinned]
  // A program between the VMs would starve beside pinned ones of real-time priority.
  if (isPeer(it.overlay)) return [...streams.slice(0, 2), ...free, roundTrips]
  if (it.wire !== 'ideal') return [...streams, pinned]
  return [...streams, ...free, pinned, rate({ flows: 1, pinned: true, complete: true }), roundTrips]
}
