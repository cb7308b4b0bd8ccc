import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { check, undeclared } from './check/check.ts'
import type { Plan } from './plan.ts'
import { plan } from './planner.ts'
import { byWork } from './testing/random-input.ts'
import { bridge, demand, detour, link, network, vm } from './testing/small.ts'
import type { PlannerInput } from './types.ts'

const test = suite('limits of a plan')

const solve = (input: PlannerInput): Plan => {
  const result = plan(input, byWork('local-search'))
  assert.equal(undeclared(result, input), [])
  return result
}
const kinds = (result: Plan): string[] => [...new Set(result.actions.map(({ type }) => type))]

test('VMs that must stay do: pinned, immovable, moved just now, or without consent', () => {
  const placement = network({ baseline: ['x-y'], actuators: ['Placement'], objective: 'Latency' })
  const stuck = (one: object, two: object, more: Partial<PlannerInput> = {}): PlannerInput =>
    detour({ networks: [placement], vms: [vm('one', one), vm('two', two)], ...more })
  assert.equal(solve(stuck({ pinnedTo: 'x' }, { pinnedTo: 'y' })).actions, [])
  assert.equal(solve(stuck({ movable: false }, { movable: false })).actions, [])
  const recent = { lastMovedMs: 95_000 }
  assert.equal(solve(stuck(recent, recent, { timeMs: 100_000, budgets: { cooldownMs: 10_000 } })).actions, [])
  assert.equal(kinds(solve(stuck(recent, recent, { timeMs: 200_000, budgets: { cooldownMs: 10_000 } }))), ['MoveVm'])
  assert.equal(solve(stuck({ antiAffinity: ['two'] }, {}, { budgets: { moves: 1 } })).result.placement, {
    one: 'x',
    two: 'y',
  })
})

test('affinity repairs itself: the one moves to the other', () => {
  const networks = [network({ baseline: ['x-y'], actuators: ['Placement'], objective: 'MinimumCost' })]
  const vms = [vm('one', { affinity: ['two'] }), vm('two', { movable: false })]
  const result = solve(detour({ networks, vms }))
  assert.equal(result.result.placement, { one: 'y', two: 'y' })
})

test('a draining link is left, a pinned one kept, a forbidden one not used', () => {
  const present = {
    placement: { one: 'x', two: 'y' },
    topology: { blue: ['x-y', 'x-z', 'y-z'] },
    routes: [],
    reservations: [],
  }
  const routed = { ...present, routes: [{ network: 'blue', from: 'x', to: 'y', links: ['x-z', 'y-z'] }] }
  const state = (name: string, value: 'Draining' | 'Pinned' | 'Forbidden') =>
    detour().links.map((l) => (l.name === name ? { ...l, state: value } : l))
  const drained = solve(detour({ links: state('x-z', 'Draining'), present: routed }))
  assert.equal(drained.result.routes, [])
  assert.equal(drained.result.topology.blue, ['x-y'])
  const cheapest = [network({ baseline: ['x-y'], objective: 'MinimumCost' })]
  assert.equal(solve(detour({ links: state('x-z', 'Pinned'), networks: cheapest, present })).result.topology.blue, [
    'x-y',
    'x-z',
  ])
  assert.equal(solve(detour({ links: state('x-z', 'Forbidden') })).actions, [])
})

test('changes that gain less than the minimum are dropped, unless they repair', () => {
  const gaining = (minimumGainPercent: number, mbps: number): Plan =>
    solve(
      detour({ networks: [network({ baseline: ['x-y'], minimumGainPercent })], demands: [demand('one', 'two', mbps)] }),
    )
  assert.is(gaining(4000, 8).result.routes.length, 1)
  assert.equal(gaining(5000, 8).actions, [])
  assert.is(gaining(5000, 20).result.routes.length, 1)
})

test('declared rigid demands are reserved along their path as far as it can be; idle reservations are released', () => {
  const reserving = network({ baseline: ['x-y'], actuators: ['Reservations'] })
  const held = { demand: 'gone', bps: 1e6, from: 'x', links: ['x-y'] }
  const present = { ...detour().present, reservations: [held] }
  const demands = [demand('one', 'two', 3), demand('one', 'two', 4, { name: 'second' })]
  const result = solve(detour({ networks: [reserving], demands, present }))
  assert.equal(kinds(result), ['Release', 'Reserve'])
  assert.equal(result.result.reservations, [{ demand: 'second', bps: 4e6, from: 'x', links: ['x-y'] }])
  assert.equal(result.unreserved, [{ demand: 'one>two', link: 'x-y', missingBps: 2e6 }])
})

test('what cannot be met is named, with what it would take, and the rest is still planned well', () => {
  const tooMuch = solve(detour({ demands: [demand('one', 'two', 150)] }))
  assert.is(tooMuch.status, 'Infeasible')
  assert.equal(tooMuch.result.routes[0]!.links, ['x-z', 'y-z'], 'exceeding 100 is less than exceeding 10')
  assert.equal(
    tooMuch.violations.map(({ constraint, amount }) => [constraint, amount]),
    [
      ['Capacity', 50e6],
      ['Capacity', 50e6],
    ],
  )
  assert.match(tooMuch.violations[0]!.remedy!, /50 Mbit\/s more capacity of x-z from x/)
  const doubted = detour().links.map((each) => ({ ...each, aToB: { ...each.aToB, confidence: 0, availableBps: 9e6 } }))
  const lacking = solve(
    detour({
      links: doubted,
      demands: [demand('one', 'two', 10)],
      networks: [network({ baseline: ['x-y'], actuators: [] })],
    }),
  )
  // Half of 9 Mbit/s is believed, so 5.5 are missing, and 11 more would have to be available.
  assert.match(
    lacking.violations[0]!.remedy!,
    /^11 Mbit\/s more available bandwidth of x-y from x, or 5.5 Mbit\/s less/,
  )
  const tooFar = solve(detour({ demands: [demand('one', 'two', 1, { latencyMicroseconds: 500 })] }))
  assert.equal(
    tooFar.violations.map(({ constraint, subject }) => `${constraint} ${subject}`),
    ['Latency one>two'],
  )
  const cut = solve(
    detour({ links: [link('x', 'z')], networks: [network()], present: { ...detour().present, topology: {} } }),
  )
  assert.equal(
    cut.violations.map(({ constraint }) => constraint),
    ['Routable'],
  )
  const crowded = solve(
    detour({
      bridges: ['x', 'y', 'z'].map((name) => bridge(name, 500)),
      networks: [network({ baseline: ['x-y'], actuators: ['Placement'] })],
    }),
  )
  assert.ok(crowded.violations.every(({ constraint }) => constraint === 'Compute'))
})

test('one network is not helped at the expense of another', () => {
  // Blue needs 150 of the 100 that the detour has; green uses 60 of it and needs no change.
  const networks = [network({ baseline: ['x-y'] }), network({ name: 'green', baseline: ['x-z', 'y-z'], actuators: [] })]
  const vms = [vm('one'), vm('two'), vm('three', { network: 'green' }), vm('four', { network: 'green' })]
  const demands = [demand('one', 'two', 60), demand('three', 'four', 60)]
  const placement = { one: 'x', two: 'y', three: 'x', four: 'y' }
  const present = { placement, topology: { blue: ['x-y'], green: ['x-z', 'y-z'] }, routes: [], reservations: [] }
  const result = solve(detour({ networks, vms, demands, present }))
  assert.equal(result.actions, [], 'on the detour both would exceed 100')
  assert.equal(
    result.violations.map(({ subject }) => subject),
    ['x-y from x'],
  )
})

test('no budget of changes is exceeded, however much would be repaired by it', () => {
  const networks = [network({ actuators: ['Topology', 'Routes', 'Placement'] })]
  const demands = Array.from({ length: 200 }, (_, i) => demand('one', 'two', 0.01, { name: `flow ${i}` }))
  const cut = detour({ links: [], networks, demands, present: { ...detour().present, topology: {} } })
  assert.is(solve(cut).cost.moves, 1)
  assert.equal(solve({ ...cut, budgets: { moves: 0 } }).actions, [])
  const linked = { ...cut, links: detour().links, budgets: { moves: 0 } }
  assert.is(solve(linked).status, 'Feasible')
  assert.equal(solve({ ...linked, budgets: { moves: 0, linkChanges: 0 } }).actions, [])
})

test('no demand of another network is traded for one that gains: who had what it needs keeps it', () => {
  // Blue overloads x-y, where green's first demand suffers. On x-z it would exceed by less, but take from green's second.
  const networks = [network({ baseline: ['x-y'] }), network({ name: 'green', baseline: ['x-y', 'x-z'], actuators: [] })]
  const green = { network: 'green' }
  const vms = [vm('one'), vm('two'), vm('three', green), vm('four', green), vm('five', green)]
  const demands = [demand('one', 'two', 60), demand('three', 'four', 1), demand('three', 'five', 45)]
  const placement = { one: 'x', two: 'y', three: 'x', four: 'y', five: 'z' }
  const present = { placement, topology: { blue: ['x-y'], green: ['x-y', 'x-z'] }, routes: [], reservations: [] }
  const input = detour({ networks, vms, demands, present })
  assert.equal(solve(input).actions, [])
  const alone = solve({ ...input, demands: demands.slice(0, 2) })
  assert.equal(kinds(alone), ['AddLink', 'SetRoute'], 'without the second it helps both')
  const found = check(alone, input).filter(({ constraint }) => constraint === 'Interference')
  assert.equal(
    found.map(({ subject }) => subject),
    ['three>five'],
    'green has as many unsatisfied demands as before, but not the same',
  )
})

test.run()
