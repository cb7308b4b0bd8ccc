// Everything that the nodes count, by name.
import type { Node } from '#daemonset/bpf/test-laboratory.ts'
import { mapLayouts, pathStats } from '#daemonset/wire/map-layouts.ts'

const LINKS = [1, 2, 3]

/**
 * Totals over all CPUs: `drop NODE REASON`, `link NODE-LINK FIGURE`, `port NODE IFINDEX FIGURE`, `path NODE NAME`, and
 * `flow NODE IFINDEX SOURCE DESTINATION FIGURE`.
 */
export const countsOf = (
  nodes: readonly Node[],
  { vni, ifindexes }: { vni: number; ifindexes: readonly number[] },
): Record<string, number> => {
  const totals: Record<string, number> = {}
  const add = (name: string, figures: Record<string, bigint>): void => {
    for (const [figure, count] of Object.entries(figures))
      totals[`${name} ${figure}`] = (totals[`${name} ${figure}`] ?? 0) + Number(count)
  }
  for (const { maps, index } of nodes) {
    for (const [reason, count] of Object.entries(maps.drops())) totals[`drop ${index} ${reason}`] = count
    for (const link of LINKS)
      for (const figures of maps.perCpu('link_stats', link)) add(`link ${index}-${link}`, figures)
    for (const ifindex of new Set(ifindexes))
      for (const figures of maps.perCpu('port_stats', { vni, ifindex })) add(`port ${index} ${ifindex}`, figures)
    for (const [stat, name] of pathStats.entries())
      for (const count of maps.perCpu('path_stats', stat)) add(`path ${index}`, { [name]: count })
    for (const [key, values] of maps.raw('flows').entriesPerCpu()) {
      const { ifindex, source, destination } = mapLayouts.flows.key.parse(key)
      for (const { packets, bytes } of values.map(mapLayouts.flows.value.parse))
        add(`flow ${index} ${ifindex} ${source} ${destination}`, { packets, bytes })
    }
  }
  return totals
}
