// What the client relies on, as one suite for the real API server and for the fake one, so that the fake cannot drift.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ApiError, isAlreadyExists, isConflict, isNotFound } from './api-error.ts'
import { ConformanceServer, type Connection, type Probe, stated } from './conformance-server.ts'
import { EventRecorder } from './events.ts'
import type { KubeClient } from './kube-client.ts'
import type { Resource } from './kube-object.ts'
import { silentLogger } from './logging.ts'
import { ConfigMaps, Events, Nodes, ServiceAccounts } from './resources.ts'
import { until } from './until.ts'

/** Registers and queues the suite of requests. */
export const describeRequests = (name: string, connect: () => Promise<Connection>): void => {
  const test = suite(name)
  let server: ConformanceServer
  let client: KubeClient
  let namespace: string
  let probes: Resource<Probe>
  const probe: ConformanceServer['probe'] = (...fields) => server.probe(...fields)

  test.before(async () => {
    server = await ConformanceServer.prepare(connect)
    client = server.client
    namespace = server.namespace
    probes = server.probes
  })

  test.after(async () => {
    await server?.end()
  })

  test('creates, reads, and refuses a second creation', async () => {
    const created = await client.create(probes, probe({ spec: { size: 1 } }))
    assert.is(created.metadata?.generation, 1)
    assert.type(created.metadata?.creationTimestamp, 'string')
    const ref = { namespace, name: created.metadata?.name ?? '' }
    assert.equal(await client.get(probes, ref), created)
    const error = await client.create(probes, probe({}, ref.name)).catch((error) => error)
    assert.ok(isAlreadyExists(error), String(error))
    assert.not(isConflict(error))
  })

  test('makes names from a prefix, but refuses a prefix that ends in a dot', async () => {
    const { metadata } = await client.create(ConfigMaps, { metadata: { namespace, generateName: 'made-' } })
    assert.match(metadata?.name ?? '', /^made-[a-z0-9]{5}$/)
    const error: ApiError = await client
      .create(ConfigMaps, { metadata: { namespace, generateName: 'made.' } })
      .catch((error) => error)
    assert.is(error.status, 422)
  })

  test('says what was attempted when an object is absent', async () => {
    const error: ApiError = await client.get(probes, { namespace, name: 'none' }).catch((error) => error)
    assert.ok(isNotFound(error))
    assert.match(error.message, `get probes.${probes.group} ${namespace}/none: 404 NotFound`)
    assert.is(await client.find(probes, { namespace, name: 'none' }), undefined)
    assert.is(await client.delete(probes, { namespace, name: 'none' }), false)
  })

  test('lists pages of one snapshot, by selector', async () => {
    for (let i = 0; i < 7; i++) {
      const metadata = { namespace, name: `page-${i}`, labels: { suite: 'pages', parity: i % 2 ? 'odd' : 'even' } }
      await client.create(ConfigMaps, { metadata, data: { i: String(i) } })
    }
    const { items } = await client.list(ConfigMaps, { namespace, labelSelector: 'suite=pages', limit: 3 })
    assert.equal(
      items.map(({ data }) => data?.i),
      ['0', '1', '2', '3', '4', '5', '6'],
    )
    assert.is(items[0]?.kind, 'ConfigMap')
    const odd = await client.list(ConfigMaps, { namespace, labelSelector: 'suite=pages,parity notin (even)', limit: 2 })
    assert.is(odd.items.length, 3)
    const named = await client.list(ConfigMaps, { namespace, fieldSelector: 'metadata.name=page-4' })
    assert.is(named.items.length, 1)
  })

  test('refuses an update of an old version', async () => {
    const first = await client.create(probes, probe({ spec: { size: 1 } }))
    const second = await client.update(probes, { ...first, spec: { size: 2 } })
    assert.is(second.metadata?.generation, 2)
    const error = await client.update(probes, { ...first, spec: { size: 3 } }).catch((error) => error)
    assert.ok(isConflict(error), String(error))
  })

  test('keeps status and spec apart', async () => {
    const { metadata } = await client.create(probes, probe({ spec: { size: 1 }, status: { observed: 9 } }))
    const ref = { namespace, name: metadata?.name ?? '' }
    assert.is((await client.get(probes, ref)).status, undefined)
    const patched = await client.patch(
      probes,
      ref,
      { spec: { size: 8 }, status: { observed: 1 } },
      { subresource: 'status' },
    )
    assert.equal([patched.spec?.size, patched.status?.observed, patched.metadata?.generation], [1, 1, 1])
    const updated = await client.patch(probes, ref, { spec: { color: 'red' }, status: null })
    assert.equal(
      [updated.spec, updated.status, updated.metadata?.generation],
      [{ size: 1, color: 'red' }, { observed: 1 }, 2],
    )
  })

  test('writes nothing when nothing changes', async () => {
    const first = await client.apply(probes, probe({ spec: { size: 1 } }, 'same'))
    const second = await client.apply(probes, probe({ spec: { size: 1 } }, 'same'))
    assert.is(second.metadata?.resourceVersion, first.metadata?.resourceVersion)
  })

  test('applies per field manager: removes what is no longer applied, keeps what others own', async () => {
    const second = server.clientAs('second')
    await client.apply(probes, probe({ spec: { size: 1, color: 'red' } }, 'shared'))
    const both = await second.apply(probes, probe({ spec: { tags: ['a'] } }, 'shared'))
    assert.equal(both.spec, { size: 1, color: 'red', tags: ['a'] })
    const less = await client.apply(probes, probe({ spec: { size: 2 } }, 'shared'))
    assert.equal(less.spec, { size: 2, tags: ['a'] })
  })

  test('takes a field over by force only', async () => {
    const second = server.clientAs('second')
    await client.apply(probes, probe({ spec: { color: 'red' } }, 'contested'))
    const polite = await second
      .apply(probes, probe({ spec: { color: 'blue' } }, 'contested'), { force: false })
      .catch((e) => e)
    assert.ok(isConflict(polite), String(polite))
    assert.is((await second.apply(probes, probe({ spec: { color: 'blue' } }, 'contested'))).spec?.color, 'blue')
    const after = await client.apply(probes, probe({ spec: { size: 1 } }, 'contested'))
    assert.equal(after.spec, { color: 'blue', size: 1 })
  })

  test('merges conditions of several managers by their type', async () => {
    const second = server.clientAs('second')
    await client.create(probes, probe({}, 'conditions'))
    await client.applyStatus(probes, probe({ status: { conditions: [stated('Ready')] } }, 'conditions'))
    const both = await second.applyStatus(probes, probe({ status: { conditions: [stated('Measured')] } }, 'conditions'))
    assert.equal(both.status?.conditions?.map(({ type }) => type).sort(), ['Measured', 'Ready'])
    const one = await client.applyStatus(probes, probe({ status: {} }, 'conditions'))
    assert.equal(
      one.status?.conditions?.map(({ type }) => type),
      ['Measured'],
    )
  })

  test('deletes under preconditions, and waits for finalizers', async () => {
    const { metadata } = await client.create(probes, {
      metadata: { namespace, name: 'held', finalizers: ['vnet.dev/test'] },
    })
    const ref = { namespace, name: 'held' }
    const error = await client.delete(probes, ref, { uid: randomUUID() }).catch((error) => error)
    assert.ok(isConflict(error), String(error))
    assert.is(await client.delete(probes, ref, { uid: metadata?.uid }), true)
    assert.type((await client.get(probes, ref)).metadata?.deletionTimestamp, 'string')
    await client.patch(probes, ref, { metadata: { finalizers: null } })
    assert.is(await client.find(probes, ref), undefined)
  })

  test('takes recorded events, their series, and events of cluster-scoped objects', async () => {
    const names = { reportingController: 'vnet.dev/test', reportingInstance: 'test-1' }
    const recorder = new EventRecorder({ client, logger: silentLogger, ...names })
    const end = new AbortController()
    const run = recorder.run(end.signal)
    const statement = { type: 'Warning', reason: 'Tested', action: 'Test', note: 'A test' } as const
    const metadata = { namespace, name: 'recorded', uid: randomUUID() }
    const record = (): void => recorder.record({ ...statement, resource: ConfigMaps, regarding: { metadata } })
    const node = { resource: Nodes, regarding: { metadata: { name: namespace } }, reason: 'Seen' }
    record()
    recorder.record({ ...statement, ...node })
    const find = async (namespace: string, name: string) => {
      const { items } = await client.list(Events, { namespace })
      return items.find(({ regarding }) => regarding?.name === name)
    }
    await until(() => find(namespace, 'recorded'))
    const seen = await until(() => find('default', namespace))
    await client.delete(Events, { namespace: 'default', name: seen?.metadata?.name ?? '' })
    record()
    record()
    // The end of the recorder is the end of each series.
    end.abort()
    await run
    assert.is((await find(namespace, 'recorded'))?.series?.count, 3)
  })

  test('makes tokens of service accounts', async () => {
    await client.apply(ServiceAccounts, { metadata: { namespace, name: 'robot' } })
    const made = await client.createToken({ namespace, name: 'robot' }, { expirationSeconds: 600 })
    assert.ok(made.token.length > 10)
    const left = Date.parse(made.expirationTimestamp) - Date.now()
    assert.ok(left > 500_000 && left < 700_000, String(left))
  })

  test.run()
}
