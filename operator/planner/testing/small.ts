import type { Demand, Link, Network, PlannerInput, Vm } from '../types.ts'

/** Inputs that fit on a page, for tests that a person can follow. Rates in Mbit/s, latencies in milliseconds. */
export const bridge = (name: string, computeCapacity = 4000): PlannerInput['bridges'][number] => ({
  name,
  cluster: 'east',
  computeCapacity,
})

export const link = (a: string, b: string, mbps = 100, milliseconds = 1): Link => {
  const direction = { capacityBps: mbps * 1e6, latencyMicroseconds: milliseconds * 1000, reservableBps: mbps * 5e5 }
  return { name: `${a}-${b}`, a, b, aToB: { ...direction }, bToA: { ...direction } }
}

export const vm = (name: string, more: Partial<Vm> = {}): Vm => ({
  name,
  network: 'blue',
  compute: 1000,
  memoryBytes: 1e9,
  ...more,
})

export const demand = (source: string, destination: string, mbps: number, more: Partial<Demand> = {}): Demand => ({
  name: `${source}>${destination}`,
  source,
  destination,
  bps: mbps * 1e6,
  kind: 'Rigid',
  origin: 'Declared',
  ...more,
})

export const network = (more: Partial<Network> = {}): Network => ({
  name: 'blue',
  objective: 'ResidualBandwidth',
  actuators: ['Topology', 'Routes'],
  baseline: [],
  ...more,
})

export const freeOfCharge = { perMove: 0, perMigrationSecond: 0, perLinkChange: 0, perRouteChange: 0 }

/** The star of the line of papers: four hosts a, b, c, d around a proxy, fast links possible between all of them. */
export const star = (more: Partial<PlannerInput> = {}): PlannerInput => {
  const hosts = ['a', 'b', 'c', 'd']
  const baseline = hosts.map((host) => link('proxy', host))
  const possible = hosts.flatMap((x, i) => hosts.slice(i + 1).map((y) => link(x, y)))
  return {
    bridges: ['proxy', ...hosts].map((name) => bridge(name, name === 'proxy' ? 0 : 2000)),
    links: [...baseline, ...possible],
    bottlenecks: [
      {
        name: 'proxy-uplink',
        kind: 'Uplink',
        capacityBps: 200e6,
        links: baseline.map(({ name }) => ({ link: name, from: 'proxy' })),
      },
    ],
    networks: [network({ baseline: baseline.map(({ name }) => name), objective: 'Throughput' })],
    vms: hosts.map((host) => vm(`vm-${host}`)),
    demands: hosts.map((host, i) =>
      demand(`vm-${host}`, `vm-${hosts[(i + 1) % 4]}`, 40, { kind: 'Elastic', origin: 'Inferred' }),
    ),
    present: {
      placement: Object.fromEntries(hosts.map((host) => [`vm-${host}`, host])),
      topology: { blue: baseline.map(({ name }) => name) },
      routes: [],
      reservations: [],
    },
    budgets: {},
    costs: freeOfCharge,
    maxHops: 4,
    ...more,
  }
}

/** Two bridges x and y joined by a slow link, and by a detour over z that is fast. */
export const detour = (more: Partial<PlannerInput> = {}): PlannerInput => ({
  bridges: ['x', 'y', 'z'].map((name) => bridge(name)),
  links: [link('x', 'y', 10, 1), link('x', 'z', 100, 5), link('y', 'z', 100, 5)],
  bottlenecks: [],
  networks: [network({ baseline: ['x-y'] })],
  vms: [vm('one'), vm('two')],
  demands: [demand('one', 'two', 8)],
  present: { placement: { one: 'x', two: 'y' }, topology: { blue: ['x-y'] }, routes: [], reservations: [] },
  budgets: {},
  costs: freeOfCharge,
  ...more,
})
