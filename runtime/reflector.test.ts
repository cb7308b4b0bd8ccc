import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Fault } from './fake-api-server.ts'
import { type InformerChoices, startInformer } from './reflector-world.ts'
import { ConfigMaps } from './resources.ts'
import { until } from './until.ts'

test('keeps one quiet watch for ten minutes, alive by bookmarks alone', async () => {
  // The longest time-out, so that the server does not end the watch within the ten minutes.
  const it = await startInformer({ random: () => 0.999 })
  await it.watching()
  for (let minute = 1; minute < 10; minute++) {
    const before = it.informer.status.lastEventTimeMs
    await it.clock.advance(60_000)
    await until(() => it.informer.status.lastEventTimeMs !== before)
  }
  assert.equal([it.informer.status.restarts, it.lists(), it.server.requests.length], [0, 1, 2])
  assert.ok(it.clock.now() - (it.informer.status.lastEventTimeMs ?? 0) < 61_000)
  await it.clock.advance(60_000)
  // The server's time-out is no failure: the next watch begins at once, from the bookmark's version, without a list.
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(0)
  await it.watching()
  it.write('late', '1')
  await until(() => it.informer.lister.size === 1)
  assert.is(it.lists(), 1)
  await it.stop()
})

test('asks for a time-out between five and ten minutes', async () => {
  for (const [random, seconds] of [[() => 0, '300'] as const, [() => 0.999, '600'] as const]) {
    const it = await startInformer({ random })
    await it.watching()
    const watch = it.server.requests.at(-1)?.query
    assert.equal([watch?.get('timeoutSeconds'), watch?.get('allowWatchBookmarks')], [seconds, 'true'])
    await it.stop()
  }
})

test('a stream that silently stopped is ended by the watchdog, and nothing is missed', async () => {
  const it = await startInformer({ watchdogMs: 180_000 })
  await it.watching()
  it.server.silence()
  it.write('unseen', '1')
  await it.clock.advance(179_000)
  assert.is(it.informer.status.restarts, 0)
  await it.clock.advance(1_000)
  await until(() => it.informer.status.restarts === 1)
  assert.is(it.informer.lister.size, 0)
  await it.clock.advance(1_000)
  await until(() => it.informer.lister.size === 1)
  // Listed anew: the server may be behind the version that a resumed watch would begin at.
  assert.equal([await it.restarts('Silent'), it.lists()], [1, 2])
  await it.stop()
})

test('sees what a server has that was restored, though it is behind and gives the same versions to other content', async () => {
  const it = await startInformer()
  for (const name of ['a', 'b']) it.write(name, '1')
  const restore = it.server.backUp()
  for (const name of ['a', 'late', 'later', 'last']) it.write(name, '2')
  await it.watching()
  await until(() => it.informer.lister.size === 5)
  restore()
  it.write('a', '3')
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await it.watching()
  it.write('b', '4')
  await it.clock.advance(180_000)
  await until(() => it.informer.status.restarts === 2)
  await it.clock.advance(1_000)
  await until(() => it.informer.lister.size === 2)
  assert.equal(it.values().sort(), ['3', '4'])
  await it.stop()
})

test('after 410 it lists again and tells the differences only', async () => {
  const it = await startInformer()
  for (const name of ['stays', 'changes', 'goes']) it.write(name, '1')
  await it.watching()
  await until(() => it.informer.lister.size === 3)
  it.changes.length = 0
  it.server.silence()
  it.write('changes', '2')
  it.write('comes', '1')
  it.server.remove(ConfigMaps, { namespace: 'x', name: 'goes' })
  it.server.compact()
  it.server.resetConnections()
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await until(async () => (await it.restarts('Expired')) === 1)
  await it.clock.advance(2_000)
  await until(() => it.changes.length === 3)
  assert.equal(it.changes.sort(), ['added x/comes', 'changed x/changes', 'deleted x/goes'])
  await it.stop()
})

test('also takes 410 as the answer to the watch request', async () => {
  const it = await startInformer()
  await it.watching()
  it.server.failNext({ path: /configmaps/, status: 410, reason: 'Gone' })
  it.server.endWatches()
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await until(async () => (await it.restarts('Expired')) === 1)
  await it.clock.advance(2_000)
  await it.watching()
  assert.is(it.lists(), 2)
  await it.stop()
})

test('survives resets, resumes where it was, and backs off more and more', async () => {
  const it = await startInformer()
  it.write('a', '1')
  await it.watching()
  it.server.failNext({ path: /configmaps/, status: 500, times: 3 })
  it.server.resetConnections()
  await until(() => it.informer.status.restarts === 1)
  it.write('a', '2')
  const delays: number[] = []
  for (let restarts = 2; restarts <= 4; restarts++) {
    const startedMs = it.clock.monotonicMs()
    while (it.informer.status.restarts < restarts) {
      await it.clock.advance(250)
      // Either the back-off still runs, or the next failure arrives.
      await until(() => it.informer.status.restarts >= restarts || it.clock.pendingTimers === 1)
    }
    delays.push(it.clock.monotonicMs() - startedMs)
  }
  assert.ok(
    delays.every((delay, i) => i === 0 || delay > (delays[i - 1] ?? 0)),
    String(delays),
  )
  await it.clock.advance(30_000)
  await until(() => it.values().includes('2'))
  assert.is(it.lists(), 1)
  await it.stop()
})

test('waits as long as the server asks for', async () => {
  const it = await startInformer()
  await it.watching()
  it.server.failNext({ path: /configmaps/, status: 429, retryAfterSeconds: 20 })
  it.server.endWatches()
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await until(() => it.informer.status.restarts === 2)
  await it.clock.advance(19_000)
  assert.is(it.server.openWatches, 0)
  await it.clock.advance(1_000)
  await it.watching()
  await it.stop()
})

for (const [what, options, fault] of [
  ['that must exist, is answered by 404', {}, { status: 404, reason: 'NotFound' }],
  ['is answered by 404 though the server knows it', { optional: true }, { status: 404, reason: 'NotFound' }],
  ["is answered by a proxy's page", { optional: true }, { status: 404, text: '<html>no such host</html>' }],
] as [string, InformerChoices, Omit<Fault, 'path'>][])
  test(`a kind that ${what} keeps what is known, and is tried again`, async () => {
    const it = await startInformer(options)
    it.write('a', '1')
    await it.watching()
    await until(() => it.informer.lister.size === 1)
    it.server.failNext({ path: /configmaps/, times: 2, ...fault })
    it.server.endWatches()
    await until(() => it.informer.status.restarts === 1)
    await it.clock.advance(1_000)
    await until(() => it.informer.status.restarts === 2)
    assert.equal([it.informer.status.state, it.values(), await it.restarts('Missing')], ['BackingOff', ['1'], 0])
    it.write('b', '2')
    await it.clock.advance(1_000)
    await until(() => it.informer.status.restarts === 3)
    await it.clock.advance(2_000)
    await until(() => it.informer.lister.size === 2)
    assert.equal(it.changes, ['added x/a', 'added x/b'])
    await it.stop()
  })

test('a page instead of the list of kinds proves nothing', async () => {
  const it = await startInformer({ optional: true })
  it.write('a', '1')
  await it.watching()
  it.server.setMissing(ConfigMaps, true)
  it.server.failNext({ path: /^\/api\/v1$/, status: 200, text: '<html>please log in</html>' })
  it.server.endWatches()
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await until(() => it.informer.status.restarts === 2)
  assert.equal(it.values(), ['1'])
  await it.stop()
})

test('an optional kind that is removed empties the store', async () => {
  const it = await startInformer({ optional: true })
  it.write('a', '1')
  await it.watching()
  await until(() => it.informer.lister.size === 1)
  it.server.setMissing(ConfigMaps, true)
  it.server.endWatches()
  await until(() => it.informer.status.restarts === 1)
  await it.clock.advance(1_000)
  await until(() => it.informer.status.state === 'Missing')
  assert.equal(it.changes, ['added x/a', 'deleted x/a'])
  await it.stop()
})

test('passes namespace and selectors on', async () => {
  const it = await startInformer({ namespace: 'x', labelSelector: 'a=b', fieldSelector: 'metadata.name=c' })
  await it.watching()
  for (const { path, query } of it.server.requests) {
    assert.is(path, '/api/v1/namespaces/x/configmaps')
    assert.equal([query.get('labelSelector'), query.get('fieldSelector')], ['a=b', 'metadata.name=c'])
  }
  await it.stop()
})

test.run()
