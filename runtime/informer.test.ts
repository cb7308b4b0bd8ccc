import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeApiServer } from './fake-api-server.ts'
import { FakeClock } from './fake-clock.ts'
import { Informer } from './informer.ts'
import { silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { type ConfigMap, ConfigMaps } from './resources.ts'
import { until } from './until.ts'

test('lists in pages, then follows changes', async () => {
  const server = await FakeApiServer.start()
  for (let i = 0; i < 1203; i++)
    server.seed(ConfigMaps, { metadata: { namespace: 'x', name: `c${i}` }, data: { value: '0' } })
  const metrics = createMetrics()
  const informer = new Informer({ client: server.client(), resource: ConfigMaps, logger: silentLogger, metrics })
  const end = new AbortController()
  const run = informer.run(end.signal)
  assert.not(informer.hasSynced)
  await informer.synced(end.signal)
  assert.is(informer.lister.size, 1203)
  await until(() => server.openWatches === 1)
  assert.equal(
    server.requests.map(({ query }) => query.get('limit')),
    ['500', '500', '500', null],
  )
  server.remove(ConfigMaps, { namespace: 'x', name: 'c7' })
  await until(() => informer.lister.size === 1202)
  assert.match(await metrics.registry.metrics(), 'vnet_reflector_objects{resource="configmaps",view="local"} 1202')
  end.abort()
  await run
  await server.stop()
})

test('an optional kind that does not exist counts as empty, and is found when it appears', async () => {
  const clock = new FakeClock()
  const server = await FakeApiServer.start({ clock })
  server.setMissing(ConfigMaps, true)
  const client = server.client()
  const base = { client, resource: ConfigMaps, clock, logger: silentLogger, metrics: createMetrics() }
  const optional = new Informer({ ...base, optional: true })
  const required = new Informer(base)
  const end = new AbortController()
  const runs = [optional.run(end.signal), required.run(end.signal)]
  await optional.synced(end.signal)
  await until(() => required.status.state === 'BackingOff')
  assert.equal([optional.status.state, optional.lister.size, required.hasSynced], ['Missing', 0, false])
  server.setMissing(ConfigMaps, false)
  server.seed(ConfigMaps, { metadata: { namespace: 'x', name: 'a' } })
  await clock.advance(45_000)
  await until(() => optional.lister.size === 1 && required.hasSynced)
  end.abort()
  await Promise.all(runs)
  await server.stop()
})

test('waiting for the first list ends with the reason of an abort', async () => {
  const server = await FakeApiServer.start()
  server.failNext({ status: 500, times: 1000 })
  const base = { client: server.client(), resource: ConfigMaps, logger: silentLogger, metrics: createMetrics() }
  const informer = new Informer(base)
  const end = new AbortController()
  const run = informer.run(end.signal)
  const reason = new Error('enough')
  const synced = informer.synced(end.signal).catch((error) => error)
  await until(() => informer.status.state === 'BackingOff')
  end.abort(reason)
  assert.is(await synced, reason)
  await run
  await server.stop()
})

test('keeps what a transform leaves of an object, also in indexes and changes', async () => {
  const server = await FakeApiServer.start()
  server.seed(ConfigMaps, {
    metadata: { namespace: 'x', name: 'listed' },
    data: { color: 'red', big: 'x'.repeat(999) },
  })
  const informer = new Informer<ConfigMap>({
    client: server.client(),
    resource: ConfigMaps,
    logger: silentLogger,
    metrics: createMetrics(),
    transform: ({ data, ...rest }) => ({ ...rest, data: { color: data?.color ?? '' } }),
    indexes: { color: ({ data }) => [data?.color ?? ''] },
  })
  const end = new AbortController()
  const run = informer.run(end.signal)
  await informer.synced(end.signal)
  server.seed(ConfigMaps, { metadata: { namespace: 'x', name: 'watched' }, data: { color: 'red', big: 'y' } })
  await until(() => informer.lister.byIndex('color', 'red').length === 2)
  for (const { data } of informer.lister.list()) assert.equal({ ...data }, { color: 'red' })
  end.abort()
  await run
  await server.stop()
})

test.run()
