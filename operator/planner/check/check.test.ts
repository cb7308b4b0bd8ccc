import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Action, Constraint, Plan } from '../plan.ts'
import { constraints } from '../plan.ts'
import { plan } from '../planner.ts'
import { byWork } from '../testing/random-input.ts'
import { bridge, demand, freeOfCharge, link, network, vm } from '../testing/small.ts'
import type { PlannerInput } from '../types.ts'
import { check } from './check.ts'

const test = suite('check')

/** A square w-x-y-z with a diagonal w-y, two tenants, and a plan that uses every kind of action. */
const input = (): PlannerInput => ({
  bridges: ['w', 'x', 'y', 'z'].map((name) => bridge(name, 3000)),
  links: [
    link('w', 'x', 20, 1),
    link('x', 'y', 20, 1),
    { ...link('y', 'z', 100, 1), state: 'Pinned' },
    link('w', 'z', 100, 1),
    { ...link('w', 'y', 100, 1), exists: false },
    { ...link('x', 'z', 100, 1), state: 'Draining' },
  ],
  bottlenecks: [
    {
      name: 'uplink',
      kind: 'Uplink',
      capacityBps: 90e6,
      links: [
        { link: 'w-y', from: 'w' },
        { link: 'w-z', from: 'w' },
      ],
    },
  ],
  networks: [
    network({
      baseline: ['w-x', 'x-y'],
      linkBudget: 3,
      actuators: ['Topology', 'Routes', 'Placement', 'Reservations'],
    }),
    network({ name: 'green', baseline: ['w-x', 'x-y'], actuators: [] }),
  ],
  vms: [
    vm('one', { pinnedTo: 'w' }),
    vm('two', { allowed: ['y', 'z'], antiAffinity: ['one'] }),
    vm('three', { affinity: ['two'] }),
    vm('four', { network: 'green' }),
    vm('five', { network: 'green', movable: false }),
  ],
  demands: [demand('one', 'two', 30, { latencyMicroseconds: 4000 }), demand('four', 'five', 15)],
  present: {
    placement: { one: 'w', two: 'y', three: 'x', four: 'w', five: 'x' },
    topology: { blue: ['w-x', 'x-y', 'y-z'], green: ['w-x', 'x-y'] },
    routes: [],
    reservations: [],
  },
  budgets: { moves: 1, linkChanges: 4 },
  costs: freeOfCharge,
})

const planned = (): Plan => plan(input(), byWork('local-search'))

/** Changes a plan consistently: the action and the state that it leads to. */
const act = (draft: Plan, action: Action): void => {
  const { result } = draft
  draft.actions.push(action)
  if (action.type === 'AddLink') result.topology[action.network]!.push(action.link)
  if (action.type === 'RemoveLink')
    result.topology[action.network] = result.topology[action.network]!.filter((l) => l !== action.link)
  if (action.type === 'MoveVm' || action.type === 'PlaceVm') result.placement[action.vm] = action.to
  if (action.type === 'SetRoute') {
    const { network: of, from, to, links } = action
    result.routes = [
      ...result.routes.filter((r) => r.network !== of || r.from !== from || r.to !== to),
      { network: of, from, to, links },
    ]
  }
  if (action.type === 'Reserve') result.reservations.push(action.reservation)
}

const reason = { demands: [] }
const move = (vmName: string, from: string, to: string): Action => ({
  type: 'MoveVm',
  vm: vmName,
  from,
  to,
  migrationSeconds: 1,
  reason,
})
const route = (of: string, from: string, to: string, links: string[], replaces?: string[]): Action => ({
  type: 'SetRoute',
  network: of,
  from,
  to,
  links,
  ...(replaces && { replaces }),
  reason,
})

/** For each constraint, one change to a valid plan, or to the world that it was made for, that breaks it. */
const mutations: Record<Constraint, (draft: Plan, world: PlannerInput) => void> = {
  Complete: (draft) => {
    delete draft.result.placement.one
  },
  Compliant: (draft) => act(draft, move('one', 'w', 'z')),
  Affinity: (draft) => act(draft, move('three', 'y', 'z')),
  AntiAffinity: (draft) => act(draft, move('two', 'y', 'w')),
  Movable: (draft) => act(draft, move('five', 'x', 'z')),
  Compute: (_, world) => {
    world.bridges[0]!.computeUsed = 2000
  },
  Latency: (_, world) => {
    world.links[4]!.aToB.latencyMicroseconds = 5000
  },
  Capacity: (_, world) => {
    world.links[4]!.aToB.capacityBps = 29e6
  },
  Bottleneck: (_, world) => {
    world.bottlenecks[0]!.capacityBps = 29e6
  },
  Routable: (_, world) => {
    world.networks[1]!.baseline = ['x-y']
  },
  Path: (draft) => act(draft, route('blue', 'y', 'w', ['y-z', 'w-x'])),
  Baseline: (draft) => act(draft, { type: 'RemoveLink', network: 'blue', link: 'x-y', reason }),
  PinnedLink: (draft) => act(draft, { type: 'RemoveLink', network: 'blue', link: 'y-z', reason }),
  LinkState: (draft) => {
    act(draft, { type: 'AddLink', network: 'blue', link: 'x-z', reason })
    act(draft, route('blue', 'w', 'y', ['w-x', 'x-z', 'y-z'], ['w-y']))
  },
  LinkBudget: (_, world) => {
    world.networks[0]!.linkBudget = 1
  },
  MoveBudget: (_, world) => {
    world.budgets.moves = 0
  },
  ChangeBudget: (_, world) => {
    world.budgets.linkChanges = 1
  },
  Reservable: (_, world) => {
    world.links[4]!.aToB.reservableBps = 1e6
  },
  Interference: (draft, world) => {
    // Blue has been on its own link so far, and comes back to the one that green fills.
    world.present.topology.blue!.push('w-y')
    world.present.routes = [{ network: 'blue', from: 'w', to: 'y', links: ['w-y'] }]
    act(draft, route('blue', 'w', 'y', ['w-x', 'x-y'], ['w-y']))
  },
  Actuator: (draft) => act(draft, route('green', 'w', 'x', ['w-x'])),
  Order: (draft) => {
    draft.actions.reverse()
  },
  Inconsistent: (draft) => {
    draft.actions.pop()
  },
  Prediction: (draft) => {
    draft.networks[0]!.after! *= 1.01
  },
}

test('the plan that the mutations start from is valid, and has every kind of change', () => {
  const result = planned()
  assert.equal(check(result, input()), [])
  const types = new Set(result.actions.map(({ type }) => type))
  assert.equal([...types].sort(), ['AddLink', 'MoveVm', 'Reserve', 'SetRoute'])
})

for (const constraint of constraints)
  test(`a plan that breaks ${constraint} is caught, and the constraint named`, () => {
    const draft = structuredClone(planned())
    const world = input()
    mutations[constraint](draft, world)
    const found = check(draft, world).map((violation) => violation.constraint)
    assert.ok(found.includes(constraint), `found ${found.join(', ') || 'nothing'}`)
  })

test('each violation says by how much, in which unit', () => {
  const world = input()
  world.bridges[0]!.computeUsed = 2000
  assert.equal(check(planned(), world), [{ constraint: 'Compute', subject: 'w', amount: 1000, unit: 'millicores' }])
})

test.run()
