// What a network is in this cluster: the read-only copy that local users see, and the attachment that VMs name.
import { ANNOTATIONS, LABELS } from '#crds/group.ts'
import type { ObjectMeta } from '#crds/kube-object.ts'
import { splitKey } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'
import { type NetworkAttachmentDefinition, NetworkAttachmentDefinitions } from '#runtime/resources.ts'
import { isOurAttachment, networkAttachment } from './attachment.ts'
import type { MemberDeps } from './deps.ts'
import type { MemberInformers } from './informers.ts'
import type { NetworkView } from './network-policies.ts'

/** Whether a network is our copy of one of the hub. */
export const isProjection = (network: VirtualNetwork): boolean => network.metadata.labels?.[LABELS.projected] === 'true'

type Annotated = { metadata: { annotations?: { [name: string]: string | undefined } | undefined } }

/** UID of the user's network that an object stands for. One that is made anew under the same name has another, and other fixed fields perhaps. */
const originOf = ({ metadata }: Annotated): string | undefined => metadata.annotations?.[ANNOTATIONS.originUid]

const isOfAnother = (object: Annotated, origin: string | undefined): boolean =>
  origin !== undefined && originOf(object) !== undefined && originOf(object) !== origin

export class LocalCopies {
  readonly #deps: Pick<MemberDeps, 'local' | 'gate'>
  readonly #informers: Pick<MemberInformers, 'networks' | 'attachments'>

  constructor(deps: Pick<MemberDeps, 'local' | 'gate'>, informers: Pick<MemberInformers, 'networks' | 'attachments'>) {
    this.#deps = deps
    this.#informers = informers
  }

  /** Writes the copy of a projection. */
  async project(projection: VirtualNetwork, network: string, signal: AbortSignal): Promise<void> {
    const { local } = this.#deps
    const [namespace, name] = splitKey(network)
    const origin = originOf(projection)
    let copy = this.#informers.networks.lister.get(network)
    if (copy && !isProjection(copy)) return
    if (copy && isOfAnother(copy, origin)) {
      await local.delete(VirtualNetworks, { namespace, name }, { uid: copy.metadata.uid, signal })
      copy = undefined
    }
    const { spec, status = {} } = projection
    const metadata: ObjectMeta = {
      namespace,
      name,
      labels: { [LABELS.projected]: 'true' },
      ...(origin === undefined ? {} : { annotations: { [ANNOTATIONS.originUid]: origin } }),
    }
    if (!copy || !sameStatus(copy.spec, spec) || originOf(copy) !== origin)
      await local.apply(VirtualNetworks, { metadata, spec }, { signal })
    if (!copy || !sameStatus(copy.status ?? {}, status))
      await local.applyStatus(VirtualNetworks, { metadata: { namespace, name }, status }, { signal })
  }

  /** Offers the attachment once the bridges are there: a VM must not land where there is none. Once offered, it stays. */
  async attach({ network, origin, status, bridges }: NetworkView, signal: AbortSignal): Promise<void> {
    const { bridgeDevice = '', mtuBytes = 0 } = status
    const present = await this.#attachmentOf(network, origin, signal)
    const carried = bridges.filter(({ carries, nodeReady }) => carries && nodeReady)
    if (!present && (carried.length === 0 || carried.some(({ programmed }) => !programmed))) return
    const attachment = networkAttachment({ network, bridgeDevice, mtuBytes, origin })
    if (present?.spec?.config === attachment.spec.config && originOf(present) === origin) return
    await this.#deps.local.apply(NetworkAttachmentDefinitions, attachment, { signal })
  }

  /** Removes copy and attachment of a network that the mailbox does not have. */
  async withdraw(network: string, signal: AbortSignal): Promise<void> {
    const { local, gate } = this.#deps
    const [namespace, name] = splitKey(network)
    const attachment = this.#informers.attachments.lister.get(network)
    const copy = this.#informers.networks.lister.get(network)
    const isOurs = attachment !== undefined && isOurAttachment(attachment)
    const isCopy = copy !== undefined && isProjection(copy)
    // A mailbox that is going, or another's, lacks much: that is no reason to let go of anything.
    if ((!isOurs && !isCopy) || (await gate.verify(signal))) return
    if (isOurs)
      await local.delete(NetworkAttachmentDefinitions, { namespace, name }, { uid: attachment.metadata.uid, signal })
    if (isCopy) await local.delete(VirtualNetworks, { namespace, name }, { uid: copy.metadata.uid, signal })
  }

  /** The attachment of this network; that of a former one of the same name is removed first. */
  async #attachmentOf(
    network: string,
    origin: string | undefined,
    signal: AbortSignal,
  ): Promise<NetworkAttachmentDefinition | undefined> {
    const [namespace, name] = splitKey(network)
    const present = this.#informers.attachments.lister.get(network)
    if (!present || !isOfAnother(present, origin)) return present
    const { uid } = present.metadata
    await this.#deps.local.delete(NetworkAttachmentDefinitions, { namespace, name }, { uid, signal })
    return undefined
  }
}
