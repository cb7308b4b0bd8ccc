import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The metrics of one process: its registry, and the instruments that the runtime itself feeds. */
export type Metrics = {
  readonly registry: Registry
  readonly reflectorRestarts: Counter<'resource' | 'view' | 'reason'>
  readonly reflectorLastEvent: Gauge<'resource' | 'view'>
  readonly reflectorObjects: Gauge<'resource' | 'view'>
  readonly reflectorLists: Counter<'resource' | 'view'>
  readonly queueDepth: Gauge<'controller'>
  readonly queueAdds: Counter<'controller'>
  readonly queueRetries: Counter<'controller'>
  readonly reconcileSeconds: Histogram<'controller' | 'outcome'>
  readonly leader: Gauge<'lease'>
}

/** `processMetrics` adds prom-client's own about memory, event loop and garbage collection: once per process. */
export const createMetrics = ({ processMetrics = false }: { processMetrics?: boolean } = {}): Metrics => {
  const registry = new Registry()
  if (processMetrics) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return Object.freeze({
    registry,
    reflectorRestarts: new Counter({
      name: 'vnet_reflector_restarts_total',
      help: 'Watches that ended, by reason: Timeout (normal), Expired (410), Silent (watchdog), Missing (404), Error.',
      labelNames: ['resource', 'view', 'reason'] as const,
      registers,
    }),
    reflectorLastEvent: new Gauge({
      name: 'vnet_reflector_last_event_timestamp_seconds',
      help: 'When the newest list, event or bookmark of a kind arrived. View: local, mailbox (of a member on the hub), hub, or the name of the one object.',
      labelNames: ['resource', 'view'] as const,
      registers,
    }),
    reflectorObjects: new Gauge({
      name: 'vnet_reflector_objects',
      help: 'Objects of a kind in memory.',
      labelNames: ['resource', 'view'] as const,
      registers,
    }),
    reflectorLists: new Counter({
      name: 'vnet_reflector_lists_total',
      help: 'Full lists fetched.',
      labelNames: ['resource', 'view'] as const,
      registers,
    }),
    queueDepth: new Gauge({
      name: 'vnet_work_queue_depth',
      help: 'Requests that wait for a worker.',
      labelNames: ['controller'] as const,
      registers,
    }),
    queueAdds: new Counter({
      name: 'vnet_work_queue_adds_total',
      help: 'Requests added, without duplicates of waiting ones.',
      labelNames: ['controller'] as const,
      registers,
    }),
    queueRetries: new Counter({
      name: 'vnet_work_queue_retries_total',
      help: 'Requests added again after a failure.',
      labelNames: ['controller'] as const,
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'vnet_reconcile_duration_seconds',
      help: 'Time of one reconcile, by outcome: success, requeue, error.',
      labelNames: ['controller', 'outcome'] as const,
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    leader: new Gauge({
      name: 'vnet_leader',
      help: '1 while this process holds the lease.',
      labelNames: ['lease'] as const,
      registers,
    }),
  })
}
