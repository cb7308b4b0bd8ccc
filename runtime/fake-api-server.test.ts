import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeApiServer } from './fake-api-server.ts'
import { parseRoute } from './fake-routes.ts'
import { parseFieldSelector, parseLabelSelector } from './fake-selectors.ts'
import { Namespaces, Pods } from './resources.ts'

// What both servers have in common is in the conformance suites; here is what only the fake one does.

test('label selectors', () => {
  const matching = (text: string, labels: Record<string, string>): boolean =>
    parseLabelSelector(text)({ metadata: { labels } })
  const rows: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a in (x, y),b', { a: 'y', b: '' }, true],
    ['a in (x,y)', {}, false],
    ['a notin (x)', {}, true],
    ['a notin (x)', { a: 'x' }, false],
    ['!a', { a: 'x' }, false],
    ['vnet.dev/bridge=enabled,!b', { 'vnet.dev/bridge': 'enabled' }, true],
  ]
  for (const [text, labels, expected] of rows) assert.is(matching(text, labels), expected, text)
})

test('field selectors', () => {
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'n' } }
  assert.ok(parseFieldSelector('spec.nodeName=n,metadata.name!=q')(pod))
  assert.not(parseFieldSelector('spec.nodeName=m')(pod))
  assert.ok(parseFieldSelector('status.phase=')(pod))
})

test('paths', () => {
  const brief = (path: string) => {
    const { collection, namespace, name, subresource } = parseRoute(path)
    return [collection, namespace, name, subresource]
  }
  assert.equal(brief('/api/v1/namespaces/x'), ['namespaces', undefined, 'x', undefined])
  assert.equal(brief('/api/v1/namespaces/x/status'), ['namespaces', undefined, 'x', 'status'])
  assert.equal(brief('/api/v1/namespaces/x/pods'), ['pods', 'x', undefined, undefined])
  assert.equal(brief('/apis/vnet.dev/v1/namespaces/x/nets/n/status'), ['nets.vnet.dev', 'x', 'n', 'status'])
  assert.throws(() => parseRoute('/other'), /could not find/)
})

test('seeds objects as they are, counts generations, and writes as somebody else', async () => {
  const server = await FakeApiServer.start()
  const ref = { namespace: 'x', name: 'p' }
  const seeded = server.seed(Pods, { metadata: { ...ref, uid: 'mine', generation: 5 }, status: { phase: 'Running' } })
  assert.equal([seeded.metadata?.uid, seeded.metadata?.generation, seeded.status?.phase], ['mine', 5, 'Running'])
  const modified = server.modify(Pods, ref, (pod) => ({ ...pod, spec: { containers: [], nodeName: 'n' } }))
  assert.equal([modified.metadata?.generation, modified.metadata?.uid, modified.status?.phase], [6, 'mine', 'Running'])
  assert.equal(await server.client().get(Pods, ref), modified)
  server.remove(Pods, ref)
  assert.is(server.read(Pods, ref), undefined)
  await server.stop()
})

test('injects faults as often as told, where told', async () => {
  const server = await FakeApiServer.start()
  const client = server.client()
  server.failNext({ method: 'GET', path: /pods/, status: 503, times: 2 })
  await client.list(Namespaces)
  const outcomes: number[] = []
  for (let i = 0; i < 3; i++)
    await client.list(Pods).then(
      () => outcomes.push(200),
      (error) => outcomes.push(error.status),
    )
  assert.equal(outcomes, [503, 503, 200])
  await server.stop()
})

test('refuses what it does not know', async () => {
  const server = await FakeApiServer.start()
  const client = server.client()
  const statusOf = (path: string, method: 'GET' | 'DELETE'): Promise<number> =>
    client.requestText({ method, path }).then(
      () => 200,
      (error) => error.status,
    )
  assert.is(await statusOf('/api/v1/namespaces/x/pods', 'DELETE'), 405)
  assert.is(await statusOf('/api/v1/namespaces/x/pods/p/log', 'GET'), 404)
  assert.is(await statusOf('/version', 'GET'), 200)
  await server.stop()
})

test.run()
