import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { exponentialBackoff } from './backoff.ts'
import { FakeClock } from './fake-clock.ts'
import { WorkQueue } from './work-queue.ts'

const start = () => {
  const clock = new FakeClock()
  const backoff = exponentialBackoff({ baseMs: 10, maxMs: 1000 })
  const end = new AbortController()
  return { clock, end, queue: new WorkQueue({ name: 'test', clock, backoff }) }
}

test('gives keys in the order of their arrival, each once', async () => {
  const { queue, end } = start()
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  assert.is(queue.size, 3)
  const order = [await queue.next(end.signal), await queue.next(end.signal), await queue.next(end.signal)]
  assert.equal(order, ['a', 'b', 'c'])
})

test('never gives a held key to a second worker; what came meanwhile is given afterwards', async () => {
  const { queue, end } = start()
  queue.add('a')
  await queue.next(end.signal)
  queue.add('a')
  queue.add('a')
  assert.is(queue.size, 0)
  queue.done('a')
  assert.is(queue.size, 1)
  assert.is(await queue.next(end.signal), 'a')
  queue.done('a')
  assert.is(queue.size, 0)
})

test('a noisy key does not starve the others', async () => {
  const { queue, end } = start()
  queue.add('noisy')
  for (let i = 0; i < 50; i++) queue.add(`quiet-${i}`)
  const order: string[] = []
  while (order.length < 102) {
    const key = (await queue.next(end.signal)) ?? ''
    order.push(key)
    queue.add('noisy')
    if (key.startsWith('quiet') && order.length < 60) queue.add(key)
    queue.done(key)
  }
  // Between two turns of the noisy key every other waiting key had its turn.
  const turns = order.flatMap((key, i) => (key === 'noisy' ? [i] : []))
  assert.equal(turns.slice(0, 2), [0, 51])
})

test('backs off per key, and forgets on success', async () => {
  const { queue, clock } = start()
  assert.equal(
    [1, 2, 3].map(() => queue.addRateLimited('a')),
    [10, 20, 40],
  )
  assert.is(queue.addRateLimited('b'), 10)
  assert.is(queue.addRateLimited('b', 500), 500)
  queue.forget('a')
  assert.is(queue.addRateLimited('a'), 10)
  await clock.advance(10)
  assert.is(queue.size, 2)
})

test('of several delays of one key the shortest counts', async () => {
  const { queue, clock, end } = start()
  queue.addAfter('a', 100)
  queue.addAfter('a', 20)
  queue.addAfter('a', 50)
  assert.is(queue.delayed, 1)
  await clock.advance(19)
  assert.is(queue.size, 0)
  await clock.advance(1)
  assert.is(await queue.next(end.signal), 'a')
  queue.done('a')
  await clock.advance(200)
  assert.is(queue.size, 0)
})

test('a waiting worker gets the next key; an abort ends the waiting', async () => {
  const { queue, end } = start()
  const [first, second, third] = [queue.next(end.signal), queue.next(end.signal), queue.next(end.signal)]
  queue.add('a')
  queue.add('b')
  assert.equal([await first, await second], ['a', 'b'])
  end.abort()
  assert.is(await third, undefined)
  queue.add('c')
  assert.is(queue.size, 1)
  assert.is(await queue.next(end.signal), undefined)
})

test('shutting down leaves no timer', async () => {
  const { queue, clock, end } = start()
  queue.addAfter('a', 100)
  queue.add('b')
  queue.shutDown()
  queue.add('c')
  queue.addAfter('d', 5)
  assert.equal([clock.pendingTimers, queue.size, await queue.next(end.signal)], [0, 0, undefined])
})

test('whatever is added is worked on after its last addition, and never twice at once', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), key: fc.nat(4) }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constant('done' as const), key: fc.nat(4) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, end } = start()
      const held = new Set<string>()
      const owed = new Set<string>()
      const take = async (): Promise<void> => {
        if (queue.size === 0) return
        const key = (await queue.next(end.signal)) ?? ''
        assert.not(held.has(key))
        held.add(key)
        owed.delete(key)
      }
      const finish = (key: string): void => {
        if (held.delete(key)) queue.done(key)
      }
      for (const it of steps) {
        if (it.kind === 'add') {
          queue.add(String(it.key))
          owed.add(String(it.key))
        } else if (it.kind === 'take') await take()
        else finish(String(it.key))
      }
      while (held.size > 0 || queue.size > 0) {
        for (const key of [...held]) finish(key)
        await take()
      }
      assert.is(owed.size, 0)
    }),
  )
})

test.run()
