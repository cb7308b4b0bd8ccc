// `kubectl vnet path VM VM`: the way of frames between two VMs, in both directions.
import { bridgeKey } from '#crds/names.ts'
import type { Overlay, PlacedEndpoint } from './overlay.ts'
import { table } from './table.ts'
import { type Trace, tracePath } from './trace-path.ts'

export type PathQuery = { from: string; to: string; namespace: string; network?: string | undefined }

const matches = (endpoint: PlacedEndpoint, name: string, namespace: string): boolean => {
  const [cluster, vm] = name.includes('/') ? (name.split('/', 2) as [string, string]) : [undefined, name]
  return (
    (cluster === undefined || endpoint.cluster === cluster) &&
    (endpoint.pod === `${namespace}/${vm}` || (endpoint.vm === vm && endpoint.pod.startsWith(`${namespace}/`)))
  )
}

const placeOf = ({ cluster, pod, node, mac }: PlacedEndpoint): string =>
  `${cluster}/${pod.split('/')[1]} (${mac} on ${bridgeKey(cluster, node)})`

/**
 * The two endpoints that a query means.
 * @throws Error that says which name matched nothing or too much, and what to write instead.
 */
export const findEndpoints = (
  overlay: Overlay,
  { from, to, namespace, network }: PathQuery,
): [PlacedEndpoint, PlacedEndpoint] => {
  const candidates = (name: string): PlacedEndpoint[] => {
    const found = overlay.endpoints.filter(
      (endpoint) =>
        matches(endpoint, name, namespace) &&
        (!network || endpoint.network === network || endpoint.network === `${namespace}/${network}`),
    )
    if (found.length === 0)
      throw new Error(
        `no VM "${name}" is attached in namespace ${namespace}${network ? ` to network ${network}` : ''}: try -n NAMESPACE, or CLUSTER/NAME`,
      )
    return found
  }
  const pairs = candidates(from).flatMap((source) =>
    candidates(to)
      .filter((target) => target.network === source.network && target !== source)
      .map((target): [PlacedEndpoint, PlacedEndpoint] => [source, target]),
  )
  const [pair, ...others] = pairs
  if (!pair) throw new Error(`"${from}" and "${to}" share no network`)
  if (others.length > 0)
    throw new Error(
      `"${from}" and "${to}" mean several pairs: write CLUSTER/NAME or add --network. They are:\n${pairs.map(([source, target]) => `  ${placeOf(source)} → ${placeOf(target)} on ${source.network}`).join('\n')}`,
    )
  return pair
}

const describe = (trace: Trace, source: PlacedEndpoint, target: PlacedEndpoint): string => {
  const rows = trace.hops.map(({ bridge, link, to, address, label }, index) => [
    `  ${index + 1}`,
    bridge,
    `link ${link}`,
    `→ ${to}`,
    address,
    label === 0 ? 'deliver' : `label ${label}`,
  ])
  const end = trace.failure
    ? `  does not arrive: ${trace.failure}`
    : trace.hops.length === 0
      ? '  on the same node: from port to port'
      : ''
  return [`${placeOf(source)} → ${placeOf(target)}`, rows.length > 0 ? table(rows) : '', end].filter(Boolean).join('\n')
}

/** Both directions, hop by hop. */
export const pathText = (overlay: Overlay, query: PathQuery): string => {
  const [source, target] = findEndpoints(overlay, query)
  const specs = new Map([...overlay.bridges].map(([name, { spec }]) => [name, { ...spec, bridge: name }]))
  const trace = (from: PlacedEndpoint, to: PlacedEndpoint): Trace =>
    tracePath(specs, source.network, bridgeKey(from.cluster, from.node), bridgeKey(to.cluster, to.node))
  return [
    `network ${source.network}`,
    describe(trace(source, target), source, target),
    describe(trace(target, source), target, source),
  ].join('\n')
}
