import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Latch } from './latch.ts'

const never = new AbortController().signal

test('lets all who wait go on when it opens, and whoever comes later', async () => {
  const latch = new Latch()
  const waiting = Promise.all([latch.opened(never), latch.opened(never)])
  assert.not(latch.isOpen)
  latch.open()
  await waiting
  await latch.opened(never)
  assert.ok(latch.isOpen)
})

test('holds again once it is closed', async () => {
  const latch = new Latch()
  latch.open()
  latch.close()
  let passed = false
  const waiting = latch.opened(never).then(() => {
    passed = true
  })
  await Promise.resolve()
  assert.not(passed)
  latch.open()
  await waiting
})

test('rejects with the reason of an abort, before and while waiting', async () => {
  const latch = new Latch()
  const end = new AbortController()
  const reason = new Error('enough')
  const waiting = latch.opened(end.signal).catch((error) => error)
  end.abort(reason)
  assert.is(await waiting, reason)
  assert.is(await latch.opened(end.signal).catch((error) => error), reason)
})

test.run()
