import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { microTimestamp, systemClock, timestamp } from './clock.ts'
import { FakeClock } from './fake-clock.ts'

test('formats times as the API server expects them', () => {
  const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
  assert.is(timestamp(time), '2026-01-02T03:04:05Z')
  assert.is(microTimestamp(time), '2026-01-02T03:04:05.678000Z')
})

test('fires fake timers in order of their time, also those made meanwhile', async () => {
  const clock = new FakeClock()
  const fired: string[] = []
  clock.setTimeout(() => fired.push(`c ${clock.monotonicMs()}`), 30)
  clock.setTimeout(() => {
    fired.push(`a ${clock.monotonicMs()}`)
    clock.setTimeout(() => fired.push(`b ${clock.monotonicMs()}`), 10)
  }, 10)
  const cancelled = clock.setTimeout(() => fired.push('never'), 5)
  cancelled.cancel()
  await clock.advance(29)
  assert.equal(fired, ['a 10', 'b 20'])
  await clock.advance(1)
  assert.equal(fired, ['a 10', 'b 20', 'c 30'])
  assert.is(clock.pendingTimers, 0)
})

for (const [name, clock] of [['the system clock', systemClock] as const, ['a fake clock', new FakeClock()] as const]) {
  test(`${name} rejects a sleep with the reason of the abort`, async () => {
    const end = new AbortController()
    const reason = new Error('enough')
    const sleep = clock.sleep(60_000, end.signal).catch((error) => error)
    end.abort(reason)
    assert.is(await sleep, reason)
    assert.is(await clock.sleep(60_000, end.signal).catch((error) => error), reason)
  })
}

test('the system clock sleeps', async () => {
  const startedMs = systemClock.monotonicMs()
  await systemClock.sleep(5)
  assert.ok(systemClock.monotonicMs() - startedMs >= 4)
})

test.run()
