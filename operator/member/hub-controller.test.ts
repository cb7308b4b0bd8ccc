import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { interval } from '#runtime/controller.ts'
import { FakeClock } from '#runtime/fake-clock.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { until } from '#runtime/until.ts'
import { hubController } from './hub-controller.ts'
import type { HubGate } from './hub-gate.ts'

const open = {
  source: () => ({ synced: async () => {}, start: () => () => {} }),
  guard: (reconcile: unknown) => reconcile,
} as unknown as HubGate

test('after an hour of failures the hub is tried twice a minute', async () => {
  const clock = new FakeClock()
  let tries = 0
  const controller = hubController(
    { gate: open, logger: silentLogger, metrics: createMetrics(), clock },
    {
      name: 'test',
      sources: [interval(24 * 3_600_000, 'once')],
      reconcile: async () => {
        tries++
        throw new Error('the hub is away')
      },
    },
  )
  const stop = new AbortController()
  const running = controller.run(stop.signal)
  await until(() => tries > 0)
  for (let step = 0; step < 120; step++) {
    const before = tries
    await clock.advance(30_000)
    await until(() => tries > before)
  }
  assert.ok(tries >= 120, String(tries))
  stop.abort()
  await running
})

test.run()
