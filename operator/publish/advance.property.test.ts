// Publication under every disorder: late, lost and skipped acknowledgements, half-written steps, restarts, and topologies that change meanwhile.
import * as fc from 'fast-check'
import { test } from 'uvu'
import type { LinkInput } from '#operator/compile/input.ts'
import { type Desire, type Event, NAMES, PublicationWorld } from './publication-world.ts'

const RUNS = Number(process.env.VNET_PROPERTY_RUNS ?? 150)

const arbitraryTopology = fc.oneof(
  fc.constant({ type: 'Mesh' as const }),
  fc.constant({ type: 'Manual' as const }),
  fc
    .record({ cluster: fc.constantFrom('east', 'west'), replicas: fc.integer({ min: 1, max: 2 }) })
    .map((hubs) => ({ type: 'Star' as const, star: { hubs } })),
)
const arbitraryWish = fc.option(
  fc.record({
    vni: fc.constantFrom(0, 2),
    clusters: fc.subarray(['east', 'west'], { minLength: 1 }),
    topology: arbitraryTopology,
  }),
  { nil: undefined, freq: 8 },
)
const arbitraryLink = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 12 }))
  .filter(([a, b]) => a !== b)
  .map(([a, b, cost]): LinkInput => ({ name: `${a} ${b} ${cost}`, a, b, cost, isUp: true, matchLabels: undefined }))
const arbitraryDesire: fc.Arbitrary<Desire> = fc.record({
  wishes: fc.tuple(arbitraryWish, arbitraryWish),
  links: fc.array(arbitraryLink, { maxLength: 9 }),
  unready: fc.subarray(NAMES, { maxLength: 2 }),
})
const bridge = fc.constantFrom(...NAMES)
const arbitraryEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: arbitraryDesire.map((desire) => ({ kind: 'desire' as const, desire })) },
  { weight: 6, arbitrary: fc.nat(63).map((written) => ({ kind: 'publish' as const, written })) },
  { weight: 4, arbitrary: fc.constant({ kind: 'publish' as const, written: 63 }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constantFrom('apply' as const, 'report' as const), bridge, skip: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'settle' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'add' as const), bridge }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settleWithout' as const), bridge }) },
)

const scenario = fc.tuple(
  arbitraryDesire,
  fc.array(arbitraryEvent, { minLength: 5, maxLength: 60, size: 'max' }),
  fc.nat(),
)

test('whatever the agents hold, frames arrive once, and what worked goes on', () => {
  fc.assert(
    fc.property(scenario, ([desire, events, seed]) => {
      const world = new PublicationWorld([], seed)
      world.run({ kind: 'desire', desire })
      world.overlay.settle()
      world.check()
      for (const event of events) {
        world.run(event)
        world.check()
      }
      world.checkAtRest()
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  )
})

test('bridges that never answer hold up nothing but removals, and lose nothing', () => {
  fc.assert(
    fc.property(scenario, fc.subarray(NAMES, { minLength: 1, maxLength: 2 }), ([desire, events, seed], stuck) => {
      const world = new PublicationWorld(stuck, seed)
      world.run({ kind: 'desire', desire })
      world.overlay.settle()
      for (const event of events) {
        world.run(event)
        world.check()
      }
      world.checkAtRest()
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  )
})

test.run()
