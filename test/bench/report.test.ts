import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { missingMilliseconds } from './dataplane/flatness.ts'
import { type Series, toRow } from './report.ts'

const series = (name: string, values: [number, number][]): Series => ({
  case: name,
  metric: 'packets',
  unit: 'per s',
  values: new Map(values),
})

test('the ratio is the median of the ratios of rounds that have both values', () => {
  const own = series('vnet', [
    [1, 20],
    [2, 90],
    [3, 40],
    [5, 1],
  ])
  const base = series('kernel', [
    [1, 10],
    [2, 100],
    [3, 10],
    [4, 1000],
  ])
  const row = toRow({ series: own, baseline: base, goal: { atLeast: 1.5 } })
  assert.is(row.ratio, 2)
  assert.equal([row.ratioMin, row.ratioMax], [0.9, 4])
  assert.equal([row.goal, row.met], ['>= 1.5', true])
})

test('a goal whose baseline is missing is not met, and stays visible', () => {
  const row = toRow({ series: series('vnet', [[1, 20]]), goal: { atLeast: 1 } })
  assert.equal([row.ratio, row.goal, row.met], [null, '>= 1', false])
})

test('a tolerance is part of the goal that is shown', () => {
  const goal = { atLeast: 1, tolerance: 0.03 }
  const near = toRow({ series: series('vnet', [[1, 98]]), baseline: series('kernel', [[1, 100]]), goal })
  assert.equal([near.goal, near.met], ['>= 1 (median >= 0.97)', true])
  const below = toRow({ series: series('vnet', [[1, 96]]), baseline: series('kernel', [[1, 100]]), goal })
  assert.is(below.met, false)
})

test('counts that are often 0 are compared by their difference', () => {
  const goal = { noMoreThanBaseline: true } as const
  const none = series('kernel', [
    [1, 0],
    [2, 0],
    [3, 7],
  ])
  const same = toRow({ series: series('vnet', [...none.values]), baseline: none, goal })
  assert.equal([same.met, same.ratio], [true, 1])
  const more = toRow({
    series: series('vnet', [
      [1, 1],
      [2, 1],
      [3, 0],
    ]),
    baseline: none,
    goal,
  })
  assert.is(more.met, false)
})

test('missing milliseconds count a pause, but not a shift within the window', () => {
  const steady = Array.from({ length: 200 }, () => 100)
  assert.is(missingMilliseconds(steady, 100), 0)
  const pause = steady.with(110, 0).with(111, 50)
  assert.is(missingMilliseconds(pause, 100), 1.5)
  const shifted = steady.with(110, 0).with(111, 200)
  assert.is(missingMilliseconds(shifted, 100), 0)
})

test.run()
