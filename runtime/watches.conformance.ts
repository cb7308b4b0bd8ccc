// What reflectors and leader election rely on, as one suite for the real API server and for the fake one.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isGone } from './api-error.ts'
import { systemClock } from './clock.ts'
import { ConformanceServer, type Connection, type Probe } from './conformance-server.ts'
import { isServed } from './discovery.ts'
import { Informer } from './informer.ts'
import type { KubeClient } from './kube-client.ts'
import type { Resource } from './kube-object.ts'
import { LeaderElector } from './leader-election.ts'
import { silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { ConfigMaps, Leases } from './resources.ts'
import { until } from './until.ts'

/** Registers and queues the suite of watches. */
export const describeWatches = (name: string, connect: () => Promise<Connection>): void => {
  const test = suite(name)
  let server: ConformanceServer
  let client: KubeClient
  let namespace: string
  let probes: Resource<Probe>

  test.before(async () => {
    server = await ConformanceServer.prepare(connect)
    client = server.client
    namespace = server.namespace
    probes = server.probes
  })

  test.after(async () => {
    await server?.end()
  })

  test('watches from a version: additions, changes, deletions, and leaves of the selection', async () => {
    const end = new AbortController()
    const labels = { suite: 'watch' }
    const { resourceVersion } = await client.list(probes, { namespace, labelSelector: 'suite=watch' })
    const name = 'watched'
    await client.create(probes, { metadata: { namespace, name, labels }, spec: { color: 'grün 🟢' } })
    const seen: string[] = []
    const steps = [
      () => client.patch(probes, { namespace, name }, { spec: { size: 5 } }),
      () => client.patch(probes, { namespace, name }, { metadata: { labels: { suite: 'other' } } }),
      () => client.patch(probes, { namespace, name }, { metadata: { labels } }),
      () => client.delete(probes, { namespace, name }),
    ]
    const query = { namespace, labelSelector: 'suite=watch', resourceVersion, signal: end.signal }
    for await (const { type, object } of client.watch(probes, query)) {
      if (type === 'BOOKMARK') continue
      seen.push(`${type} ${object.spec?.color} ${object.spec?.size ?? ''}`.trim())
      const step = steps.shift()
      if (!step) break
      await step()
    }
    assert.equal(seen, [
      'ADDED grün 🟢',
      'MODIFIED grün 🟢 5',
      'DELETED grün 🟢 5',
      'ADDED grün 🟢 5',
      'DELETED grün 🟢 5',
    ])
  })

  test('ends a watch when its time is over, and throws the reason of an abort', async () => {
    const { resourceVersion } = await client.list(probes, { namespace })
    const end = new AbortController()
    for await (const { type } of client.watch(probes, {
      namespace,
      resourceVersion,
      timeoutSeconds: 1,
      signal: end.signal,
    }))
      assert.is(type, 'BOOKMARK')
    const reason = new Error('enough')
    setTimeout(() => end.abort(reason), 20)
    try {
      for await (const { type } of client.watch(probes, { namespace, resourceVersion, signal: end.signal }))
        assert.is(type, 'BOOKMARK')
      assert.unreachable()
    } catch (error) {
      assert.is(error, reason)
    }
  })

  test('refuses a watch from a version that is too old', async () => {
    const watch = client.watch(probes, { resourceVersion: '1', signal: new AbortController().signal })
    const error = await watch.next().catch((error) => error)
    assert.ok(isGone(error), String(error))
  })

  // A server that was restored is behind what its watchers have seen.
  test('a watch from a version that is yet to come tells nothing up to that version', async () => {
    const { resourceVersion } = await client.list(probes, { namespace })
    const claimed = Number(resourceVersion) + 50
    const query = { namespace, resourceVersion: String(claimed), signal: new AbortController().signal }
    const watch = client.watch(probes, query)
    const first = watch.next()
    let written = 0
    for (let i = 0; written <= claimed; i++) {
      const { metadata } = await client.create(probes, { metadata: { namespace, name: `ahead-${i}` }, spec: {} })
      written = Number(metadata?.resourceVersion)
    }
    const { value } = await first
    assert.ok(Number(value?.object.metadata?.resourceVersion) > claimed, JSON.stringify(value))
    await watch.return()
  })

  test('tells a kind that is not there from one that is', async () => {
    const signal = new AbortController().signal
    await client.create(ConfigMaps, { metadata: { namespace, name: 'one' } })
    await client.create(probes, server.probe())
    const other = { ...probes, plural: 'others' }
    const foreign = { ...probes, group: 'absent.conformance.vnet.dev' }
    assert.equal(
      await Promise.all([ConfigMaps, probes, other, foreign].map((kind) => isServed(client, kind, signal))),
      [true, true, false, false],
    )
  })

  test('keeps an informer equal to the server', async () => {
    const informer = new Informer({
      client,
      resource: ConfigMaps,
      namespace,
      labelSelector: 'suite=informer',
      logger: silentLogger,
      metrics: createMetrics(),
      indexes: { color: ({ data }) => [data?.color ?? ''] },
    })
    const end = new AbortController()
    const run = informer.run(end.signal)
    await informer.synced(end.signal)
    const metadata = { namespace, name: 'indexed', labels: { suite: 'informer' } }
    await client.create(ConfigMaps, { metadata, data: { color: 'red' } })
    await until(() => informer.lister.byIndex('color', 'red').length === 1)
    await client.patch(ConfigMaps, metadata, { data: { color: 'blue' } })
    await until(() => informer.lister.byIndex('color', 'blue').length === 1)
    assert.equal(informer.lister.byIndex('color', 'red'), [])
    assert.is(informer.lister.list()[0]?.metadata?.managedFields, undefined)
    await client.delete(ConfigMaps, metadata)
    await until(() => informer.lister.size === 0)
    end.abort()
    await run
  })

  test('elects one leader at a time, with growing epochs', async () => {
    const name = 'election'
    const log: string[] = []
    let leading = 0
    const candidate = (identity: string) => {
      const end = new AbortController()
      const elector = new LeaderElector({
        client: server.clientAs(identity),
        namespace,
        name,
        identity,
        leaseDurationMs: 3000,
        renewDeadlineMs: 2000,
        retryPeriodMs: 100,
        logger: silentLogger,
        metrics: createMetrics(),
      })
      const lead = async ({ epoch, signal }: { epoch: number; signal: AbortSignal }) => {
        log.push(`${identity} ${epoch}`)
        assert.is(++leading, 1)
        await systemClock.sleep(60_000, signal).catch(() => {})
        leading--
      }
      return { end, elector, run: elector.run(lead, end.signal) }
    }
    const both = [candidate('a'), candidate('b')]
    await until(() => log.length === 1)
    const winner = both.find(({ elector }) => elector.isLeader)
    winner?.end.abort()
    await winner?.run
    await until(() => log.length === 2)
    const lease = await client.get(Leases, { namespace, name })
    assert.is(lease.spec?.leaseTransitions, 1)
    for (const { end, run } of both) {
      end.abort()
      await run
    }
    assert.equal(
      log.map((entry) => entry.split(' ')[1]),
      ['0', '1'],
    )
    assert.is(new Set(log.map((entry) => entry.split(' ')[0])).size, 2)
    assert.is((await client.get(Leases, { namespace, name })).spec?.holderIdentity ?? '', '')
  })

  test.run()
}
