// The member's token for the hub: renewed in time, kept safe, and missed aloud when it has expired.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { FakeClock } from '#runtime/fake-clock.ts'
import { loadRemoteKubeConfig } from '#runtime/kube-config.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { Namespaces, Secrets, ServiceAccounts } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { type HubAccess, hubAccessController, hubSecretInformer, readHubAccess } from './hub-access.ts'
import { HubGate } from './hub-gate.ts'

const DAY_MS = 86_400_000
const SECRET = { namespace: 'vnet-system', name: 'vnet-hub' }
const ACCOUNT = { namespace: 'vnet-cluster-west', name: 'member' }

const kubeconfig = (user: object = { token: 'first' }): string =>
  stringify({
    'current-context': 'hub',
    clusters: [{ name: 'hub', cluster: { server: 'https://hub.example:6443', 'certificate-authority-data': 'Q0E=' } }],
    users: [{ name: 'member', user }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'member' } }],
  })

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
const decoded = (west: FakeApiServer, key: string): string =>
  Buffer.from(west.read(Secrets, SECRET)?.data?.[key] ?? '', 'base64').toString('utf8')
const tokenIn = (text: string): string => parse(text).users[0].user.token

type World = {
  west: FakeApiServer
  hub: FakeApiServer
  clock: FakeClock
  gate: HubGate
  access: HubAccess
  isAuthorized: { value: boolean }
  /** How often the gate said that the way to the hub has changed. */
  resets: () => number
  end: () => Promise<void>
}

/** A member whose token was issued `ageDays` ago for 30 days. */
const start = async (ageDays: number): Promise<World> => {
  const isAuthorized = { value: true }
  const clock = new FakeClock()
  const west = await FakeApiServer.start({ clock })
  const hub = await FakeApiServer.start({ clock, authorize: () => isAuthorized.value })
  west.seed(Namespaces, { metadata: { name: 'kube-system', uid: 'west-uid' } })
  hub.seed(Namespaces, { metadata: { name: ACCOUNT.namespace } })
  hub.seed(ServiceAccounts, { metadata: ACCOUNT })
  const issuedMs = clock.now() - ageDays * DAY_MS
  const data = {
    cluster: 'west',
    kubeconfig: kubeconfig(),
    issuedTimestamp: new Date(issuedMs).toISOString(),
    expirationTimestamp: new Date(issuedMs + 30 * DAY_MS).toISOString(),
  }
  west.seed(Secrets, { metadata: SECRET, data: encoded(data) })
  const local = west.client()
  const access = await readHubAccess(local, SECRET.namespace, 'west')
  const base = { local, hub: hub.client(), cluster: 'west', clock, logger: silentLogger, metrics: createMetrics() }
  const gate = new HubGate({ ...base, access })
  let resets = 0
  gate.onReset(() => resets++)
  const deps = { ...base, namespace: SECRET.namespace, gate, events: undefined as never }
  const stop = new AbortController()
  const parts = [gate, hubAccessController(deps, access), hubSecretInformer(deps, access)]
  const running = Promise.all(parts.map((part) => part.run(stop.signal)))
  const end = async (): Promise<void> => {
    stop.abort()
    await running.catch(() => undefined)
    await west.stop()
    await hub.stop()
  }
  return { west, hub, clock, gate, access, isAuthorized, resets: () => resets, end }
}

const tokensMade = ({ hub }: World): number => hub.requests.filter(({ path }) => path.endsWith('/token')).length

const test = suite('hub access')

test('renews at a third of the life, for thirty days, as long as the server grants', async () => {
  const world = await start(9.9)
  const { west, access, clock } = world
  await until(() => world.gate.hasSynced)
  await clock.advance(60_000)
  assert.is(tokensMade(world), 0)
  await clock.advance(0.2 * DAY_MS)
  await until(() => tokenIn(decoded(west, 'kubeconfig')) !== 'first')
  assert.is(access.config.getCurrentUser()?.token, tokenIn(decoded(west, 'kubeconfig')))
  const life = Date.parse(decoded(west, 'expirationTimestamp')) - Date.parse(decoded(west, 'issuedTimestamp'))
  assert.is(Math.round(life / DAY_MS), 30)
  await until(() => access.life?.expiresMs === Date.parse(decoded(west, 'expirationTimestamp')))
  assert.is(tokensMade(world), 1)
  await world.end()
})

test('tries again when the hub does not answer', async () => {
  const world = await start(11)
  world.hub.failNext({ path: /token/, status: 503, times: 3 })
  await until(() => world.gate.hasSynced)
  await until(async () => {
    await world.clock.advance(1_000)
    return tokenIn(decoded(world.west, 'kubeconfig')) !== 'first'
  })
  assert.is(tokensMade(world), 4)
  await world.end()
})

test('runs no program and sends no file, whatever was put into the Secret', async () => {
  const world = await start(11)
  const evil = kubeconfig({ token: 'first', exec: { command: 'touch', args: ['/tmp/owned'] } })
  world.west.modify(Secrets, SECRET, (secret) => ({
    ...secret,
    data: { ...secret.data, ...encoded({ kubeconfig: evil }) },
  }))
  const reads = () => world.west.requests.filter(({ path }) => path.endsWith('/secrets/vnet-hub')).length
  await until(async () => {
    await world.clock.advance(1_000)
    return reads() > 2
  })
  assert.is(tokensMade(world), 0)
  assert.is(decoded(world.west, 'kubeconfig'), evil)
  assert.is(world.access.config.getCurrentUser()?.exec, undefined)
  await world.end()
})

test('does not overwrite the Secret of a cluster that joined again meanwhile', async () => {
  const world = await start(11)
  const { west, access } = world
  const patched = west.requests.length
  const again = kubeconfig({ token: 'joined-again' })
  // Between reading and writing: the first write meets a newer version.
  west.failNext({ method: 'PATCH', path: /vnet-hub/, status: 409, reason: 'Conflict' })
  await until(() => west.requests.slice(patched).some(({ method }) => method === 'PATCH'))
  const { body } = west.requests.find(({ method }) => method === 'PATCH') as { body: { metadata?: object } }
  assert.ok((body.metadata as { resourceVersion?: string } | undefined)?.resourceVersion)
  const now = world.clock.now()
  const data = {
    issuedTimestamp: new Date(now).toISOString(),
    expirationTimestamp: new Date(now + DAY_MS).toISOString(),
  }
  west.modify(Secrets, SECRET, (secret) => ({
    ...secret,
    data: { ...secret.data, ...encoded({ kubeconfig: again, ...data }) },
  }))
  await until(() => access.config.getCurrentUser()?.token === 'joined-again')
  assert.is(world.resets(), 1)
  await world.clock.advance(5_000)
  assert.is(tokenIn(decoded(west, 'kubeconfig')), 'joined-again')
  await world.end()
})

test('says that the token has expired, and what to do; one that is refused is told apart', async () => {
  for (const [ageDays, reason, message] of [
    [31, 'TokenExpired', 'run "kubectl vnet join west" again'],
    [1, 'TokenRefused', 'the membership was revoked'],
  ] as const) {
    const world = await start(ageDays)
    world.isAuthorized.value = false
    world.gate.reset()
    await until(() => world.gate.readiness !== true)
    assert.match(String(world.gate.readiness), message)
    assert.is(String(world.gate.readiness).startsWith('token expired'), reason === 'TokenExpired')
    world.isAuthorized.value = true
    world.gate.reset()
    await until(() => world.gate.readiness === true && world.gate.hasSynced)
    await world.end()
  }
})

test('a Secret without times, of an earlier version, is renewed at once', async () => {
  assert.is(loadRemoteKubeConfig(kubeconfig()).getCurrentUser()?.token, 'first')
  const world = await start(1)
  world.west.modify(Secrets, SECRET, (secret) => ({
    ...secret,
    data: encoded({ cluster: 'west', kubeconfig: kubeconfig() }),
  }))
  await until(async () => {
    await world.clock.advance(10_000)
    return tokenIn(decoded(world.west, 'kubeconfig')) !== 'first'
  })
  await world.end()
})

test.run()
