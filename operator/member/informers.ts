import { mailboxNamespace } from '#crds/names.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { Informer } from '#runtime/informer.ts'
import { NetworkEndpointSlices, NodeBridges, VirtualNetworks } from '#runtime/overlay-resources.ts'
import { Namespaces, NetworkAttachmentDefinitions, Nodes, type Pod, Pods } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { attachmentsOf, POD_ANNOTATIONS, POD_LABELS, type PodView } from './pod-endpoints.ts'

/** What endpoints are made from, of a pod as the API server has it. */
export const podView = (pod: Pod): PodView => ({
  namespace: pod.metadata?.namespace ?? '',
  name: pod.metadata?.name ?? '',
  uid: pod.metadata?.uid ?? '',
  node: pod.spec?.nodeName,
  phase: pod.status?.phase,
  labels: { ...pod.metadata?.labels } as Record<string, string>,
  annotations: { ...pod.metadata?.annotations } as Record<string, string>,
})

const pick = <T>(map: Record<string, T> | undefined, keys: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => keys.includes(key)))

/** The few bytes of a pod that endpoints are made from: of a large cluster's pods the rest would be hundreds of megabytes. */
export const smallPod = ({ metadata, spec, status }: Pod): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: metadata?.namespace,
    name: metadata?.name,
    uid: metadata?.uid,
    resourceVersion: metadata?.resourceVersion,
    labels: pick(metadata?.labels as Record<string, string> | undefined, POD_LABELS),
    annotations: pick(metadata?.annotations as Record<string, string> | undefined, POD_ANNOTATIONS),
  },
  spec: { nodeName: spec?.nodeName, containers: [] },
  status: { phase: status?.phase },
})

/** Networks that a pod has an interface of. */
export const networksOfPod = (pod: Pod): string[] => [
  ...new Set(attachmentsOf(podView(pod)).map(({ network }) => network)),
]

/** Networks that a bridge carries, or says something of. */
export const networksOfBridge = ({ spec, status }: NodeBridge): string[] => [
  ...new Set([
    ...(spec?.networks ?? []).map(({ name }) => name),
    ...(status?.networks ?? []).map(({ name }) => name),
    ...(status?.problems ?? []).map(({ subject }) => subject),
  ]),
]

/** The views that the member's controllers read: this cluster's objects, and this cluster's mailbox on the hub. */
export const memberInformers = (deps: MemberDeps) => {
  const { local, hub, cluster, namespace, gate, logger, metrics, clock } = deps
  const here = { client: local, logger, metrics, clock }
  const mailbox = { client: hub, namespace: mailboxNamespace(cluster), view: 'mailbox', logger, metrics, clock }
  const ofMailbox = {
    mailboxNetworks: new Informer({ ...mailbox, resource: VirtualNetworks }),
    mailboxBridges: new Informer({ ...mailbox, resource: NodeBridges }),
    mailboxSlices: new Informer({ ...mailbox, resource: NetworkEndpointSlices }),
  }
  for (const view of Object.values(ofMailbox)) gate.onReset(() => view.restart())
  return {
    nodes: new Informer({ ...here, resource: Nodes }),
    namespaces: new Informer({ ...here, resource: Namespaces }),
    pods: new Informer({ ...here, resource: Pods, transform: smallPod, indexes: { network: networksOfPod } }),
    networks: new Informer({ ...here, resource: VirtualNetworks }),
    attachments: new Informer({ ...here, resource: NetworkAttachmentDefinitions, optional: true }),
    bridges: new Informer({ ...here, resource: NodeBridges, namespace, indexes: { network: networksOfBridge } }),
    slices: new Informer({
      ...here,
      resource: NetworkEndpointSlices,
      namespace,
      indexes: { network: (slice) => [slice.spec.network] },
    }),
    ...ofMailbox,
  }
}

export type MemberInformers = ReturnType<typeof memberInformers>
