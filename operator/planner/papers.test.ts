import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { check, undeclared } from './check/check.ts'
import type { Plan } from './plan.ts'
import { plan } from './planner.ts'
import { byWork } from './testing/random-input.ts'
import { bridge, demand, freeOfCharge, link, network, star, vm } from './testing/small.ts'
import type { Demand, Link, PlannerInput } from './types.ts'

const test = suite('examples of the papers, worked by hand')

const solve = (input: PlannerInput, strategy: 'greedy' | 'local-search' = 'local-search'): Plan => {
  const result = plan(input, byWork(strategy))
  assert.equal(undeclared(result, input), [])
  return result
}
const added = (result: Plan): string[] =>
  result.actions.flatMap((action) => (action.type === 'AddLink' ? [action.link] : [])).sort()

/** The star with less at the proxy than all flows together could use. */
const narrow = (mbps: number): PlannerInput['bottlenecks'] => [{ ...star().bottlenecks[0]!, capacityBps: mbps * 1e6 }]

test('LCR 2004: a ring application on a star of four hosts gets the ring, largest flow first as far as the budget goes', () => {
  const rates = [40, 30, 20, 10]
  const demands = star().demands.map((flow, i) => ({ ...flow, bps: rates[i]! * 1e6 }))
  const within = (linkBudget: number): Plan => {
    const networks = [network({ ...star().networks[0]!, objective: 'ResidualBandwidth', linkBudget })]
    return solve(star({ demands, bottlenecks: narrow(120), networks }))
  }
  // On the star all flows share the 120 - 100 that the proxy has left.
  assert.is(within(0).networks[0]!.after, 4 * 20e6)
  assert.equal(added(within(0)), [])
  // One link: the flow of 40 has 60 left on it, and 120 - 60 are left for the others; any other flow would leave them less.
  assert.equal(added(within(1)), ['a-b'])
  assert.is(within(1).networks[0]!.after, 60e6 + 3 * 60e6)
  assert.equal(added(within(4)), ['a-b', 'a-d', 'b-c', 'c-d'])
  assert.is(within(4).networks[0]!.after, (60 + 70 + 80 + 90) * 1e6)
  const spokes = within(4).result.topology.blue!.filter((name) => name.startsWith('proxy'))
  assert.is(spokes.length, 4, 'the star stays as the net under the ring')
})

/** Two domains of three hosts each: 100 Mbit/s inside the first, 1,000 inside the second, 10 between any two of them. */
const twoDomains = (demands: Demand[], placement: Record<string, string>): PlannerInput => {
  const [slow, fast] = [
    ['s1', 's2', 's3'],
    ['f1', 'f2', 'f3'],
  ]
  const inside = (hosts: string[], mbps: number): Link[] =>
    hosts.flatMap((x, i) => hosts.slice(i + 1).map((y) => link(x, y, mbps, 1)))
  const between = slow!.flatMap((x) => fast!.map((y) => link(x, y, 10, 20)))
  const links = [...inside(slow!, 100), ...inside(fast!, 1000), ...between]
  const names = links.map(({ name }) => name)
  return {
    bridges: [...slow!, ...fast!].map((name) => bridge(name, 1000)),
    links,
    bottlenecks: [],
    networks: [network({ baseline: names, actuators: ['Routes', 'Placement'] })],
    vms: Object.keys(placement).map((name) => vm(name)),
    demands,
    present: { placement, topology: { blue: names }, routes: [], reservations: [] },
    budgets: {},
    costs: freeOfCharge,
  }
}

test('IPDPS 2006: of two domains, three VMs that talk much belong into the fast one, and the fourth stays out', () => {
  const heavy = ['v1', 'v2', 'v3'].flatMap((x) =>
    ['v1', 'v2', 'v3'].filter((y) => y !== x).map((y) => demand(x, y, 40)),
  )
  const input = twoDomains([...heavy, demand('v4', 'v1', 1)], { v1: 's1', v2: 's2', v3: 'f1', v4: 'f2' })
  for (const strategy of ['greedy', 'local-search'] as const) {
    const result = solve(input, strategy)
    const { v1, v2, v3, v4 } = result.result.placement
    assert.ok(
      [v1, v2, v3].every((host) => host!.startsWith('f')),
      `${strategy}: ${v1} ${v2} ${v3}`,
    )
    assert.ok(v4!.startsWith('s'), 'one VM per host, so the fourth has to go')
    // Six flows leave 960 of 1,000 on a link of their own in the fast domain; the seventh crosses and leaves 9 of 10.
    assert.is(result.networks[0]!.after, 6 * 960e6 + 9e6)
  }
})

test('HPDC 2005: links first for the largest flow; what does not fit within their budget stays on the star', () => {
  const elastic = { kind: 'Elastic', origin: 'Inferred' } as const
  const demands = [demand('vm-c', 'vm-d', 40, elastic), demand('vm-a', 'vm-b', 60, elastic)]
  const networks = [{ ...star().networks[0]!, linkBudget: 1 }]
  const result = solve(star({ demands, networks, bottlenecks: narrow(120) }), 'greedy')
  assert.equal(
    result.result.routes.map(({ from, to, links }) => [from, to, ...links]),
    [['a', 'b', 'a-b']],
  )
  // Before, the proxy's 120 for 100; then 100 for 60 on the new link.
  assert.is(result.networks[0]!.before, 1.2)
  assert.is(result.networks[0]!.after, 100 / 60)
})

test('VM 2004, section 5.5: the cheapest links that connect the VMs, one on each host, whatever else there is', () => {
  // A square a-b-c-d with costs 1, 5, 1, 5 and a hub h at 2 from everyone; VMs on a, b and c in a chain of demands.
  const priced = (a: string, b: string, cost: number): Link => ({ ...link(a, b), cost })
  const spokes = ['a', 'b', 'c', 'd'].map((host) => priced('h', host, 2))
  const links = [priced('a', 'b', 1), priced('b', 'c', 5), priced('c', 'd', 1), priced('d', 'a', 5), ...spokes]
  const input: PlannerInput = {
    bridges: ['a', 'b', 'c', 'd', 'h'].map((name) => bridge(name, 1000)),
    links,
    bottlenecks: [],
    networks: [network({ objective: 'MinimumCost' })],
    vms: [vm('one'), vm('two'), vm('three')],
    demands: [demand('one', 'two', 1), demand('two', 'three', 1)],
    present: { placement: { one: 'a', two: 'b', three: 'c' }, topology: {}, routes: [], reservations: [] },
    budgets: {},
    costs: freeOfCharge,
  }
  const fixed = solve(input)
  assert.equal(added(fixed), ['a-b', 'h-b', 'h-c'])
  assert.is(fixed.networks[0]!.after, 5)
  const free = solve({
    ...input,
    networks: [network({ objective: 'MinimumCost', actuators: ['Topology', 'Routes', 'Placement'] })],
  })
  assert.is(free.networks[0]!.after, 3, 'one link of cost 1 and one of 2 are a connected component of three hosts')
})

test('VM 2004, section 5.4: what each constraint says, on the smallest input that can break it', () => {
  const pair = (more: Partial<PlannerInput> = {}): PlannerInput => ({
    bridges: [bridge('a', 1000), bridge('b', 1000)],
    links: [link('a', 'b', 10, 3)],
    bottlenecks: [],
    networks: [network({ baseline: ['a-b'], actuators: [] })],
    vms: [vm('one'), vm('two')],
    demands: [demand('one', 'two', 8)],
    present: { placement: { one: 'a', two: 'b' }, topology: { blue: ['a-b'] }, routes: [], reservations: [] },
    budgets: {},
    ...more,
  })
  const nothing = solve(pair())
  assert.equal(nothing.actions, [])
  const broken = (more: Partial<PlannerInput>, result = nothing.result): string[] =>
    check({ ...nothing, result }, pair(more))
      .filter(({ constraint }) => !['Prediction', 'Inconsistent', 'Interference'].includes(constraint))
      .map(({ constraint, subject, amount, unit }) => `${constraint} of ${subject}: ${amount} ${unit}`)
  assert.equal(broken({}), [])
  assert.equal(broken({}, { ...nothing.result, placement: { one: 'a' } }), [
    'Complete of two: 1 VMs',
    'Routable of one>two: 1 demands',
  ])
  assert.equal(broken({ vms: [vm('one', { pinnedTo: 'b' }), vm('two')] }), ['Compliant of one: 1 VMs'])
  assert.equal(broken({ vms: [vm('one', { compute: 1200 }), vm('two')] }), ['Compute of a: 200 millicores'])
  const prompt = demand('one', 'two', 8, { latencyMicroseconds: 2500 })
  assert.equal(broken({ demands: [prompt] }), ['Latency of one>two: 500 µs'])
  assert.equal(broken({ demands: [demand('one', 'two', 12)] }), ['Capacity of a-b from a: 2000000 bit/s'])
  assert.equal(broken({ networks: [network({ actuators: [] })] }), ['Routable of one>two: 1 demands'])
})

test.run()
