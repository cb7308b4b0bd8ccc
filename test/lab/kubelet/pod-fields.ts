import type { Pod } from '#runtime/resources.ts'

/** Addresses of a pod as its status will show them; the first is the primary one. */
export type PodPlace = { node: string; hostIPs: string[]; podIPs: string[] }

/**
 * The downward API: value of a field of the pod. A path that does not exist gives '' for a key of labels or annotations, as
 * in Kubernetes, and throws otherwise.
 */
export const podField = (pod: Pod, place: PodPlace, path: string): string => {
  const metadata = pod.metadata ?? {}
  const key = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path)
  if (key) return metadata[key[1] as 'labels' | 'annotations']?.[key[2]!] ?? ''
  const fields: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'metadata.labels': keyValueLines(metadata.labels),
    'metadata.annotations': keyValueLines(metadata.annotations),
    'spec.nodeName': place.node,
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? 'default',
    'status.hostIP': place.hostIPs[0],
    'status.hostIPs': place.hostIPs.join(','),
    'status.podIP': place.podIPs[0],
    'status.podIPs': place.podIPs.join(','),
  }
  const value = fields[path]
  if (value === undefined) throw new Error(`the laboratory's kubelet knows no pod field ${path}`)
  return value
}

const keyValueLines = (map: Record<string, string> = {}): string =>
  Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n')

type Amounts = Record<string, string> | undefined
type ResourceSource = { resources?: { limits?: Amounts; requests?: Amounts } | undefined }

/** `limits.memory`, `requests.cpu`, …: whole bytes or cores, rounded up and divided by `divisor`, as Kubernetes does. */
export const resourceField = (container: ResourceSource, resource: string, divisor = '1'): string => {
  const [kind, ...rest] = resource.split('.') as ['limits' | 'requests', ...string[]]
  const quantity = container.resources?.[kind]?.[rest.join('.')]
  return quantity === undefined ? '0' : String(Math.ceil(parseQuantity(quantity) / parseQuantity(divisor)))
}

const suffixes: Record<string, number> = { m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 }
const binarySuffixes: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }

/** A Kubernetes quantity as a number: "100m" → 0.1, "64Mi" → 67,108,864. */
export const parseQuantity = (quantity: string): number => {
  const [, digits = '', suffix = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? []
  const factor = suffix === '' || quantity === '0' ? 1 : (suffixes[suffix] ?? binarySuffixes[suffix])
  if (digits === '' || factor === undefined) throw new Error(`${quantity} is no quantity such as 100m or 64Mi`)
  return Number(digits) * factor
}
