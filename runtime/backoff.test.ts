import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { exponentialBackoff, jitter } from './backoff.ts'

test('doubles up to the maximum, also after very many failures', () => {
  const backoff = exponentialBackoff({ baseMs: 10, maxMs: 100 })
  assert.equal([1, 2, 3, 4, 5, 5000].map(backoff), [10, 20, 40, 80, 100, 100])
})

test('refuses limits that make no sense', () => {
  assert.throws(() => exponentialBackoff({ baseMs: 10, maxMs: 1 }), /0 <= baseMs <= maxMs/)
  assert.throws(() => exponentialBackoff({ baseMs: 1, maxMs: 10, factor: 0.5 }), /factor >= 1/)
})

test('lengthens by at most the fraction', () => {
  assert.is(
    jitter(100, 0.5, () => 0),
    100,
  )
  assert.is(
    jitter(100, 0.5, () => 0.5),
    125,
  )
})

test.run()
