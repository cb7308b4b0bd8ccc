import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError } from './api-error.ts'
import { FakeApiServer } from './fake-api-server.ts'
import { KubeClient } from './kube-client.ts'
import { KubeConfig } from './kube-config.ts'
import { ConfigMaps, Nodes, Pods } from './resources.ts'

const failureOf = async (work: Promise<unknown>): Promise<ApiError> => {
  const error = await work.catch((error) => error)
  assert.instance(error, ApiError)
  return error as ApiError
}

test('reads a rotated token file again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnet-token-'))
  const tokenFile = join(folder, 'token')
  const server = await FakeApiServer.start()
  const config = new KubeConfig()
  const user = { name: 'pod', tokenFile }
  config.loadFromClusterAndUser({ name: 'in-cluster', server: server.url, skipTLSVerify: false }, user)
  const client = new KubeClient({ config, fieldManager: 'test' })
  for (const token of ['one', 'two']) {
    writeFileSync(tokenFile, `${token}\n`)
    await client.list(Pods)
  }
  assert.equal(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer one', 'Bearer two'],
  )
  client.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})

test('tells status, reason and Retry-After of a refusal', async () => {
  const server = await FakeApiServer.start({ authorize: ({ authorization }) => authorization !== 'Bearer bad' })
  const client = server.client()
  server.failNext({ status: 429, reason: 'TooManyRequests', retryAfterSeconds: 7 })
  const busy = await failureOf(client.get(Nodes, { name: 'n1' }))
  assert.equal([busy.status, busy.reason, busy.retryAfterMs], [429, 'TooManyRequests', 7000])
  const config = server.kubeConfig()
  config.users = [{ name: 'test', token: 'bad' }]
  const stranger = new KubeClient({ config, fieldManager: 'test' })
  const unknown = await failureOf(stranger.list(Nodes))
  assert.match(unknown.message, /list nodes: 401 Unauthorized: Unauthorized \(the token or client certificate/)
  stranger.close()
  await server.stop()
})

test('tells when there is no server, and when it does not answer in time', async () => {
  const server = await FakeApiServer.start()
  const client = server.client()
  const mute = createServer(() => {})
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const config = new KubeConfig()
  const url = `http://127.0.0.1:${(mute.address() as AddressInfo).port}`
  config.loadFromClusterAndUser({ name: 'mute', server: url, skipTLSVerify: false }, { name: 'test' })
  const slow = new KubeClient({ config, fieldManager: 'test', timeoutMs: 50 })
  assert.is((await failureOf(slow.list(Nodes))).reason, 'Timeout')
  const stuck = slow.watch(Nodes, { resourceVersion: '1', signal: new AbortController().signal })
  assert.is((await failureOf(stuck.next())).reason, 'Timeout')
  mute.closeAllConnections()
  mute.close()
  slow.close()
  await server.stop()
  const gone = await failureOf(client.list(Nodes))
  assert.equal([gone.status, gone.reason], [0, 'Unreachable'])
  assert.match(gone.message, 'ECONNREFUSED')
})

test('repeats a request once when the server closed the kept connection', async () => {
  const server = await FakeApiServer.start()
  const client = server.client()
  await client.list(Nodes)
  server.resetConnections()
  assert.equal((await client.list(Nodes)).items, [])
  await server.stop()
})

test('falls back to one list without pages when a continue token has expired', async () => {
  const server = await FakeApiServer.start()
  for (const name of ['a', 'b', 'c']) server.seed(ConfigMaps, { metadata: { namespace: 'x', name } })
  server.failNext({ method: 'GET', path: /configmaps/, status: 410, reason: 'Expired' })
  const { items } = await server.client().list(ConfigMaps, { namespace: 'x', limit: 2 })
  assert.is(items.length, 3)
  assert.is(server.requests.at(-1)?.query.get('limit'), null)
  await server.stop()
})

test('never widens a request for one object to its collection', async () => {
  const server = await FakeApiServer.start()
  const client = server.client()
  assert.throws(() => client.get(Pods, { name: '', namespace: 'x' }), /needs metadata.name/)
  assert.throws(() => client.get(Pods, { name: 'a' }), /needs metadata.namespace/)
  assert.is(server.requests.length, 0)
  await server.stop()
})

test.run()
