// Frames through the overlay, against the kernel's own VXLAN and against no overlay at all, alternately in one run.
import { parseArgs } from 'node:util'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { report, type Series } from '../report.ts'
import { buildUdpRate, packets, roundTrip, tcp } from './measure.ts'
import { type Kind, type Setup, Topology, type Wire } from './topology.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, only: { type: 'string' } } })
const rounds = Number(values.rounds)
const udpRate = buildUdpRate()
const bpffs = mountBpffs()

const nameOf = ({ kind, wire, relay }: Setup): string =>
  [relay ? 'relay' : 'link', kind, ...(wire === 'ideal' ? [] : [wire])].join(' ')
const setups: Setup[] = [
  ...(['bridge', 'kernel', 'vnet'] as Kind[]).map((kind) => ({ kind, wire: 'ideal' as Wire, relay: false })),
  ...(['wire', 'wire-gro'] as Wire[]).flatMap((wire) =>
    (['kernel', 'vnet'] as Kind[]).map((kind) => ({ kind, wire, relay: false })),
  ),
  ...(['kernel', 'vnet'] as Kind[]).map((kind) => ({ kind, wire: 'ideal' as Wire, relay: true })),
].filter((setup) => !values.only || nameOf(setup).startsWith(values.only))

const series = new Map<string, Series>()
/** The slow path is to equal kernel VXLAN; steeper goals belong to the fast path. */
const goals: Record<string, NonNullable<Series['goal']>> = {
  'TCP 1 stream': { above: 0.95 },
  'TCP 8 streams': { above: 0.95 },
  'packets 1 flow': { above: 0.85 },
  'packets 8 flows': { above: 0.85 },
}

const record = (setup: Setup, metric: string, unit: string, value: number): void => {
  const name = nameOf(setup)
  const key = `${name} ${metric}`
  const baseline =
    setup.kind === 'vnet'
      ? nameOf({ ...setup, kind: 'kernel' })
      : setup.kind === 'kernel' && setups.some((other) => nameOf(other) === nameOf({ ...setup, kind: 'bridge' }))
        ? nameOf({ ...setup, kind: 'bridge' })
        : undefined
  const goal = setup.kind === 'vnet' ? goals[metric] : undefined
  const entry = series.get(key) ?? {
    case: name,
    metric,
    unit,
    values: [],
    ...(baseline ? { baseline } : {}),
    ...(goal ? { goal } : {}),
  }
  entry.values.push(value)
  series.set(key, entry)
}

const topologies = setups.map((setup) => new Topology(setup, bpffs))
try {
  for (let round = 1; round <= rounds; round++) {
    for (const topology of topologies) {
      const { setup } = topology
      console.error(`round ${round} of ${rounds}: ${nameOf(setup)}`)
      roundTrip(topology)
      for (const streams of [1, 8]) {
        const { gbps, retransmits } = await tcp(topology, streams)
        const label = `TCP ${streams} stream${streams > 1 ? 's' : ''}`
        record(setup, label, 'Gbit/s', gbps)
        record(setup, `${label}, sent again`, 'segments', retransmits)
      }
      if (setup.wire !== 'ideal') continue
      for (const flows of [1, 8])
        record(setup, `packets ${flows} flow${flows > 1 ? 's' : ''}`, 'per s', await packets(topology, udpRate, flows))
      record(setup, 'round trip p50', 'µs', roundTrip(topology))
    }
  }
} finally {
  for (const topology of topologies) topology.close()
  bpffs.close()
}
report('dataplane', rounds, [...series.values()])
