import { Counter, Gauge, type Registry } from 'prom-client'
import type { Outcome, StatusDraft } from '../desired/node-status.ts'
import type { Counters } from '../kernel/counters.ts'
import { dropReasonOf } from '../wire/drop-reasons.ts'

export type AgentMetricsOptions = {
  registry: Registry
  /** Undefined while no maps are pinned. */
  counters: () => Counters | undefined
}

/** All collectors of one scrape run in the same turn of the event loop: the maps are read once for them. */
const oncePerScrape = (read: AgentMetricsOptions['counters']): AgentMetricsOptions['counters'] => {
  let known: { counters: Counters | undefined } | undefined
  return () => {
    if (!known) {
      known = { counters: read() }
      setImmediate(() => {
        known = undefined
      })
    }
    return known.counters
  }
}

/** The agent's metrics. Totals are read from the maps when somebody asks; labels are bounded by links, networks and reasons. */
export class AgentMetrics {
  readonly #problems: Gauge<'reason'>
  readonly #ports: Gauge<'state'>
  readonly #fastPath: Gauge<'reason'>
  readonly #counters: AgentMetricsOptions['counters']
  #bridges = new Map<number, string>()
  #networks = new Map<number, string>()

  constructor({ registry, counters }: AgentMetricsOptions) {
    this.#counters = oncePerScrape(counters)
    const registers = [registry]
    this.#problems = new Gauge({
      name: 'vnet_node_problems',
      help: 'What is in the way on this node, by reason.',
      labelNames: ['reason'],
      registers,
    })
    this.#ports = new Gauge({
      name: 'vnet_node_ports',
      help: 'Interfaces of VMs on this node, by state: Open, Closed.',
      labelNames: ['state'],
      registers,
    })
    this.#fastPath = new Gauge({
      name: 'vnet_fast_path',
      help: 'Whether frames may pass by the VXLAN device (1) or not (0), and why.',
      labelNames: ['reason'],
      registers,
    })
    this.#addPaths(registry)
    this.#addDrops(registry)
    this.#addLinks(registry)
    this.#addNetworks(registry)
  }

  /** What one reconcile came to. */
  observe({ programmed }: Outcome, { fields }: StatusDraft): void {
    this.#bridges = new Map((programmed?.spec.links ?? []).map(({ id, bridge }) => [id, bridge]))
    this.#networks = new Map((programmed?.spec.networks ?? []).map(({ vni, name }) => [vni, name]))
    this.#problems.reset()
    for (const { reason } of fields.problems ?? []) this.#problems.inc({ reason })
    this.#fastPath.reset()
    if (fields.fastPath) this.#fastPath.set({ reason: fields.fastPath.reason }, fields.fastPath.state === 'On' ? 1 : 0)
    for (const state of ['Open', 'Closed'] as const)
      this.#ports.set({ state }, (fields.ports ?? []).filter((port) => port.state === state).length)
  }

  #addPaths(registry: Registry): void {
    const read = this.#counters
    new Counter({
      name: 'vnet_frames_total',
      help: 'Unicast frames of VMs over links, by direction (sent, received, relayed) and path (fast, slow); a super-frame is one.',
      labelNames: ['direction', 'path'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [stat, total] of read()?.paths ?? []) {
          const path = stat.endsWith('Fast') ? 'fast' : 'slow'
          this.inc({ direction: stat.slice(0, -path.length), path }, Number(total))
        }
      },
    })
  }

  #addDrops(registry: Registry): void {
    const read = this.#counters
    new Counter({
      name: 'vnet_frames_dropped_total',
      help: 'Frames that the data path dropped, by reason.',
      labelNames: ['reason'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [number, total] of read()?.drops ?? []) {
          const reason = dropReasonOf(number)
          if (reason !== undefined) this.inc({ reason }, Number(total))
        }
      },
    })
  }

  #addLinks(registry: Registry): void {
    const read = this.#counters
    const bridgeOf = (link: number): string => this.#bridges.get(link) ?? ''
    const labelNames = ['link', 'bridge', 'direction'] as const
    const add = (unit: 'packets' | 'bytes', help: string): void => {
      new Counter({
        name: `vnet_link_${unit}_total`,
        help,
        labelNames,
        registers: [registry],
        collect() {
          this.reset()
          for (const [id, { txPackets, txBytes, rxPackets, rxBytes }] of read()?.links ?? []) {
            const labels = { link: String(id), bridge: bridgeOf(id) }
            this.inc({ ...labels, direction: 'transmit' }, Number(unit === 'packets' ? txPackets : txBytes))
            this.inc({ ...labels, direction: 'receive' }, Number(unit === 'packets' ? rxPackets : rxBytes))
          }
        },
      })
    }
    add('packets', 'Inner frames over each link; a super-frame counts its segments.')
    add('bytes', 'Bytes of inner frames over each link.')
  }

  #addNetworks(registry: Registry): void {
    const read = this.#counters
    const nameOf = (vni: number): string => this.#networks.get(vni) ?? `VNI ${vni}`
    const add = (unit: 'packets' | 'bytes', help: string): void => {
      new Counter({
        name: `vnet_network_${unit}_total`,
        help,
        labelNames: ['network'] as const,
        registers: [registry],
        collect() {
          this.reset()
          for (const [vni, totals] of read()?.networks ?? []) this.inc({ network: nameOf(vni) }, Number(totals[unit]))
        },
      })
    }
    add('packets', 'Frames that VMs of this node sent into each network.')
    add('bytes', 'Bytes that VMs of this node sent into each network.')
  }
}
