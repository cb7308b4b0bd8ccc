// In-use protection: a network is not deleted under VMs that are attached to it.
import { ANNOTATIONS, IN_USE_FINALIZER } from '#crds/group.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import type { ConditionStatement } from '#runtime/conditions.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { VirtualNetworks } from '#runtime/overlay-resources.ts'

const finalizersOf = ({ metadata }: VirtualNetwork): string[] => [...(metadata.finalizers ?? [])]

const isProtected = (network: VirtualNetwork): boolean => finalizersOf(network).includes(IN_USE_FINALIZER)

const isForgotten = ({ metadata }: VirtualNetwork): boolean => metadata.annotations?.[ANNOTATIONS.forget] === 'true'

/**
 * How a network that is being deleted stands: `InUse` as long as interfaces are attached in clusters that are connected (what a dead cluster
 * last said pins nothing), else `Leaving`; undefined for one that stays.
 */
export const departureOf = (
  network: VirtualNetwork,
  counts: ReadonlyMap<string, number>,
  connected: ReadonlySet<string>,
): { state: 'InUse'; attached: number; clusters: string[] } | { state: 'Leaving' } | undefined => {
  if (!network.metadata.deletionTimestamp) return undefined
  const using = [...counts].filter(([cluster, count]) => count > 0 && connected.has(cluster))
  if (using.length === 0 || isForgotten(network) || !isProtected(network)) return { state: 'Leaving' }
  return {
    state: 'InUse',
    attached: using.reduce((sum, [, count]) => sum + count, 0),
    clusters: using.map(([cluster]) => cluster),
  }
}

/** The condition of a network that waits for its VMs. */
export const inUseCondition = (attached: number, clusters: readonly string[]): ConditionStatement => ({
  type: 'Terminating',
  status: 'True',
  reason: 'InUse',
  message: `${attached} interfaces are attached in ${clusters.join(', ')}: delete those VMs, or annotate the network with ${ANNOTATIONS.forget}=true to delete it under them`,
})

const setFinalizers = async (
  client: KubeClient,
  network: VirtualNetwork,
  finalizers: string[],
  signal: AbortSignal,
): Promise<void> => {
  const { name, namespace, resourceVersion } = network.metadata
  // With the version that was read: somebody else may have changed the list.
  await client.patch(VirtualNetworks, { name, namespace }, { metadata: { resourceVersion, finalizers } }, { signal })
}

/** Asks the API server to keep the network until `release`. */
export const protect = async (client: KubeClient, network: VirtualNetwork, signal: AbortSignal): Promise<void> => {
  if (network.metadata.deletionTimestamp || isProtected(network)) return
  await setFinalizers(client, network, [...finalizersOf(network), IN_USE_FINALIZER], signal)
}

export const release = async (client: KubeClient, network: VirtualNetwork, signal: AbortSignal): Promise<void> => {
  if (!isProtected(network)) return
  const others = finalizersOf(network).filter((name) => name !== IN_USE_FINALIZER)
  await setFinalizers(client, network, others, signal)
}
