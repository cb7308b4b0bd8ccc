// Sources of requests that hear only of changes that matter: members and agents report far more than decisions rest on.
import type { MemberCluster } from '#crds/member-cluster.ts'
import type { NodeBridge } from '#crds/node-bridge.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'
import { type Condition, findCondition } from '#runtime/conditions.ts'
import type { Request, Source } from '#runtime/controller.ts'
import type { Informer } from '#runtime/informer.ts'
import type { KubeObject } from '#runtime/kube-object.ts'
import type { Namespace } from '#runtime/resources.ts'

/** As `source`, but silent about a change that leaves what `relevant` gives (plain data) as it was. */
export const relevantSource = <T extends KubeObject>(
  informer: Informer<T>,
  relevant: (object: T) => unknown,
  requestsOf: (object: T, key: string) => Iterable<Request>,
): Source => ({
  synced: (signal) => informer.synced(signal),
  start: (enqueue) => {
    const enqueueAll = (object: T | undefined, key: string): void => {
      if (object) for (const request of requestsOf(object, key)) enqueue(request)
    }
    const stop = informer.onChange((key, previous) => {
      const present = informer.lister.get(key)
      if (previous && present && JSON.stringify(relevant(previous)) === JSON.stringify(relevant(present))) return
      enqueueAll(previous, key)
      enqueueAll(present, key)
    })
    for (const key of informer.lister.keys()) enqueueAll(informer.lister.get(key), key)
    return stop
  },
})

const verdict = (conditions: readonly Condition[] | undefined, type: string): unknown => {
  const { status, reason } = findCondition(conditions, type) ?? {}
  return [status, reason]
}

/** What publication takes from a bridge: not its ports, nor what it says of itself in words. */
export const relevantOfBridge = ({ metadata, status = {} }: NodeBridge): unknown => [
  metadata.uid,
  metadata.generation,
  metadata.deletionTimestamp,
  metadata.labels,
  [status.programmedEpoch, status.programmedSerial, status.epoch, status.overlayUID],
  [status.nodeUID, status.addresses, status.underlayMTUBytes],
  status.networks,
  status.problems,
  verdict(status.conditions as Condition[] | undefined, 'NodeReady'),
  verdict(status.conditions as Condition[] | undefined, 'Preflight'),
]

/** What others than its own controller take from a cluster: a heartbeat is no news. */
export const relevantOfCluster = ({ metadata, status }: MemberCluster): unknown => [
  metadata.uid,
  metadata.generation,
  metadata.deletionTimestamp,
  verdict(status?.conditions as Condition[] | undefined, 'Ready'),
]

/** What publication takes from a network. */
export const relevantOfNetwork = ({ metadata, status }: VirtualNetwork): unknown => [
  metadata.uid,
  metadata.generation,
  metadata.deletionTimestamp,
  metadata.finalizers,
  metadata.labels,
  [status?.vni, status?.mtuBytes],
]

/** What decisions about other networks take from one. */
export const relevantToOthers = ({ metadata, spec, status }: VirtualNetwork): unknown => [
  metadata.uid,
  metadata.deletionTimestamp,
  metadata.finalizers,
  spec.className,
  status?.vni,
]

export const relevantOfNamespace = ({ metadata }: Namespace): unknown => [
  metadata?.uid,
  metadata?.labels,
  metadata?.deletionTimestamp,
]
