// `kubectl vnet status`: is the overlay well, and if not, what is the matter.
import { networkKey } from '#crds/names.ts'
import type { Condition } from '#crds/schema.ts'
import type { Overlay } from './overlay.ts'
import { table } from './table.ts'

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

type Row = { kind: string; name: string; ready: string; detail: string; message: string }

const readiness = (conditions: Condition[] | undefined): Pick<Row, 'ready' | 'message'> => {
  const ready = conditions?.find(({ type }) => type === 'Ready')
  if (!ready) return { ready: 'Unknown', message: 'no condition Ready yet' }
  return { ready: ready.status, message: ready.status === 'True' ? '' : `${ready.reason}: ${ready.message}` }
}

const rowsOf = ({ clusters, networks, links, bridges, endpoints }: Overlay): Row[] => [
  ...clusters.map(({ metadata, status }) => ({
    kind: 'MemberCluster',
    name: metadata.name,
    detail: `${status?.readyBridges ?? 0} of ${status?.bridges ?? 0} bridges ready`,
    ...readiness(status?.conditions),
  })),
  ...[...bridges].map(([name, { spec, status }]) => ({
    kind: 'NodeBridge',
    name,
    detail: `${counted(spec?.links?.length ?? 0, 'link')}, ${counted(spec?.networks?.length ?? 0, 'network')}`,
    ...readiness(status?.conditions),
  })),
  ...networks.map(({ metadata, status }) => {
    const name = networkKey(metadata.namespace ?? '', metadata.name)
    const attached = endpoints.filter(({ network }) => network === name).length
    return {
      kind: 'VirtualNetwork',
      name,
      detail: `VNI ${status?.vni ?? '-'}, ${counted(attached, 'endpoint')}${metadata.deletionTimestamp ? ', being deleted' : ''}`,
      ...readiness(status?.conditions),
    }
  }),
  ...links.map(({ metadata, spec, status }) => ({
    kind: 'OverlayLink',
    name: metadata.name,
    detail: `${spec.a.cluster}/${spec.a.node} - ${spec.b.cluster}/${spec.b.node}`,
    ...readiness(status?.conditions),
  })),
]

/** Whether an overlay has bridges and everything in it is ready. */
export const isReady = (overlay: Overlay): boolean =>
  overlay.bridges.size > 0 && rowsOf(overlay).every(({ ready }) => ready === 'True')

/** A table of everything, and below it what is the matter. */
export const statusText = (overlay: Overlay): string => {
  const rows = rowsOf(overlay)
  if (overlay.bridges.size === 0)
    return 'There are no bridges here: is the chart installed in this cluster, and is this the right kubeconfig?'
  const list = table([
    ['KIND', 'NAME', 'READY', 'DETAIL'],
    ...rows.map(({ kind, name, ready, detail }) => [kind, name, ready, detail]),
  ])
  const problems = rows
    .filter(({ message }) => message)
    .map(({ kind, name, message }) => `  ${kind} ${name}: ${message}`)
  return problems.length > 0 ? `${list}\n\nNot ready:\n${problems.join('\n')}` : `${list}\n\nEverything is ready.`
}
