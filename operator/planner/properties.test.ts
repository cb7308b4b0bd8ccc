import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { check, undeclared } from './check/check.ts'
import { objectives } from './objectives.ts'
import type { Plan } from './plan.ts'
import { plan } from './planner.ts'
import { seededRandom, shuffle } from './random.ts'
import { byWork, heuristics, randomInput } from './testing/random-input.ts'
import { richInput } from './testing/rich-input.ts'
import { freeOfCharge } from './testing/small.ts'
import type { PlannerInput } from './types.ts'

const test = suite('properties of every strategy')

const seeds = fc.nat(1e6)
const strategy = fc.constantFrom(...heuristics)
const inputOf = (seed: number): PlannerInput => (seed % 2 === 0 ? randomInput(seed) : richInput(seed))
const severity = (result: Plan): string[] =>
  result.violations.map(({ constraint, subject }) => `${constraint} ${subject}`).sort()

test('its plan passes the independent verifier, and admits exactly what it cannot meet', () => {
  fc.assert(
    fc.property(seeds, strategy, (seed, name) => {
      const input = inputOf(seed)
      const result = plan(input, byWork(name))
      assert.equal(undeclared(result, input), [])
      const found = check(result, input).map(({ constraint, subject }) => `${constraint} ${subject}`)
      assert.equal(found.sort(), severity(result))
      assert.is(result.status, result.violations.length === 0 ? 'Feasible' : 'Infeasible')
      if (result.status === 'Infeasible') assert.ok(result.violations.every(({ remedy }) => remedy))
    }),
    { numRuns: 70 },
  )
})

const permuted = (input: PlannerInput, seed: number): PlannerInput => {
  const random = seededRandom(seed)
  const mixed = <T>(items: T[]): T[] => shuffle(random, [...items])
  /** Every list mixed, also those inside; but the order of links on a path is what it says. */
  const deep = (value: unknown): unknown => {
    if (Array.isArray(value)) return mixed(value.map(deep))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(mixed(Object.entries(value)).map(([key, inner]) => [key, deep(inner)]))
  }
  const { present, ...rest } = input
  const { routes, reservations, ...state } = present
  return {
    ...(deep(rest) as typeof rest),
    present: { ...(deep(state) as typeof state), routes: mixed(routes), reservations: mixed(reservations) },
  }
}

test('the order of the input changes nothing, and the same seed gives the same plan', () => {
  fc.assert(
    fc.property(seeds, strategy, seeds, (seed, name, order) => {
      const input = inputOf(seed)
      const first = plan(input, byWork(name))
      assert.equal(plan(permuted(input, order), byWork(name)), first)
    }),
    { numRuns: 25 },
  )
})

test('it is never worse than doing nothing: not more is broken, and if as much, the score is not lower', () => {
  fc.assert(
    fc.property(seeds, strategy, (seed, name) => {
      const input = inputOf(seed)
      const result = plan(input, byWork(name))
      const nothing = plan(
        { ...input, networks: input.networks.map((n) => ({ ...n, actuators: [] })) },
        byWork('greedy'),
      )
      const placed = Object.keys(input.present.placement).length === input.vms.length
      if (nothing.status === 'Feasible') {
        assert.is(result.status, 'Feasible')
        if (placed) assert.ok(result.score.net >= -1e-9, `net ${result.score.net}`)
      }
      for (const { before, after, objective, network } of result.networks) {
        const alone = result.networks.length === 1 && nothing.status === 'Feasible' && placed
        if (alone) assert.ok((after! - before!) * objectives[objective].sense >= -1e-6 * Math.abs(before!), network)
      }
    }),
    { numRuns: 40 },
  )
})

test('baseline links survive, and so do links that are pinned', () => {
  fc.assert(
    fc.property(seeds, strategy, fc.nat(), (seed, name, which) => {
      const input = randomInput(seed, 'ComplexOnline')
      const extra = input.links[which % input.links.length]!
      const pinned = input.links.map((link) =>
        link === extra && link.state !== 'Draining' ? { ...link, state: 'Pinned' as const } : link,
      )
      const topology = Object.fromEntries(
        input.networks.map((network) => [network.name, [...network.baseline, extra.name]]),
      )
      const networks = input.networks.map(({ linkBudget: _, ...network }) => network)
      const result = plan({ ...input, networks, links: pinned, present: { ...input.present, topology } }, byWork(name))
      for (const network of networks) {
        const links = result.result.topology[network.name]!
        assert.ok(network.baseline.every((link) => links.includes(link)))
        if (extra.state !== 'Draining') assert.ok(links.includes(extra.name))
      }
    }),
    { numRuns: 25 },
  )
})

/** With these budgets there may be more to do as soon as they are fresh. An addition that needs a tunnel takes two. */
const mayHaveBeenLimited = ({ cost }: Plan, { budgets, links }: PlannerInput): boolean => {
  const { moves = Number.POSITIVE_INFINITY, movesPerBridge, linkChanges = Number.POSITIVE_INFINITY } = budgets
  if (cost.moves > 0 && (movesPerBridge !== undefined || cost.moves >= moves)) return true
  return linkChanges < 4 * links.length
}

test('planned again from its own result, it finds nothing to do, unless a budget had stopped it', () => {
  let compared = 0
  fc.assert(
    fc.property(seeds, strategy, (seed, name) => {
      const input = inputOf(seed)
      const options = byWork(name, 12_000)
      const first = plan(input, options)
      if (first.search.stoppedBy !== 'Converged' || mayHaveBeenLimited(first, input)) return
      const second = plan({ ...input, present: first.result }, options)
      if (second.search.stoppedBy !== 'Converged') return
      compared++
      assert.equal(second.actions, [])
    }),
    { numRuns: 80 },
  )
  assert.ok(compared >= 5, `only ${compared} plans were ended by nothing else`)
})

/** The same input with more of one capacity. */
const widened = (input: PlannerInput, which: number): PlannerInput => {
  const chosen = which % (input.links.length + input.bottlenecks.length)
  const links = input.links.map((link, i) => {
    if (i !== chosen) return link
    const wider = (direction: typeof link.aToB) => ({ ...direction, capacityBps: 2 * direction.capacityBps })
    return { ...link, aToB: wider(link.aToB), bToA: wider(link.bToA) }
  })
  const bottlenecks = input.bottlenecks.map((bottleneck, i) =>
    i + input.links.length === chosen ? { ...bottleneck, capacityBps: 2 * bottleneck.capacityBps } : bottleneck,
  )
  return { ...input, links, bottlenecks }
}

test('once a plan is adopted, more capacity never makes the result worse', () => {
  fc.assert(
    fc.property(seeds, strategy, fc.nat(), (seed, name, which) => {
      const input = inputOf(seed)
      const first = plan(input, byWork(name))
      const networks = input.networks.map((network) => ({ ...network, latencyWeightBits: 1e6 }))
      const adopted = { ...input, networks, present: first.result }
      const before = plan({ ...adopted, networks: networks.map((n) => ({ ...n, actuators: [] })) }, byWork('greedy'))
      const after = plan(widened(adopted, which), byWork(name))
      if (before.status === 'Feasible') assert.is(after.status, 'Feasible')
      if (before.status !== 'Feasible' || networks.length > 1) return
      const { sense } = objectives[networks[0]!.objective]
      const [old, next] = [before.networks[0]!.after!, after.networks[0]!.after!]
      assert.ok((next - old) * sense >= -1e-6 * Math.abs(old), `${old} became ${next}`)
    }),
    { numRuns: 30 },
  )
})

test('planned afresh, local search makes no less of more capacity', () => {
  fc.assert(
    fc.property(seeds, fc.nat(), (seed, which) => {
      const random = randomInput(seed)
      if (random.networks.length > 1) return
      const networks = random.networks.map((network) => ({ ...network, latencyWeightBits: 1e6 }))
      const input = { ...random, networks, costs: freeOfCharge }
      const [narrow, wide] = [input, widened(input, which)].map((world) => plan(world, byWork('local-search', 20_000)))
      if (narrow!.status !== 'Feasible') return
      assert.is(wide!.status, 'Feasible')
      const { sense } = objectives[networks[0]!.objective]
      const [old, next] = [narrow!.networks[0]!.after!, wide!.networks[0]!.after!]
      assert.ok((next - old) * sense >= -1e-6 * Math.abs(old), `${old} became ${next}`)
    }),
    { numRuns: 20 },
  )
})

/** The input with what the violations say would make it possible. */
const remedied = (input: PlannerInput, { violations }: Plan): PlannerInput => {
  const world = structuredClone(input)
  for (const { constraint, subject, amount } of violations) {
    const bridge = world.bridges.find(({ name }) => name === subject || `inside ${name}` === subject)
    if (constraint === 'Compute') bridge!.computeCapacity += amount
    if (constraint === 'Capacity' && bridge) bridge.localBps = (bridge.localBps ?? 40e9) + amount
    if (constraint === 'Capacity' && !bridge) {
      const link = world.links.find(({ name }) => subject.startsWith(`${name} from `))!
      const direction = subject === `${link.name} from ${link.a}` ? link.aToB : link.bToA
      direction.capacityBps += amount
    }
    if (constraint === 'Bottleneck') world.bottlenecks.find(({ name }) => name === subject)!.capacityBps += amount
    if (constraint === 'Latency') {
      const demand = world.demands.find(({ name }) => name === subject)!
      demand.latencyMicroseconds = demand.latencyMicroseconds! + amount
    }
  }
  return world
}

test('what cannot be met could be, with as much more as the violations say', () => {
  let compared = 0
  fc.assert(
    fc.property(seeds, strategy, (seed, name) => {
      const input = randomInput(seed)
      const first = plan(input, byWork(name))
      const known = ['Compute', 'Capacity', 'Bottleneck', 'Latency']
      if (first.status === 'Feasible' || first.violations.some(({ constraint }) => !known.includes(constraint))) return
      compared++
      const second = plan({ ...remedied(input, first), present: first.result }, byWork(name))
      assert.is(second.status, 'Feasible')
    }),
    { numRuns: 120 },
  )
  assert.ok(compared > 0, 'no input was one that cannot be met')
})

test('local search is never below greedy', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const input = inputOf(seed)
      const published = plan(input, byWork('greedy'))
      const searched = plan(input, byWork('local-search'))
      if (published.status === 'Feasible') {
        assert.is(searched.status, 'Feasible')
        const net = ({ score, cost }: Plan): number => score.after - cost.score
        assert.ok(net(searched) >= net(published) - 1e-9)
      }
    }),
    { numRuns: 25 },
  )
})

test.run()
