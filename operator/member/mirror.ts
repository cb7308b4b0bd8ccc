// Copies endpoint slices between this cluster and its mailbox, each direction on its own, so that a hub that is away holds up only itself.

import { mailboxNamespace, sliceIndex } from '#crds/names.ts'
import type { NetworkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import { sameStatus } from '#runtime/conditions.ts'
import { type Controller, source } from '#runtime/controller.ts'
import type { Informer } from '#runtime/informer.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import { NetworkEndpointSlices } from '#runtime/overlay-resources.ts'
import type { MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'
import type { MemberInformers } from './informers.ts'

type End = { client: KubeClient; namespace: string; informer: Informer<NetworkEndpointSlice> }

type Mirror = {
  name: string
  from: End
  to: End
  /** Slices that travel this way; of these alone copies are made, and copies without an original removed. */
  selects: (slice: NetworkEndpointSlice) => boolean
}

const isNamedRight = ({ metadata, spec }: NetworkEndpointSlice): boolean =>
  sliceIndex(metadata.name, spec.network, spec.cluster) !== undefined

const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1)

const mirrorController = ({ name, from, to, selects }: Mirror, deps: MemberDeps): Controller =>
  hubController(deps, {
    name,
    views: [from.informer, to.informer],
    sources: [from, to].map(({ informer }) => source(informer, (_, key) => [nameOf(key)])),
    reconcile: async (sliceName, { signal }) => {
      const original = from.informer.lister.get(`${from.namespace}/${sliceName}`)
      const copy = to.informer.lister.get(`${to.namespace}/${sliceName}`)
      // What bears a name that is not its own must not take the place of another slice.
      if (original && selects(original) && isNamedRight(original)) {
        const { labels = {} } = original.metadata
        if (copy && sameStatus(copy.spec, original.spec) && sameStatus(copy.metadata.labels ?? {}, labels)) return
        const metadata = { namespace: to.namespace, name: sliceName, labels }
        await to.client.apply(NetworkEndpointSlices, { metadata, spec: original.spec }, { signal })
      } else if (copy && selects(copy)) {
        // A mailbox that is going, or another's, lacks much: that is no reason to let go of anything.
        if (await deps.gate.verify(signal)) return
        const { uid } = copy.metadata
        await to.client.delete(NetworkEndpointSlices, { namespace: to.namespace, name: sliceName }, { uid, signal })
      }
    },
  })

/** This cluster's slices up to the hub, and the other clusters' down from it. */
export const sliceMirrors = (deps: MemberDeps, { slices, mailboxSlices }: MemberInformers): Controller[] => {
  const here: End = { client: deps.local, namespace: deps.namespace, informer: slices }
  const mailbox: End = { client: deps.hub, namespace: mailboxNamespace(deps.cluster), informer: mailboxSlices }
  const isOwn = (slice: NetworkEndpointSlice): boolean => slice.spec.cluster === deps.cluster
  return [
    mirrorController({ name: 'member.slices-up', from: here, to: mailbox, selects: isOwn }, deps),
    mirrorController({ name: 'member.slices-down', from: mailbox, to: here, selects: (slice) => !isOwn(slice) }, deps),
  ]
}
