import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { undeclared } from './check/check.ts'
import { explain } from './explain.ts'
import { InvalidInputError } from './index-input.ts'
import type { Action, Plan } from './plan.ts'
import { plan } from './planner.ts'
import { byWork } from './testing/random-input.ts'
import { bridge, demand, detour, freeOfCharge, network, star, vm } from './testing/small.ts'
import type { PlannerInput } from './types.ts'

const test = suite('planner')

const solve = (input: PlannerInput, strategy: 'greedy' | 'local-search' = 'local-search'): Plan => {
  const result = plan(input, byWork(strategy))
  assert.equal(undeclared(result, input), [])
  return result
}
const kinds = (result: Plan): string[] => [...new Set(result.actions.map(({ type }) => type))]
const added = (result: Plan): string[] =>
  result.actions.flatMap((action: Action) => (action.type === 'AddLink' ? [action.link] : [])).sort()

test('the star of four hosts becomes a ring, and its traffic can grow as far as the ring lets it', () => {
  const result = solve(star())
  assert.equal(added(result), ['a-b', 'a-d', 'b-c', 'c-d'])
  // In the star each host link carried 40 of 100 Mbit/s in each direction, but the uplink 160 of 200: factor 1.25.
  assert.is(result.networks[0]!.before, 1.25)
  assert.is(result.networks[0]!.after, 2.5)
  assert.is(result.networks[0]!.gainPercent, 100)
  const order = result.actions.map(({ type }) => type)
  assert.ok(order.lastIndexOf('AddLink') < order.indexOf('SetRoute'))
})

test('with a budget of two links the largest gain is taken, within the budget', () => {
  const result = solve(star({ networks: [{ ...star().networks[0]!, linkBudget: 2 }] }))
  assert.is(added(result).length, 2)
  assert.is(result.networks[0]!.after, 2.5)
})

test('reasons are data: the demand, the bottleneck that it met, and the second-best choice', () => {
  const result = solve(star())
  const route = result.actions.find((action) => action.type === 'SetRoute')!
  assert.equal(route.reason.demands.length, 1)
  assert.equal(route.reason.bottleneck, { name: 'proxy-uplink', utilizationPercent: 80 })
  assert.ok(route.reason.alternative!.worseBy! >= 0)
  const words = explain(result)
  assert.match(words[0]!, /blue: Throughput 1.25 × now, 2.5 × after \(100 % better\)/)
  assert.ok(words.some((line) => line.includes('Route blue from a to b over a-b')))
})

test('removals, reservations and releases have their reasons as well', () => {
  const all = ['Topology', 'Routes', 'Reservations'] as const
  const cheap = [network({ baseline: ['x-y'], objective: 'MinimumCost', actuators: [...all] })]
  const links = ['x-z', 'y-z']
  const present = {
    placement: { one: 'x', two: 'y' },
    topology: { blue: ['x-y', ...links] },
    routes: [{ network: 'blue', from: 'x', to: 'y', links }],
    reservations: [
      { demand: 'one>two', bps: 4e6, from: 'x', links },
      { demand: 'gone', bps: 1e6, from: 'x', links: ['x-y'] },
    ],
  }
  const result = solve(detour({ networks: cheap, demands: [demand('one', 'two', 4)], present }))
  const reasonOf = (type: Action['type']) => result.actions.find((action) => action.type === type)!.reason
  assert.equal(reasonOf('RemoveLink').demands, ['one>two'])
  assert.equal(reasonOf('RemoveLink').bottleneck, { name: 'x > z', utilizationPercent: 4 })
  assert.equal(reasonOf('RemoveLink').alternative, { choice: 'keep it', worseBy: 0.5 })
  assert.equal(reasonOf('Reserve').bottleneck, { name: 'x > y', utilizationPercent: 80 })
  const causes = result.actions.flatMap((action) => (action.type === 'Release' ? [action.reason.cause] : []))
  assert.equal(causes, ['DemandGone', 'PathChanged'])
  const words = explain(result).join('\n')
  assert.match(words, /of what can be reserved on x > y, 80 % is then/)
  assert.match(
    words,
    /Remove link x-z from blue: for one>two; which met x > z at 4 % use; next best keep it, 50 points/,
  )
})

test('residual bandwidth prefers the wide detour, latency the short way, cost the cheapest links', () => {
  const wide = solve(detour())
  assert.equal(wide.result.routes, [{ network: 'blue', from: 'x', to: 'y', links: ['x-z', 'y-z'] }])
  assert.is(wide.networks[0]!.after, 92e6)
  const fast = solve(detour({ networks: [network({ baseline: ['x-y'], objective: 'Latency' })] }))
  assert.equal(fast.actions, [])
  const links = detour().links.map((l) => ({ ...l, cost: l.name === 'x-y' ? 9 : 2 }))
  const cheap = solve(detour({ links, networks: [network({ objective: 'MinimumCost' })] }))
  assert.equal(added(cheap), ['x-z', 'y-z'])
  assert.is(cheap.networks[0]!.after, 4)
})

test('balanced weighs width against latency by its constant', () => {
  const balanced = (latencyWeightBits: number): Plan =>
    solve(detour({ networks: [network({ baseline: ['x-y'], objective: 'Balanced', latencyWeightBits })] }))
  assert.is(balanced(1).result.routes.length, 1)
  assert.is(balanced(1e6).result.routes.length, 0)
})

test('a bottleneck that links share decides, not the links', () => {
  const shared = { name: 'uplink', kind: 'Uplink' as const, capacityBps: 9e6, links: [{ link: 'x-z', from: 'x' }] }
  assert.equal(solve(detour({ bottlenecks: [shared] })).actions, [])
})

test('an elastic demand may grow into what a rigid one leaves', () => {
  const demands = [demand('one', 'two', 4, { kind: 'Elastic', origin: 'Inferred' }), demand('two', 'one', 4)]
  const result = solve(detour({ demands, networks: [network({ baseline: ['x-y'], objective: 'Throughput' })] }))
  assert.is(result.networks[0]!.after, 25)
})

test('simple variants move VMs only; online within the budget of moves and against the cost', () => {
  const placement = network({ baseline: ['x-y'], actuators: ['Placement'], objective: 'Latency' })
  const free = solve(detour({ networks: [placement] }))
  assert.equal(kinds(free), ['MoveVm'])
  assert.is(free.cost.moves, 1)
  assert.equal(solve(detour({ networks: [placement], budgets: { moves: 0 } })).actions, [])
  assert.equal(solve(detour({ networks: [placement], costs: { perMove: 10 } })).actions, [])
  const slow = solve(detour({ networks: [placement], costs: { ...freeOfCharge, perMigrationSecond: 1 } }))
  assert.equal(slow.actions, [], 'copying 1 GB takes over 100 s')
})

test('offline, VMs that do not run yet are placed where their traffic fits', () => {
  const present = { placement: {}, topology: { blue: ['x-y'] }, routes: [], reservations: [] }
  const bridges = ['x', 'y', 'z'].map((name) => bridge(name, 1000))
  const networks = [network({ baseline: ['x-y'], actuators: ['Topology', 'Routes', 'Placement'] })]
  const result = solve(detour({ bridges, present, networks }))
  assert.equal(kinds(result).sort(), ['AddLink', 'PlaceVm', 'SetRoute'])
  assert.is(result.networks[0]!.after, 92e6)
})

test('greedy follows the published rules: the largest demand first, each on the widest path left', () => {
  const demands = [demand('one', 'two', 8), demand('two', 'one', 4)]
  const result = solve(detour({ demands }), 'greedy')
  assert.equal(
    result.result.routes.map(({ links }) => links.length),
    [2, 2],
  )
})

test('an input that contradicts itself is refused with every contradiction named', () => {
  const broken = detour({ demands: [demand('one', 'nobody', 1)], vms: [vm('one', { pinnedTo: 'nowhere' }), vm('two')] })
  try {
    plan(broken, byWork('greedy'))
    assert.unreachable()
  } catch (error) {
    assert.instance(error, InvalidInputError)
    assert.is((error as InvalidInputError).problems.length, 2)
  }
  assert.throws(() => plan(detour(), byWork('exact')), /no such strategy/)
  const held = { demand: 'one>two', bps: Number.NaN, from: 'x', links: ['y-z'] }
  const route = { network: 'blue', from: 'x', to: 'z', links: ['x-y'] }
  const present = {
    ...detour().present,
    placement: { one: 'x', three: 'y' },
    routes: [route, route],
    reservations: [held],
  }
  const wrong = { present, budgets: { moves: -1 }, maxHops: 0, links: [...detour().links, detour().links[0]!] }
  try {
    plan(detour(wrong), byWork('greedy'))
    assert.unreachable()
  } catch (error) {
    const found = (error as InvalidInputError).problems.map((problem) => problem.replace(/ (is|names|of) .*/, ''))
    assert.equal(found, [
      'link x-y',
      'present placement',
      'present route',
      'present route',
      'present route',
      'present reservation for one>two',
      'present reservation for one>two from x',
      'budget moves',
      'maxHops',
    ])
  }
})

test('a deadline that has passed still gives a plan, and the best found is reported as it comes', () => {
  const scores: number[] = []
  const result = plan(star(), { ...byWork('local-search'), onImprovement: ({ score }) => void scores.push(score) })
  assert.equal(
    [...scores].sort((x, y) => x - y),
    scores,
  )
  assert.ok(scores.length > 0)
  let reads = 0
  const late = plan(star(), { strategy: 'local-search', seed: 1, now: () => reads++, deadlineMs: -1 })
  assert.equal(undeclared(late, star()), [])
  assert.is(late.search.stoppedBy, 'Deadline')
  assert.ok(late.score.net <= result.score.net)
})

test('time is kept for writing the plan, and reasons are looked for only while it lasts', () => {
  const within = (deadlineMs: number) => {
    let clockMs = 0
    const result = plan(star(), { strategy: 'local-search', seed: 1, now: () => clockMs++, deadlineMs })
    assert.ok(clockMs <= deadlineMs, `the plan was there after ${clockMs} ms of ${deadlineMs}`)
    assert.equal(undeclared(result, star()), [])
    return { stoppedBy: result.search.stoppedBy, reasons: result.actions.map(({ reason }) => reason.worth) }
  }
  const ample = within(100_000)
  assert.is(ample.stoppedBy, 'Converged')
  assert.ok(ample.reasons.length > 0 && !ample.reasons.includes(undefined))
  const short = within(50)
  assert.is(short.stoppedBy, 'Deadline')
  assert.ok(short.reasons.length > 0 && short.reasons.includes(undefined))
})

test.run()
