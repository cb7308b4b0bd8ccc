// From pods to the endpoints of a network. Pure: what a pod's annotations say is hostile until parsed.
import { type NetworkEndpoint, ownerOf } from '#crds/network-endpoint-slice.ts'

const NETWORK_STATUS = 'k8s.v1.cni.cncf.io/network-status'
const VM_NAME = 'vm.kubevirt.io/name'
const DOMAIN = 'kubevirt.io/domain'
const MIGRATION_JOB = 'kubevirt.io/migrationJobUID'
const TARGET_READY = 'kubevirt.io/migration-target-ready-timestamp'
/** All that is read of a pod's labels and annotations. */
export const POD_LABELS = [VM_NAME, DOMAIN, MIGRATION_JOB]
export const POD_ANNOTATIONS = [NETWORK_STATUS, TARGET_READY]
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/
const IP = /^[0-9a-f.:]{2,45}$/

/** What we read of a pod. */
export type PodView = {
  namespace: string
  name: string
  uid: string
  node: string | undefined
  phase: string | undefined
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** An interface of a pod as Multus reports it. */
export type Attachment = { network: string; mac: string; ips: string[] }

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** The interfaces in a pod's network status; entries that are not well formed are left out, since nothing could be bound to them. */
export const attachmentsOf = (pod: Pick<PodView, 'annotations'>): Attachment[] => {
  let entries: unknown
  try {
    entries = JSON.parse(pod.annotations[NETWORK_STATUS] ?? '[]')
  } catch {
    return []
  }
  if (!Array.isArray(entries)) return []
  return entries.slice(0, 64).flatMap((value) => {
    const { name, mac, ips } = record(value)
    if (typeof name !== 'string' || !name.includes('/') || typeof mac !== 'string') return []
    const address = mac.toLowerCase()
    // A group address names no single interface.
    if (!MAC.test(address) || (Number.parseInt(address.slice(0, 2), 16) & 1) === 1) return []
    const known = Array.isArray(ips) ? ips.filter((ip): ip is string => typeof ip === 'string' && IP.test(ip)) : []
    return [{ network: name, mac: address, ips: known.slice(0, 16) }]
  })
}

const isAlive = (pod: PodView): boolean => pod.node !== undefined && pod.phase !== 'Succeeded' && pod.phase !== 'Failed'

/** A virt-launcher pod that a VM is about to move to: it may not use the MAC before KubeVirt says that the guest is there. */
const isWaitingTarget = (pod: PodView): boolean =>
  pod.labels[MIGRATION_JOB] !== undefined && pod.annotations[TARGET_READY] === undefined

type Found = Omit<NetworkEndpoint, 'sequence' | 'first'>

/** Where an interface lives: a change of it is a move. */
const place = ({ mac, podUID, role }: Found): string => `${mac} ${podUID} ${role}`
/** Whose it is: it stays the same when a VM moves. */
const holder = (endpoint: Found): string => `${endpoint.mac} ${ownerOf(endpoint)}`

/**
 * Endpoints of `network` on this cluster. A pod of another namespace has none. An endpoint that stays where it was keeps its sequence; a new one
 * gets a number above all that its MAC address had before. `first` stays with a VM for as long as it has the address somewhere.
 */
export const endpointsOf = (network: string, pods: PodView[], previous: NetworkEndpoint[]): NetworkEndpoint[] => {
  const namespace = network.slice(0, network.indexOf('/'))
  const found = pods
    .filter((pod) => isAlive(pod) && pod.namespace === namespace)
    .flatMap((pod) =>
      attachmentsOf(pod)
        .filter((attachment) => attachment.network === network)
        .map(({ mac, ips }): Found => {
          const vm = pod.labels[VM_NAME] ?? pod.labels[DOMAIN]
          return {
            mac,
            podUID: pod.uid,
            pod: `${pod.namespace}/${pod.name}`,
            node: pod.node ?? '',
            role: isWaitingTarget(pod) ? 'Target' : 'Active',
            ...(vm ? { vm } : {}),
            ...(ips.length > 0 ? { ips } : {}),
          }
        }),
    )
  const before = new Map(previous.map((endpoint) => [place(endpoint), endpoint.sequence]))
  const firsts = new Map(previous.map((endpoint) => [holder(endpoint), endpoint.first]))
  const highest = new Map<string, number>()
  for (const { mac, sequence } of previous) highest.set(mac, Math.max(sequence, highest.get(mac) ?? 0))
  return found
    .map((endpoint) => {
      const sequence = before.get(place(endpoint)) ?? (highest.get(endpoint.mac) ?? 0) + 1
      return { ...endpoint, sequence, first: firsts.get(holder(endpoint)) ?? sequence }
    })
    .sort((left, right) => left.mac.localeCompare(right.mac) || left.podUID.localeCompare(right.podUID))
}

/** Networks that a pod attaches to but may not use: they belong to other namespaces. `isNetwork` tells ours from other attachments. */
export const foreignNetworks = (pod: PodView, isNetwork: (network: string) => boolean): string[] =>
  attachmentsOf(pod)
    .map(({ network }) => network)
    .filter((network) => isNetwork(network) && !network.startsWith(`${pod.namespace}/`))
