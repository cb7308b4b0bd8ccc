import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError } from './api-error.ts'
import { exponentialBackoff } from './backoff.ts'
import { Controller, interval, type Reconcile, type Source, source } from './controller.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { FakeClock } from './fake-clock.ts'
import { Informer } from './informer.ts'
import { createLogger, silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { ConfigMaps, Pods } from './resources.ts'
import { until } from './until.ts'

/** A controller without informers, on a fake clock, with what it logged. */
const start = (reconcile: Reconcile, { sources = [] as Source[], workers = 1 } = {}) => {
  const clock = new FakeClock()
  const records: Record<string, unknown>[] = []
  const destination = { write: (line: string) => records.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'debug', name: 'test', destination: destination as never })
  const metrics = createMetrics()
  const backoff = exponentialBackoff({ baseMs: 100, maxMs: 1000 })
  const controller = new Controller({ name: 'test', sources, reconcile, workers, logger, metrics, clock, backoff })
  const end = new AbortController()
  return { clock, records, metrics, controller, end, run: controller.run(end.signal) }
}

test('reconciles what its sources say: own keys, mapped keys, and what an object no longer refers to', async () => {
  const server = await FakeApiServer.start()
  const base = { client: server.client(), logger: silentLogger, metrics: createMetrics() }
  const configs = new Informer({ ...base, resource: ConfigMaps })
  const pods = new Informer({ ...base, resource: Pods })
  const seen: string[] = []
  const podName = { namespace: 'x', name: 'p' }
  server.seed(ConfigMaps, { metadata: { namespace: 'x', name: 'early' } })
  const end = new AbortController()
  const controller = new Controller({
    ...base,
    name: 'test',
    sources: [source(configs), source(pods, ({ spec }) => [`node/${spec?.nodeName}`])],
    reconcile: async (request) => {
      seen.push(request)
    },
  })
  const runs = [configs.run(end.signal), pods.run(end.signal), controller.run(end.signal)]
  await until(() => seen.includes('x/early'))
  server.seed(Pods, { metadata: podName, spec: { nodeName: 'one', containers: [] } })
  await until(() => seen.includes('node/one'))
  seen.length = 0
  server.modify(Pods, podName, (pod) => ({ ...pod, spec: { nodeName: 'two', containers: [] } }))
  await until(() => seen.length === 2)
  assert.equal(seen.sort(), ['node/one', 'node/two'])
  seen.length = 0
  server.remove(Pods, podName)
  await until(() => seen.includes('node/two'))
  end.abort()
  await Promise.all(runs)
  await server.stop()
})

test('does not start before its sources have synced', async () => {
  const server = await FakeApiServer.start()
  server.failNext({ status: 500, times: 1000 })
  const base = { client: server.client(), logger: silentLogger, metrics: createMetrics() }
  const configs = new Informer({ ...base, resource: ConfigMaps })
  let calls = 0
  const end = new AbortController()
  const reconcile = async (): Promise<void> => {
    calls++
  }
  const controller = new Controller({ ...base, name: 'test', sources: [source(configs)], reconcile })
  controller.enqueue('early')
  const runs = [configs.run(end.signal), controller.run(end.signal)]
  await until(() => configs.status.restarts > 0)
  end.abort()
  await Promise.all(runs)
  assert.is(calls, 0)
  await server.stop()
})

test('retries a failure with growing delays, logging key and error once each', async () => {
  const times: number[] = []
  const it = start(async () => {
    times.push(it.clock.monotonicMs())
    if (times.length < 4) throw new Error('not yet')
  })
  it.controller.enqueue('x/a')
  await until(() => times.length === 1)
  for (let i = 0; i < 10; i++) await it.clock.advance(100)
  assert.equal(times, [0, 100, 300, 700])
  assert.equal(
    it.records.map(({ level, key, controller, failures }) => [level, key, controller, failures]),
    [
      ['error', 'x/a', 'test', 1],
      ['error', 'x/a', 'test', 2],
      ['error', 'x/a', 'test', 3],
    ],
  )
  assert.match(await it.metrics.registry.metrics(), /vnet_work_queue_retries_total\{controller="test"\} 3/)
  it.end.abort()
  await it.run
})

test('waits as long as the API server asks for, and is quiet about conflicts', async () => {
  const errors = [
    new ApiError({ attempt: 'x', status: 429, reason: 'TooManyRequests', message: '', retryAfterMs: 5000 }),
    new ApiError({ attempt: 'x', status: 409, reason: 'Conflict', message: '' }),
  ]
  const times: number[] = []
  const it = start(async () => {
    times.push(it.clock.monotonicMs())
    const error = errors.shift()
    if (error) throw error
  })
  it.controller.enqueue('a')
  await until(() => times.length === 1)
  await it.clock.advance(6000)
  assert.equal(times, [0, 5000, 5200])
  assert.equal(
    it.records.map(({ level }) => level),
    ['error', 'debug'],
  )
  it.end.abort()
  await it.run
})

test('reconciles again when asked to, and at intervals', async () => {
  const times: string[] = []
  const reconcile: Reconcile = async (request) => {
    times.push(`${request} ${it.clock.monotonicMs()}`)
    return request === 'once more' && times.length < 3 ? { requeueAfterMs: 1500 } : undefined
  }
  const it = start(reconcile, { sources: [interval(1000, 'tick')] })
  await until(() => times.length === 1)
  it.controller.enqueue('once more')
  await until(() => times.length === 2)
  await it.clock.advance(2000)
  assert.equal(times, ['tick 0', 'once more 0', 'tick 1000', 'once more 1500', 'tick 2000'])
  it.end.abort()
  await it.run
  assert.is(it.clock.pendingTimers, 0)
})

test('works on several requests at once, never on one twice, and ends by the signal', async () => {
  const running: string[] = []
  let most = 0
  const reconcile: Reconcile = async (request, { signal }) => {
    assert.not(running.includes(request))
    running.push(request)
    most = Math.max(most, running.length)
    await it.clock.sleep(10, signal).finally(() => running.splice(running.indexOf(request), 1))
  }
  const it = start(reconcile, { workers: 3 })
  for (const key of ['a', 'b', 'c', 'd', 'a']) it.controller.enqueue(key)
  await until(() => running.length === 3)
  it.controller.enqueue('a')
  await it.clock.advance(10)
  await until(() => running.length === 2)
  it.end.abort()
  await it.run
  assert.equal([most, running.length, it.records.length, it.clock.pendingTimers], [3, 0, 0, 0])
})

test('lets others have their turn while many requests have nothing to wait for', async () => {
  let turns = 0
  let turnsAtEnd: number | undefined
  const it = start(async (request) => {
    const endsMs = performance.now() + 1
    while (performance.now() < endsMs);
    if (request === 'last') turnsAtEnd = turns
  })
  const count = (): void => {
    turns++
    if (turnsAtEnd === undefined) setImmediate(count)
  }
  setImmediate(count)
  for (let number = 0; number < 200; number++) it.controller.enqueue(`x/${number}`)
  it.controller.enqueue('last')
  await until(() => turnsAtEnd !== undefined)
  assert.ok((turnsAtEnd ?? 0) >= 5, `${turnsAtEnd} turns`)
  it.end.abort()
  await it.run
})

test('may run again after it ended', async () => {
  const seen: string[] = []
  const it = start(async (request) => {
    seen.push(request)
  })
  it.end.abort()
  await it.run
  const again = new AbortController()
  const run = it.controller.run(again.signal)
  it.controller.enqueue('a')
  await until(() => seen.length === 1)
  again.abort()
  await run
})

test.run()
