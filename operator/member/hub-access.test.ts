// The member's token for the hub: renewed in time, kept safe, and missed aloud when it has expired.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { FakeClock } from '#runtime/fake-clock.ts'
import { silentLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { Namespaces, Secrets, ServiceAccounts } from '#runtime/resources.ts'
import { until } from '#runtime/until.ts'
import { type HubAccess, hubAccessController, hubSecretInformers, readHubAccess } from './hub-access.ts'
import { HubGate } from './hub-gate.ts'

const DAY_MS = 86_400_000
const SECRET = { namespace: 'vnet-system', name: 'vnet-hub' }
const OWN_SECRET = { namespace: 'vnet-system', name: 'vnet-hub-token' }
const ACCOUNT = { namespace: 'vnet-cluster-west', name: 'member' }

const kubeconfig = (user: object = { token: 'first' }, server = 'https://hub.example:6443'): string =>
  stringify({
    'current-context': 'hub',
    clusters: [{ name: 'hub', cluster: { server, 'certificate-authority-data': 'Q0E=' } }],
    users: [{ name: 'member', user }],
    contexts: [{ name: 'hub', context: { cluster: 'hub', user: 'member' } }],
  })

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
/** What the member has put down. */
const kept = (west: FakeApiServer, key: string): string =>
  Buffer.from(west.read(Secrets, OWN_SECRET)?.data?.[key] ?? '', 'base64').toString('utf8')
const tokenOf = ({ config }: HubAccess): string | undefined => config.getCurrentUser()?.token

/** The Secret of a user, with a token that was issued `ageDays` ago for 30 days. */
const userSecret = (nowMs: number, ageDays: number, config = kubeconfig()): Record<string, string> => {
  const issuedMs = nowMs - ageDays * DAY_MS
  const issuedTimestamp = new Date(issuedMs).toISOString()
  const expirationTimestamp = new Date(issuedMs + 30 * DAY_MS).toISOString()
  return encoded({ cluster: 'west', kubeconfig: config, issuedTimestamp, expirationTimestamp })
}

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

type Start = number | ((nowMs: number) => Record<string, string>)

/** A member with this user's Secret, or one whose token was issued so many days ago for 30 days. */
const start = async (given: Start): Promise<World> => {
  const data = typeof given === 'number' ? (nowMs: number) => userSecret(nowMs, given) : given
  const isAuthorized = { value: true }
  const clock = new FakeClock()
  const west = await FakeApiServer.start({ clock })
  const hub = await FakeApiServer.start({ clock, authorize: () => isAuthorized.value })
  west.seed(Namespaces, { metadata: { name: 'kube-system', uid: 'west-uid' } })
  hub.seed(Namespaces, { metadata: { name: ACCOUNT.namespace } })
  hub.seed(ServiceAccounts, { metadata: ACCOUNT })
  west.seed(Secrets, { metadata: SECRET, data: data(clock.now()) })
  const local = west.client()
  const access = await readHubAccess(local, SECRET.namespace, 'west')
  const base = { local, hub: hub.client(), cluster: 'west', clock, logger: silentLogger, metrics: createMetrics() }
  const gate = new HubGate({ ...base, access })
  let resets = 0
  gate.onReset(() => resets++)
  const deps = { ...base, namespace: SECRET.namespace, gate, events: undefined as never }
  const stop = new AbortController()
  const parts = [gate, hubAccessController(deps, access), ...Object.values(hubSecretInformers(deps, access))]
  const running = Promise.all(parts.map((part) => part.run(stop.signal)))
  const end = async (): Promise<void> => {
    stop.abort()
    await running.catch(() => undefined)
    await west.stop()
    await hub.stop()
  }
  return { west, hub, clock, gate, access, isAuthorized, resets: () => resets, end }
}

/** As by `kubectl apply`. */
const applySecret = ({ west }: World, data: Record<string, string>): void => {
  west.seed(Secrets, { metadata: SECRET, data })
}

const tokensMade = ({ hub }: World): number => hub.requests.filter(({ path }) => path.endsWith('/token')).length

const test = suite('hub access')

test('renews at a third of the life, for thirty days, as long as the server grants', async () => {
  const world = await start(9.9)
  const { west, access, clock } = world
  const given = west.read(Secrets, SECRET)
  await until(() => world.gate.hasSynced)
  await clock.advance(60_000)
  assert.is(tokensMade(world), 0)
  await clock.advance(0.2 * DAY_MS)
  await until(() => kept(west, 'token'))
  await until(() => tokenOf(access) === kept(west, 'token'))
  const life = Date.parse(kept(west, 'expirationTimestamp')) - Date.parse(kept(west, 'issuedTimestamp'))
  assert.is(Math.round(life / DAY_MS), 30)
  assert.is(access.life?.expiresMs, Date.parse(kept(west, 'expirationTimestamp')))
  assert.equal([tokensMade(world), world.resets()], [1, 0])
  // What the user applied may lie in a repository: it is not ours to change.
  assert.equal(west.read(Secrets, SECRET), given)
  await world.end()
})

test('takes up after a restart with the token that it renewed', async () => {
  const world = await start(11)
  const { west } = world
  await until(() => kept(west, 'token'))
  const again = await readHubAccess(west.client(), SECRET.namespace, 'west')
  assert.is(tokenOf(again), kept(west, 'token'))
  assert.is(again.life?.expiresMs, Date.parse(kept(west, 'expirationTimestamp')))
  await world.end()
})

test('an older Secret for the same hub, put back from a repository, changes nothing; a newer one, or for another hub, does', async () => {
  const world = await start(11)
  const { west, access, clock } = world
  await until(() => kept(west, 'token') && tokenOf(access) === kept(west, 'token'))
  const seen = async (data: Record<string, string>, token: string): Promise<void> => {
    applySecret(world, data)
    await until(() => tokenOf(access) === token)
  }
  const of = (token: string, server?: string): string => kubeconfig({ token }, server)
  const taken: string[] = []
  const take = access.take.bind(access)
  access.take = (way) => {
    taken.push(way.token)
    take(way)
  }
  applySecret(world, userSecret(clock.now(), 12, of('put-back')))
  await seen(userSecret(clock.now(), -0.1, of('joined-again')), 'joined-again')
  assert.is(world.resets(), 1)
  applySecret(world, userSecret(clock.now(), 11, of('put-back')))
  await seen(userSecret(clock.now(), 12, of('elsewhere', 'https://other.example:6443')), 'elsewhere')
  assert.equal(taken, ['joined-again', 'elsewhere'])
  assert.is(world.resets(), 2)
  await world.end()
})

test('tries again when the hub does not answer', async () => {
  const world = await start(11)
  world.hub.failNext({ path: /token/, status: 503, times: 3 })
  await until(() => world.gate.hasSynced)
  await until(async () => {
    await world.clock.advance(1_000)
    return kept(world.west, 'token') !== ''
  })
  assert.is(tokensMade(world), 4)
  await world.end()
})

test('runs no program and sends no file, whatever was put into the Secrets', async () => {
  const world = await start(1)
  const { west, access, clock } = world
  const evil = { token: 'evil', exec: { command: 'touch', args: ['/tmp/owned'] } }
  applySecret(world, userSecret(clock.now(), 0, kubeconfig(evil)))
  west.seed(Secrets, { metadata: OWN_SECRET, data: encoded({ ...evil, exec: '' }) })
  // Another change after it shows that both were seen.
  const taken = until(() => tokenOf(access) === 'good')
  applySecret(world, userSecret(clock.now(), -0.1, kubeconfig({ token: 'good' })))
  await taken
  assert.is(world.resets(), 1)
  assert.is(access.config.getCurrentUser()?.exec, undefined)
  await world.end()
})

test('does not overwrite the token of a cluster that joined again meanwhile', async () => {
  const world = await start(11)
  const { west, access, clock } = world
  // The first attempt fails, so that the other token comes while the renewal is under way.
  west.failNext({ method: 'PATCH', path: /vnet-hub-token/, status: 409, reason: 'Conflict' })
  await until(() => west.requests.some(({ method }) => method === 'PATCH'))
  applySecret(world, userSecret(clock.now(), 0, kubeconfig({ token: 'joined-again' })))
  await until(() => tokenOf(access) === 'joined-again')
  assert.is(world.resets(), 1)
  await clock.advance(5_000)
  assert.equal([tokenOf(access), kept(west, 'token')], ['joined-again', ''])
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

test('a Secret without times is renewed at once, and the renewed token counts', async () => {
  const data = encoded({ cluster: 'west', kubeconfig: kubeconfig() })
  const world = await start(() => data)
  const { west, access } = world
  await until(() => kept(west, 'token') && tokenOf(access) === kept(west, 'token'))
  assert.is(tokenOf(await readHubAccess(west.client(), SECRET.namespace, 'west')), kept(west, 'token'))
  await world.end()
})

test('a renewed token is newer than what it replaces, whatever the clocks say', async () => {
  // Whoever joined had a clock that is an hour ahead, and asked for a short life.
  const world = await start((nowMs) => ({
    ...userSecret(nowMs, -1 / 24),
    ...encoded({ expirationTimestamp: new Date(nowMs + DAY_MS / 24 + 1000).toISOString() }),
  }))
  const { west, access, clock } = world
  await until(() => world.gate.hasSynced)
  await clock.advance(DAY_MS / 24 + 60_000)
  await until(() => kept(west, 'token') && tokenOf(access) === kept(west, 'token'))
  assert.ok((access.life?.issuedMs ?? 0) > Date.parse('2026-01-01T01:00:00Z'))
  await world.end()
})

test.run()
