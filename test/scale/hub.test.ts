// The hub at scale, small enough for every run: what grows with the square of bridges or networks shows here already.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { measureHub } from './hub-scale.ts'

test('a hub with 200 bridges in 80 networks never stops the event loop for long, and says common links once', async () => {
  const result = await measureHub({ bridges: 200, networks: 80, clusters: 2 })
  assert.ok(result.longestBlockMs < 1000, `the event loop stood still for ${result.longestBlockMs} ms`)
  assert.ok(result.specBytes < 65_536, `a spec has ${result.specBytes} bytes`)
  assert.ok(result.firstReconcileMs < 30_000, `the first reconcile took ${result.firstReconcileMs} ms`)
  assert.is(result.heartbeatReconciles, 0)
})

test('a hub with 800 networks stays responsive when all of them change at once', async () => {
  const result = await measureHub({ bridges: 20, networks: 800, clusters: 4 })
  assert.ok(result.longestBlockMs < 1000, `the event loop stood still for ${result.longestBlockMs} ms`)
  assert.is(result.heartbeatReconciles, 0)
})

test('a star, whose paths grow with the square of its bridges, is worked on in pieces', async () => {
  const result = await measureHub({ bridges: 400, networks: 2, clusters: 2, topology: 'Star' })
  assert.ok(result.longestBlockMs < 1000, `the event loop stood still for ${result.longestBlockMs} ms`)
})

test.run()
