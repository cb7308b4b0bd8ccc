import { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from '#runtime/metrics.ts'

type HubMetrics = {
  bridges: Gauge
  outstanding: Gauge
  specsWritten: Counter
  stepSeconds: Histogram
}

const made = new WeakMap<Metrics, HubMetrics>()

const make = ({ registry }: Metrics): HubMetrics => {
  const registers = [registry]
  return {
    bridges: new Gauge({ name: 'vnet_hub_bridges', help: 'Bridges of all member clusters.', registers }),
    outstanding: new Gauge({
      name: 'vnet_hub_bridges_outstanding',
      help: 'Bridges that have not programmed their newest spec.',
      registers,
    }),
    specsWritten: new Counter({
      name: 'vnet_hub_specs_written_total',
      help: 'Specs written to mailboxes.',
      registers,
    }),
    stepSeconds: new Histogram({
      name: 'vnet_hub_step_seconds',
      help: 'Time from view to decision of one step of publication.',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10],
      registers,
    }),
  }
}

/** The hub's instruments: made once for a registry, also when a process leads again. */
export const hubMetrics = (metrics: Metrics): HubMetrics => {
  const known = made.get(metrics) ?? make(metrics)
  made.set(metrics, known)
  return known
}
