import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Condition,
  type ConditionStatement,
  findCondition,
  isTrue,
  isUpToDate,
  removeCondition,
  sameStatus,
  setCondition,
  setConditions,
} from './conditions.ts'

const then = '2026-01-01T00:00:00Z'
const now = '2026-01-02T00:00:00Z'
const ready: ConditionStatement = {
  type: 'Ready',
  status: 'True',
  reason: 'Done',
  message: 'all',
  observedGeneration: 3,
}
const existing: readonly Condition[] = Object.freeze([
  Object.freeze({ ...ready, observedGeneration: 3, lastTransitionTime: then }),
  Object.freeze({ type: 'Degraded', status: 'False', reason: 'Fine', message: '', lastTransitionTime: then } as const),
])

test('adds a condition with the time of now', () => {
  assert.equal(setCondition([], ready, now), [{ ...ready, lastTransitionTime: now }])
})

test('gives the same array back when nothing changed', () => {
  assert.is(setCondition(existing, ready, now), existing)
  assert.is(setConditions(existing, [ready, { ...ready }], now), existing)
  assert.is(removeCondition(existing, 'Absent'), existing)
})

test('keeps the transition time while the status stays, whatever else changes', () => {
  const next = setCondition(existing, { ...ready, message: 'other', observedGeneration: 4 }, now)
  assert.equal(next[0], { ...ready, message: 'other', observedGeneration: 4, lastTransitionTime: then })
  assert.is(next[1], existing[1])
})

test('moves the transition time with the status', () => {
  const next = setConditions(
    existing,
    [
      { ...ready, status: 'False' },
      { type: 'Planned', status: 'Unknown', reason: 'New', message: '' },
    ],
    now,
  )
  assert.equal(
    next.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
    [
      ['Ready', 'False', now],
      ['Degraded', 'False', then],
      ['Planned', 'Unknown', now],
    ],
  )
})

test('reads conditions', () => {
  assert.is(findCondition(undefined, 'Ready'), undefined)
  assert.equal([isTrue(existing, 'Ready'), isTrue(existing, 'Degraded'), isTrue([], 'Ready')], [true, false, false])
  assert.equal(
    [3, 4].map((generation) => isUpToDate(existing, 'Ready', generation)),
    [true, false],
  )
  assert.equal(
    removeCondition(existing, 'Ready').map(({ type }) => type),
    ['Degraded'],
  )
})

test('compares statuses as they would be on the wire', () => {
  assert.ok(sameStatus({ a: 1, b: undefined }, { a: 1 }))
  assert.not(sameStatus({ a: [1, 2] }, { a: [2, 1] }))
  assert.ok(sameStatus(undefined, undefined))
})

test.run()
