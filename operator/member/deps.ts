import type { Clock } from '#runtime/clock.ts'
import type { EventRecorder } from '#runtime/events.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { Logger } from '#runtime/logging.ts'
import type { Metrics } from '#runtime/metrics.ts'
import type { HubGate } from './hub-gate.ts'

/** What the controllers of the role `member` work with. */
export type MemberDeps = {
  /** API server of this cluster. */
  local: KubeClient
  /** API server of the hub; the same client as `local` on the hub's own cluster. */
  hub: KubeClient
  /** Name of this cluster in the overlay. */
  cluster: string
  /** Namespace of the operator, the agents and their objects in this cluster. */
  namespace: string
  clock: Clock
  logger: Logger
  metrics: Metrics
  events: EventRecorder
  /** Whether the mailbox is this cluster's. */
  gate: HubGate
}

/** Whether two clients speak to the same API server: then the mailbox and the local objects lie side by side. */
export const isHubCluster = ({ local, hub }: MemberDeps): boolean => local === hub
