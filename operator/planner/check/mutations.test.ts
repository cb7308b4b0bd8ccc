import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Action, Constraint, Plan } from '../plan.ts'
import { plan } from '../planner.ts'
import { byWork, heuristics, randomInput } from '../testing/random-input.ts'
import type { PlannerInput } from '../types.ts'
import { check } from './check.ts'

const test = suite('check, on plans of random inputs with one thing changed')

type Draft = { plan: Plan; world: PlannerInput; pick: <T>(items: T[]) => T | undefined }

const drafts = fc
  .record({ seed: fc.nat(1e6), strategy: fc.constantFrom(...heuristics), choice: fc.nat(1e6) })
  .map(({ seed, strategy, choice }): Draft => {
    const world = randomInput(seed)
    const made = plan(world, byWork(strategy, 400))
    const pick = <T>(items: T[]): T | undefined => items[choice % Math.max(1, items.length)]
    return { plan: structuredClone(made), world: structuredClone(world), pick }
  })

/** The demands that have a path of at least one link in the result. */
const routed = ({ plan: { demands } }: Draft): { demand: string; path: string[]; latency: number }[] =>
  demands.flatMap(({ demand, after }) =>
    after && after.path.length > 1 ? [{ demand, path: after.path, latency: after.latencyMicroseconds }] : [],
  )

/** The first link of a demand's path, in the direction in which it is used, and what all demands put on it. */
const firstLink = (draft: Draft, { path }: { path: string[] }) => {
  const [from, to] = path as [string, string]
  const link = draft.world.links.find(({ a, b }) => (a === from && b === to) || (b === from && a === to))!
  const bps = (demand: string): number => draft.world.demands.find(({ name }) => name === demand)!.bps
  const users = routed(draft).filter((other) =>
    other.path.some((bridge, i) => bridge === from && other.path[i + 1] === to),
  )
  return {
    link,
    direction: link.a === from ? link.aToB : link.bToA,
    load: users.reduce((n, u) => n + bps(u.demand), 0),
  }
}

const usesNew = (actions: Action[], links: string[]): boolean =>
  actions.some((action) => action.type === 'AddLink' && links.includes(action.link))

/**
 * Changes that break one constraint for sure, in any plan that they can be applied to; they return its subject, or
 * undefined if there is nothing to apply them to.
 */
const mutations: Partial<Record<Constraint, (draft: Draft) => string | undefined>> = {
  Complete: ({ plan: { result }, pick }) => {
    const vm = pick(Object.keys(result.placement))
    if (vm !== undefined) delete result.placement[vm]
    return vm
  },
  Compliant: ({ plan: { result }, world, pick }) => {
    const vm = pick(world.vms.filter(({ name }) => result.placement[name] !== undefined))
    if (vm) vm.forbidden = [result.placement[vm.name]!]
    return vm?.name
  },
  AntiAffinity: ({ plan: { result }, world, pick }) => {
    const pairs = world.vms.flatMap((x) => world.vms.filter((y) => x !== y).map((y) => [x, y] as const))
    const beside = pick(pairs.filter(([x, y]) => result.placement[x.name] === result.placement[y.name]))
    if (beside) beside[0].antiAffinity = [beside[1].name]
    return beside?.[1].name
  },
  Affinity: ({ plan: { result }, world, pick }) => {
    const pairs = world.vms.flatMap((x) => world.vms.filter((y) => x !== y).map((y) => [x, y] as const))
    const apart = pick(pairs.filter(([x, y]) => result.placement[x.name] !== result.placement[y.name]))
    if (apart) apart[0].affinity = [apart[1].name]
    return apart?.[1].name
  },
  Movable: ({ plan: { actions }, world, pick }) => {
    const move = pick(actions.flatMap((action) => (action.type === 'MoveVm' ? [action] : [])))
    if (move) world.vms.find(({ name }) => name === move.vm)!.movable = false
    return move?.vm
  },
  Compute: ({ plan: { result }, world, pick }) => {
    const bridge = pick(world.bridges.filter(({ name }) => Object.values(result.placement).includes(name)))
    const used = world.vms.filter(({ name }) => result.placement[name] === bridge?.name)
    if (bridge) bridge.computeCapacity = used.reduce((sum, { compute }) => sum + compute, 0) - 1
    return bridge?.name
  },
  Latency: (draft) => {
    const way = draft.pick(routed(draft))
    if (way) draft.world.demands.find(({ name }) => name === way.demand)!.latencyMicroseconds = way.latency - 1
    return way?.demand
  },
  Capacity: (draft) => {
    const way = draft.pick(routed(draft))
    if (!way) return undefined
    const { link, direction, load } = firstLink(draft, way)
    direction.capacityBps = load - 1
    return `${link.name} from ${way.path[0]}`
  },
  Bottleneck: (draft) => {
    const way = draft.pick(routed(draft))
    if (!way) return undefined
    const { link, load } = firstLink(draft, way)
    const links = [{ link: link.name, from: way.path[0]! }]
    draft.world.bottlenecks.push({ name: 'added', kind: 'SharedRisk', capacityBps: load - 1, links })
    return 'added'
  },
  LinkState: (draft) => {
    const way = draft.pick(routed(draft))
    if (!way) return undefined
    const { link } = firstLink(draft, way)
    // A closed link of the baseline changes default paths as well: then it is the path that is not the promised one.
    if (draft.world.networks.some(({ baseline }) => baseline.includes(link.name))) return undefined
    link.state = 'Forbidden'
    return link.name
  },
  Routable: (draft) => {
    const way = draft.pick(routed(draft))
    if (!way) return undefined
    for (const network of draft.world.networks) network.baseline = []
    draft.plan.result.routes = []
    return way.demand
  },
  Path: ({ plan: { result }, pick }) => {
    const route = pick(result.routes)
    if (!route) return undefined
    route.links = [...route.links, ...route.links]
    return `${route.network} ${route.from} > ${route.to}`
  },
  Baseline: ({ plan: { result }, world, pick }) => {
    const network = world.networks[0]!
    const link = pick(network.baseline)
    result.topology[network.name] = result.topology[network.name]!.filter((name) => name !== link)
    return link
  },
  LinkBudget: ({ plan: { result }, world, pick }) => {
    const network = pick(world.networks)!
    const extra = result.topology[network.name]!.filter((link) => !network.baseline.includes(link)).length
    if (extra === 0) return undefined
    network.linkBudget = extra - 1
    return network.name
  },
  MoveBudget: ({ plan: { cost }, world }) => {
    if (cost.moves === 0) return undefined
    world.budgets.moves = cost.moves - 1
    return 'moves'
  },
  ChangeBudget: ({ plan: { cost }, world }) => {
    if (cost.linkChanges === 0) return undefined
    world.budgets.linkChanges = cost.linkChanges - 1
    return 'link changes'
  },
  Reservable: ({ plan: { result }, world, pick }) => {
    const reservation = pick(result.reservations)
    const link = world.links.find(({ name }) => name === reservation?.links[0])
    if (!reservation || !link) return undefined
    ;(link.a === reservation.from ? link.aToB : link.bToA).reservableBps = 0
    return `${link.name} from ${reservation.from}`
  },
  Actuator: ({ plan: { actions }, world, pick }) => {
    const change = pick(actions.flatMap((action) => ('network' in action ? [action.network] : [])))
    const network = world.networks.find(({ name }) => name === change)
    if (network) network.actuators = []
    return network?.name
  },
  Order: ({ plan: { actions } }) => {
    const added = actions.findIndex(({ type }) => type === 'AddLink')
    const routed = actions.findIndex(({ type }) => type === 'SetRoute')
    if (added < 0 || routed < 0) return undefined
    // A link comes into a topology because a route is set over it, so the routes cannot all be set before it.
    const routes = actions.filter(({ type }) => type === 'SetRoute')
    const rest = actions.filter(({ type }) => type !== 'SetRoute')
    actions.splice(0, actions.length, ...routes, ...rest)
    const early = routes.findIndex((route) => 'links' in route && usesNew(rest, route.links))
    return early < 0 ? undefined : `action ${early + 1}: SetRoute`
  },
  Inconsistent: ({ plan: { actions } }) => {
    const last = actions.pop()
    if (!last) return undefined
    if ('vm' in last) return 'placement'
    if (last.type === 'Reserve' || last.type === 'Release') return 'reservations'
    return last.type === 'AddLink' || last.type === 'RemoveLink' ? 'topology' : 'routes'
  },
}

for (const [constraint, mutate] of Object.entries(mutations))
  test(`${constraint} is found wherever it is broken`, () => {
    let applied = 0
    fc.assert(
      fc.property(drafts, (draft) => {
        const subject = mutate(draft)
        if (subject === undefined) return
        applied++
        const found = check(draft.plan, draft.world).map((violation) => `${violation.constraint} ${violation.subject}`)
        assert.ok(found.includes(`${constraint} ${subject}`), `${constraint} ${subject} is not in ${found.join(', ')}`)
      }),
      { numRuns: 60 },
    )
    assert.ok(applied > 0, 'no plan had anything to change')
  })

/** Where each number of a value is, as a list of keys. */
const numbersIn = (value: unknown, at: string[] = []): string[][] => {
  if (typeof value === 'number') return [at]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => numbersIn(inner, [...at, key]))
}

test('every number that a plan promises is verified', () => {
  fc.assert(
    fc.property(drafts, ({ plan: made, world, pick }) => {
      const { networks, demands, cost, score } = made
      // Reasons tell what the search saw on its way, and promise nothing.
      const moves = made.actions.filter((action) => action.type === 'MoveVm')
      for (const move of moves) Object.assign(move, { reason: undefined })
      const promised = { networks, demands, cost, score, moves }
      const at = pick(numbersIn(promised))!
      const last = at.at(-1)!
      const holder = at.slice(0, -1).reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], promised)
      const numbers = holder as Record<string, number>
      numbers[last]! += Math.max(0.01, Math.abs(numbers[last]!) / 100)
      const found = check(made, world).map((violation) => violation.constraint)
      assert.ok(found.includes('Prediction'), `${at.join('.')} is believed`)
    }),
    { numRuns: 150 },
  )
})

test('a prediction that is missing is found', () => {
  fc.assert(
    fc.property(drafts, fc.boolean(), ({ plan: made, world, pick }, ofNetwork) => {
      if ((ofNetwork ? made.networks : made.demands).length === 0) return
      if (ofNetwork) made.networks = made.networks.filter((prediction) => prediction !== pick(made.networks))
      else made.demands = made.demands.filter((prediction) => prediction !== pick(made.demands))
      assert.ok(check(made, world).some(({ constraint }) => constraint === 'Prediction'))
    }),
    { numRuns: 30 },
  )
})

test.run()
