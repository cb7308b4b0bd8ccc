// A network → read-only projections of it in the mailboxes of its clusters. They bear no label `projected`: on the hub's own cluster that marks the
// copies of the member, which removes those that it knows nothing of.
import { ANNOTATIONS } from '#crds/group.ts'
import { mailboxNamespace, networkOfProjection, projectionName } from '#crds/names.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { sameStatus } from '#runtime/conditions.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'
import { isWritable } from './bridge-reports.ts'
import type { HubInformers } from './informers.ts'
import type { MailboxRefusals } from './mailbox-refusals.ts'
import { clusterOfMailbox } from './mailboxes.ts'
import { keyOfNetwork } from './network-index.ts'

type Status = NonNullable<VirtualNetwork['status']>

/** The user's network that an object stands for: itself, or what it is a projection of. */
export const requestOfNetwork = (network: VirtualNetwork): string[] =>
  clusterOfMailbox(network.metadata.namespace) === undefined
    ? [keyOfNetwork(network)]
    : network.metadata.name.includes('.')
      ? [networkOfProjection(network.metadata.name)]
      : []

export const projectionIn = (cluster: string, network: string, { networks }: Pick<HubInformers, 'networks'>) =>
  networks.lister.get(`${mailboxNamespace(cluster)}/${projectionName(network)}`)

export class Projector {
  readonly #client: KubeClient
  readonly #informers: HubInformers
  readonly #refusals: MailboxRefusals

  constructor(client: KubeClient, informers: HubInformers, refusals: MailboxRefusals) {
    this.#client = client
    this.#informers = informers
    this.#refusals = refusals
  }

  /** Writes the projection of an accepted network into the mailboxes of `clusters`, and removes it from all others. */
  async project(
    network: VirtualNetwork,
    clusters: readonly string[],
    status: Status,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#inEach(keyOfNetwork(network), signal, async (cluster, projection) => {
      if (clusters.includes(cluster)) await this.#write(network, { cluster, clusters, status }, signal)
      else if (projection) await this.#remove(projection, signal)
    })
  }

  /** Removes its projections from all mailboxes. */
  async withdraw(key: string, signal: AbortSignal): Promise<void> {
    await this.#inEach(key, signal, async (_, projection) => {
      if (projection) await this.#remove(projection, signal)
    })
  }

  async #inEach(
    network: string,
    signal: AbortSignal,
    act: (cluster: string, projection: VirtualNetwork | undefined) => Promise<void>,
  ): Promise<void> {
    const writable = this.#informers.clusters.lister.list().filter(isWritable)
    await this.#refusals.inEach(
      { writer: 'projection', network, signal },
      writable.map(({ metadata }) => metadata.name),
      (cluster) => act(cluster, projectionIn(cluster, network, this.#informers)),
    )
  }

  async #remove({ metadata: { namespace, name } }: VirtualNetwork, signal: AbortSignal): Promise<void> {
    await this.#client.delete(VirtualNetworks, { namespace, name }, { signal })
  }

  async #write(
    network: VirtualNetwork,
    { cluster, clusters, status }: { cluster: string; clusters: readonly string[]; status: Status },
    signal: AbortSignal,
  ): Promise<void> {
    const key = keyOfNetwork(network)
    const { uid = '' } = network.metadata
    const known = projectionIn(cluster, key, this.#informers)
    // Another network under the same name: its fixed fields may differ, and nothing of the former one must live on.
    if (known && known.metadata.annotations?.[ANNOTATIONS.originUid] !== uid) await this.#remove(known, signal)
    const metadata = {
      namespace: mailboxNamespace(cluster),
      name: projectionName(key),
      annotations: { [ANNOTATIONS.originUid]: uid },
    }
    const spec = { ...network.spec, clusters: [...clusters] }
    if (!known || !sameStatus(known.spec, spec) || known.metadata.annotations?.[ANNOTATIONS.originUid] !== uid)
      await this.#client.apply(VirtualNetworks, { metadata, spec } as never, { signal })
    const { clusters: _, ...ours } = status
    const { clusters: __, ...present } = known?.status ?? {}
    if (!known || !sameStatus(present, ours)) {
      const ref = { namespace: metadata.namespace, name: metadata.name }
      await this.#client.applyStatus(VirtualNetworks, { metadata: ref, status: ours } as never, { signal })
    }
  }
}
