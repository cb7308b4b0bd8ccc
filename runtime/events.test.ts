import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { EventRecorder, type EventRecorderOptions, type EventStatement } from './events.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { FakeClock } from './fake-clock.ts'
import { createLogger } from './logging.ts'
import { Events, type KubeEvent, Pods } from './resources.ts'
import { until } from './until.ts'

const moved: EventStatement = {
  resource: Pods,
  regarding: { metadata: { namespace: 'x', name: 'p', uid: 'u' } },
  type: 'Normal',
  reason: 'PortOpened',
  action: 'OpenPort',
  note: 'Opened the port',
}

const start = async (options: Partial<EventRecorderOptions> = {}) => {
  const clock = new FakeClock()
  const server = await FakeApiServer.start({ clock })
  const records: string[] = []
  const logger = createLogger({
    level: 'debug',
    name: 'test',
    destination: { write: (line: string) => records.push(line) } as never,
  })
  const names = { reportingController: 'vnet.dev/test', reportingInstance: 'pod-1' }
  const recorder = new EventRecorder({ client: server.client(), logger, clock, ...names, ...options })
  const end = new AbortController()
  const run = recorder.run(end.signal)
  const stop = async (): Promise<void> => {
    end.abort()
    await run
    await server.stop()
  }
  const idle = () => until(() => clock.pendingTimers === 1)
  return { clock, server, recorder, records, stop, idle, events: () => server.list(Events) }
}

test('writes an event with its object, and repeats into its series', async () => {
  const it = await start()
  it.recorder.record(moved)
  await it.idle()
  await it.clock.advance(1_000)
  await until(() => it.events().length === 1)
  const [event] = it.events()
  assert.equal(event?.regarding, { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'x', uid: 'u' })
  assert.equal(
    [event?.reportingController, event?.reportingInstance, event?.note],
    ['vnet.dev/test', 'pod-1', 'Opened the port'],
  )
  assert.match(event?.eventTime ?? '', /^2026-01-01T00:00:00\.\d{6}Z$/)
  await it.idle()
  for (let i = 0; i < 5; i++) it.recorder.record(moved)
  await it.clock.advance(60_000)
  await until(() => it.events()[0]?.series?.count === 6)
  assert.is(it.events().length, 1)
  await it.stop()
})

const other: EventStatement = { ...moved, regarding: { metadata: { namespace: 'y', name: 'other', uid: 'v' } } }
const isOf = (name: string) => (event: KubeEvent) => event.regarding?.name === name

test('a repeating event is written once a minute and at the end, and holds up no other', async () => {
  const it = await start()
  await it.idle()
  const second = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) it.recorder.record({ ...moved, note: `busy ${i}` })
    await it.clock.advance(1_000)
    await it.idle()
  }
  for (let i = 0; i < 60; i++) await second()
  const before = it.server.requests.length
  it.recorder.record(other)
  await second()
  assert.is(it.events().filter(isOf('other')).length, 1)
  for (let i = 0; i < 119; i++) await second()
  assert.ok(it.server.requests.length - before <= 1 + 3 * 3, String(it.server.requests.length - before))
  await it.stop()
  assert.equal(
    it.events().flatMap(({ series }) => series?.count ?? []),
    [180, 180, 180],
  )
})

test('more series than there are writes take turns', async () => {
  const it = await start({ burst: 1 })
  await it.idle()
  for (let i = 0; i < 300; i++) {
    for (let pod = 0; pod < 90; pod++)
      it.recorder.record({ ...moved, regarding: { metadata: { namespace: 'x', name: `p${pod}`, uid: `u${pod}` } } })
    await it.clock.advance(1_000)
    await it.idle()
  }
  const counts = it.events().map(({ series }) => series?.count ?? 1)
  assert.is(counts.length, 90)
  assert.ok(Math.min(...counts) > 100, String(Math.min(...counts)))
  await it.stop()
})

test('an object of which too much is said leaves room for others', async () => {
  const it = await start({ burst: 2 })
  await it.idle()
  for (let i = 0; i < 1500; i++) it.recorder.record({ ...moved, note: `number ${i}` })
  it.recorder.record(other)
  for (let i = 0; i < 30; i++) {
    await it.clock.advance(1_000)
    await it.idle()
  }
  assert.is(it.events().filter(isOf('other')).length, 1)
  assert.ok(it.records.some((line) => line.includes('"count":1475')))
  await it.stop()
})

test('begins a new event after a quiet time, and when the old one has expired', async () => {
  const it = await start()
  it.recorder.record(moved)
  await it.idle()
  await it.clock.advance(1_000)
  await until(() => it.events().length === 1)
  it.server.remove(Events, { namespace: 'x', name: it.events()[0]?.metadata?.name ?? '' })
  await it.idle()
  it.recorder.record(moved)
  await it.clock.advance(60_000)
  await until(() => it.events().length === 1)
  for (let i = 0; i < 8; i++) {
    await it.idle()
    await it.clock.advance(60_000)
  }
  it.recorder.record(moved)
  await it.idle()
  await it.clock.advance(1_000)
  await until(() => it.events().length === 2)
  await it.stop()
})

test('limits the rate of writes', async () => {
  const it = await start({ burst: 3, writesPerSecond: 2 })
  await it.idle()
  for (let i = 0; i < 10; i++) it.recorder.record({ ...moved, note: `number ${i}` })
  const counts: number[] = []
  for (let i = 0; i < 3; i++) {
    await it.clock.advance(1_000)
    await until(() => it.events().length >= 3 + 2 * i)
    await it.idle()
    counts.push(it.events().length)
  }
  assert.equal(counts, [3, 5, 7])
  await it.stop()
})

test('never throws, whatever the API server says, and drops what is too much', async () => {
  const it = await start()
  it.server.failNext({ status: 500, times: 1000 })
  await it.idle()
  for (let i = 0; i < 1500; i++) {
    const metadata = { namespace: 'x', name: `p${i}`, uid: `u${i}` }
    it.recorder.record({ ...moved, regarding: { metadata }, note: 'long '.repeat(500) })
  }
  await it.clock.advance(1_000)
  await until(() => it.server.requests.length > 0)
  assert.ok(JSON.stringify(it.server.requests[0]?.body).length < 3_000)
  await until(() => it.records.some((line) => line.includes('"count":500')))
  await it.stop()
})

test('writes what is left when it ends', async () => {
  const it = await start()
  await it.idle()
  it.recorder.record(moved)
  const { server } = it
  const written = until(() => server.list(Events).length === 1)
  await it.stop()
  await written
})

test.run()
