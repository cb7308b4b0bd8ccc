import type { Clock } from '#runtime/clock.ts'
import type { EventRecorder } from '#runtime/events.ts'
import type { KubeClient } from '#runtime/kube-client.ts'
import type { Logger } from '#runtime/logging.ts'
import type { Metrics } from '#runtime/metrics.ts'

/** What the controllers of the role `hub` work with. The hub never dials a member: all it needs is its own API server. */
export type HubDeps = {
  client: KubeClient
  /** Name of the hub's own cluster in the overlay. */
  cluster: string
  /** UDP port of the overlay on every node. */
  udpPort: number
  clock: Clock
  logger: Logger
  metrics: Metrics
  events: EventRecorder
}

/** The present time as the API writes it. */
export const timeOf = ({ clock }: Pick<HubDeps, 'clock'>): string => new Date(clock.now()).toISOString()
