import { join } from 'node:path'
import { openMap } from '../native/index.ts'
import { type MapKey, type MapName, type MapValue, mapLayouts, type PathStat, pathStats } from '../wire/map-layouts.ts'

export type LinkTotals = { txPackets: bigint; txBytes: bigint; rxPackets: bigint; rxBytes: bigint }
export type NetworkTotals = { packets: bigint; bytes: bigint }

/** What the programs have counted since they were loaded, summed over the CPUs. */
export type Counters = {
  /** By number of the reason. */
  readonly drops: ReadonlyMap<number, bigint>
  /** By link id; inner frames. */
  readonly links: ReadonlyMap<number, LinkTotals>
  /** By VNI: what VMs of this node sent. */
  readonly networks: ReadonlyMap<number, NetworkTotals>
  /** Frames by direction and path; a super-frame is one. */
  readonly paths: ReadonlyMap<PathStat, bigint>
}

type PerCpu = 'drops' | 'link_stats' | 'port_stats' | 'path_stats'

const readPerCpu = <N extends PerCpu & MapName>(
  folder: string,
  name: N,
): { key: MapKey<N>; values: MapValue<N>[] }[] => {
  const { key, value } = mapLayouts[name]
  const map = openMap(join(folder, name))
  try {
    return [...map.entriesPerCpu()].map(([keyBytes, values]) => ({
      key: key.parse(keyBytes) as MapKey<N>,
      values: values.map((bytes) => value.parse(bytes) as MapValue<N>),
    }))
  } finally {
    map.close()
  }
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n)

/** Reads the counting maps in `mapsFolder`. */
export const readCounters = (mapsFolder: string): Counters => {
  const networks = new Map<number, NetworkTotals>()
  for (const { key, values } of readPerCpu(mapsFolder, 'port_stats')) {
    const { packets, bytes } = networks.get(key.vni) ?? { packets: 0n, bytes: 0n }
    networks.set(key.vni, {
      packets: packets + sum(values.map((it) => it.packets)),
      bytes: bytes + sum(values.map((it) => it.bytes)),
    })
  }
  return {
    drops: new Map(readPerCpu(mapsFolder, 'drops').map(({ key, values }) => [key, sum(values)])),
    links: new Map(
      readPerCpu(mapsFolder, 'link_stats').map(({ key, values }) => [
        key,
        {
          txPackets: sum(values.map((it) => it.txPackets)),
          txBytes: sum(values.map((it) => it.txBytes)),
          rxPackets: sum(values.map((it) => it.rxPackets)),
          rxBytes: sum(values.map((it) => it.rxBytes)),
        },
      ]),
    ),
    networks,
    paths: new Map(readPerCpu(mapsFolder, 'path_stats').map(({ key, values }) => [pathStats[key]!, sum(values)])),
  }
}
