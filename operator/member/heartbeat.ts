// Tells the hub that this member lives, who it is and what it understands: a Lease in its mailbox.
import { ANNOTATIONS, HEARTBEAT_LEASE } from '#crds/group.ts'
import { mailboxNamespace } from '#crds/names.ts'
import { type Controller, interval } from '#runtime/controller.ts'
import { Leases, Namespaces } from '#runtime/resources.ts'
import type { MemberDeps } from './deps.ts'
import { hubController } from './hub-controller.ts'

export const HEARTBEAT_INTERVAL_MS = 10_000
/** A member that has been silent for this long counts as down. */
export const HEARTBEAT_DURATION_SECONDS = 40

/** What this version of the member understands, so that a newer hub writes nothing else to it. */
export const MEMBER_CAPABILITIES = ['endpoints/v1', 'node-bridge/v1', 'projection/v1']

export const heartbeatController = (deps: MemberDeps, version: string): Controller => {
  const { local, hub, cluster, clock } = deps
  let clusterUid: string | undefined
  return hubController(deps, {
    name: 'member.heartbeat',
    sources: [interval(HEARTBEAT_INTERVAL_MS, HEARTBEAT_LEASE)],
    reconcile: async (name, { signal }) => {
      clusterUid ??= (await local.get(Namespaces, { name: 'kube-system' }, { signal })).metadata?.uid ?? ''
      const annotations = {
        [ANNOTATIONS.clusterUid]: clusterUid,
        [ANNOTATIONS.version]: version,
        [ANNOTATIONS.capabilities]: MEMBER_CAPABILITIES.join(','),
      }
      // A MicroTime has six digits after the point.
      const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z')
      await hub.apply(
        Leases,
        {
          metadata: { namespace: mailboxNamespace(cluster), name, annotations },
          spec: { holderIdentity: cluster, leaseDurationSeconds: HEARTBEAT_DURATION_SECONDS, renewTime },
        },
        { signal },
      )
    },
  })
}
