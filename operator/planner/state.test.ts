import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Evaluator } from './objectives.ts'
import { compile } from './problem.ts'
import { Routing } from './routing.ts'
import { activeGroups, takeSnapshot } from './search.ts'
import { State } from './state.ts'
import { randomInput } from './testing/random-input.ts'
import { richInput } from './testing/rich-input.ts'
import { detour, vm } from './testing/small.ts'
import { penalties } from './violation-sum.ts'

const test = suite('state')

const near = (x: number, y: number, what: string): void =>
  assert.ok(Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y)), `${what}: ${x} is not ${y}`)

/** Numbers that say all about a state. */
const summary = (state: State, evaluator: Evaluator) => ({
  violation: state.violations.total,
  score: evaluator.value(state).score,
  guide: evaluator.guide(state).score,
  moves: state.placement.moves,
  linkChanges: state.topology.changes,
  routeChanges: state.routeChanges,
  load: Array.from(state.load),
  widths: Array.from(state.widths.current),
})

const same = (x: ReturnType<typeof summary>, y: ReturnType<typeof summary>): void => {
  for (const key of ['violation', 'score', 'guide', 'moves', 'linkChanges', 'routeChanges'] as const)
    near(x[key], y[key], key)
  assert.equal(x.load, y.load)
  assert.equal(x.widths, y.widths)
}

const steps = fc.array(fc.record({ kind: fc.constantFrom('move', 'route'), a: fc.nat(), b: fc.nat() }), {
  maxLength: 25,
})

const apply = (state: State, { kind, a, b }: { kind: string; a: number; b: number }): void => {
  const { problem, routing } = state
  if (kind === 'move') {
    state.place(a % problem.vmNetwork.length, b % problem.bridges)
    return
  }
  const groups = activeGroups(state)
  const group = groups[a % Math.max(1, groups.length)]
  if (!group) return
  const paths = routing.candidates(group.network, group.from, group.to)
  state.setPath(group, b % 5 === 0 ? undefined : paths[b % Math.max(1, paths.length)])
}

test('after any changes a state is what it would be if it were built anew', () => {
  fc.assert(
    fc.property(fc.nat(1e6), steps, (seed, changes) => {
      const problem = compile(seed % 2 === 0 ? randomInput(seed) : richInput(seed))
      const routing = new Routing(problem)
      const evaluator = new Evaluator(problem)
      const state = new State(problem, routing, () => false)
      changes.forEach((change, i) => {
        apply(state, change)
        if (i % 3 === 0) evaluator.value(state)
      })
      const rebuilt = new State(problem, routing, () => false, takeSnapshot(state))
      same(summary(state, evaluator), summary(rebuilt, evaluator))
    }),
    { numRuns: 300 },
  )
})

test('taking changes back restores everything, all of them or down to a mark', () => {
  fc.assert(
    fc.property(fc.nat(1e6), steps, steps, steps, (seed, first, second, third) => {
      const problem = compile(seed % 2 === 0 ? randomInput(seed) : richInput(seed))
      const evaluator = new Evaluator(problem)
      const state = new State(problem, new Routing(problem), () => false)
      for (const change of first) apply(state, change)
      state.commit()
      const committed = summary(state, evaluator)
      for (const change of second) apply(state, change)
      const mark = state.uncommitted
      const marked = summary(state, evaluator)
      for (const change of third) apply(state, change)
      state.rollback(mark)
      same(summary(state, evaluator), marked)
      state.rollback()
      same(summary(state, evaluator), committed)
    }),
    { numRuns: 200 },
  )
})

test('one rule repaired leaves another broken: of one VM, or of a budget that two VMs exceed', () => {
  const rules = [vm('one', { affinity: ['two'], forbidden: ['y'] }), vm('two')]
  const present = { ...detour().present, placement: { one: 'x', two: 'x' } }
  const together = compile(detour({ vms: rules, present }))
  const state = new State(together, new Routing(together), () => false)
  assert.is(state.violations.total, 0)
  state.place(0, 1)
  assert.is(state.violations.total, penalties.notCompliant + penalties.affinity)
  state.place(1, 1)
  assert.is(state.violations.total, penalties.notCompliant)

  const placement = { one: 'x', three: 'x', two: 'z' }
  const vms = [vm('one'), vm('three'), vm('two')]
  const counted = compile(
    detour({ vms, demands: [], present: { ...present, placement }, budgets: { movesPerBridge: 1 } }),
  )
  const moves = new State(counted, new Routing(counted), () => false)
  for (const [id, bridge] of [
    [1, 2],
    [2, 1],
    [0, 1],
    [2, 2],
  ] as const)
    moves.place(id, bridge)
  assert.is(moves.violations.total, penalties.budget, 'x loses two VMs')
})

test.run()
