// `kubectl vnet topology [NETWORK]`: a small picture of the overlay.
import { bridgeKey, networkKey } from '#crds/names.ts'
import type { Overlay } from './overlay.ts'

const branch = (lines: string[], last: boolean): string[] =>
  lines.map((line, index) => (index === 0 ? `${last ? '└─ ' : '├─ '}${line}` : `${last ? '   ' : '│  '}${line}`))

const tree = (title: string, children: string[][]): string[] => [
  title,
  ...children.flatMap((lines, index) => branch(lines, index === children.length - 1)),
]

/** Bridges of a network by cluster, with their links and VMs. */
const networkTree = (overlay: Overlay, name: string, type: string, vni: number | undefined): string[] => {
  const byCluster = new Map<string, string[][]>()
  for (const [bridge, { spec }] of [...overlay.bridges].sort(([left], [right]) => left.localeCompare(right))) {
    const entry = spec?.networks?.find((candidate) => candidate.name === name)
    if (!entry) continue
    const [cluster = '', node = ''] = bridge.split('/')
    const neighbours = entry.links.flatMap((id) => spec?.links?.find((link) => link.id === id)?.bridge ?? [])
    const vms = overlay.endpoints.filter(
      (endpoint) => endpoint.network === name && bridgeKey(endpoint.cluster, endpoint.node) === bridge,
    )
    const role = entry.access ? '' : ' (passes on)'
    const lines = tree(
      `${node}${role}  ⇄ ${neighbours.sort().join(', ') || 'no links'}`,
      vms.map(({ pod, mac }) => [`${pod.split('/')[1]}  ${mac}`]),
    )
    byCluster.set(cluster, [...(byCluster.get(cluster) ?? []), lines])
  }
  return tree(
    `${name}  ${type}, VNI ${vni ?? '-'}`,
    [...byCluster].map(([cluster, nodes]) => tree(cluster, nodes)),
  )
}

/** One tree for each network: cluster, node with its neighbours, VMs. */
export const topologyText = (overlay: Overlay, network?: string): string => {
  const networks = overlay.networks.filter(
    ({ metadata }) =>
      !network || network === metadata.name || network === networkKey(metadata.namespace ?? '', metadata.name),
  )
  if (networks.length === 0) return network ? `there is no network ${network}` : 'there are no networks'
  return networks
    .map(({ metadata, spec, status }) =>
      networkTree(
        overlay,
        networkKey(metadata.namespace ?? '', metadata.name),
        spec.topology?.type ?? 'Mesh',
        status?.vni,
      ).join('\n'),
    )
    .join('\n\n')
}
