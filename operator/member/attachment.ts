// The NetworkAttachmentDefinition through which the ordinary bridge CNI plugin attaches VMs to a network. Pure.
import { ANNOTATIONS, LABELS, MANAGED_BY } from '#crds/group.ts'
import { splitKey } from '#crds/names.ts'

export type AttachmentInput = { network: string; bridgeDevice: string; mtuBytes: number; origin?: string | undefined }

/**
 * Plugin configuration. `disableContainerInterface` leaves the interface to the VM, `portIsolation` keeps the Linux bridge from forwarding between
 * ports (our program at the port decides every frame), and without IPAM the segment's addresses are the guests' own business.
 */
const pluginConfiguration = ({ network, bridgeDevice, mtuBytes }: AttachmentInput): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: network.replace('/', '.'),
    type: 'bridge',
    bridge: bridgeDevice,
    mtu: mtuBytes,
    isGateway: false,
    macspoofchk: false,
    portIsolation: true,
    disableContainerInterface: true,
    ipam: {},
  })

/** The object to apply, in the network's own namespace and under its name. */
export const networkAttachment = (input: AttachmentInput) => {
  const [namespace, name] = splitKey(input.network)
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: {
      namespace,
      name,
      labels: { [LABELS.managedBy]: MANAGED_BY, [LABELS.network]: `${namespace}.${name}` },
      ...(input.origin === undefined ? {} : { annotations: { [ANNOTATIONS.originUid]: input.origin } }),
    },
    spec: { config: pluginConfiguration(input) },
  }
}

/** Whether an attachment is ours to change. */
export const isOurAttachment = (object: {
  metadata?: { labels?: Record<string, string | undefined> | undefined } | undefined
}): boolean => object.metadata?.labels?.[LABELS.managedBy] === MANAGED_BY
