import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeApiServer } from './fake-api-server.ts'
import { FakeClock } from './fake-clock.ts'
import { LeaderElector, type LeaderElectorOptions, type Term } from './leader-election.ts'
import { silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { Leases } from './resources.ts'
import { until } from './until.ts'

const ref = { namespace: 'x', name: 'lock' }

type Lead = (term: Term) => Promise<void>

const untilAborted: Lead = ({ signal }) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** A candidate with a clock of its own, as another machine has. */
const candidate = (server: FakeApiServer, identity: string, options: Partial<LeaderElectorOptions> = {}) => {
  const clock = new FakeClock()
  const base = {
    ...ref,
    client: server.client({ fieldManager: identity }),
    logger: silentLogger,
    metrics: createMetrics(),
  }
  const elector = new LeaderElector({ ...base, identity, clock, random: () => 0, ...options })
  const end = new AbortController()
  const terms: Term[] = []
  let run: Promise<void> | undefined
  return {
    clock,
    elector,
    terms,
    start: (lead: Lead = untilAborted) => {
      run = elector.run((term) => {
        terms.push(term)
        return lead(term)
      }, end.signal)
      return run
    },
    stop: async () => {
      end.abort()
      await run
    },
  }
}

const spec = (server: FakeApiServer) => server.read(Leases, ref)?.spec

test('of two that race one leads, and the other follows after a release', async () => {
  const server = await FakeApiServer.start()
  const [a, b] = [candidate(server, 'a'), candidate(server, 'b')]
  a.start()
  b.start()
  await until(() => a.elector.isLeader !== b.elector.isLeader && a.elector.holder === b.elector.holder)
  const [first, second] = a.elector.isLeader ? [a, b] : [b, a]
  assert.equal([first.terms.length, second.terms.length, spec(server)?.leaseTransitions], [1, 0, 0])
  for (let i = 0; i < 5; i++) await second.clock.advance(2_000)
  assert.not(second.elector.isLeader)
  await first.stop()
  assert.is(spec(server)?.holderIdentity, '')
  await until(async () => {
    await second.clock.advance(2_000)
    return second.elector.isLeader
  })
  assert.equal([second.terms[0]?.epoch, spec(server)?.leaseTransitions], [1, 1])
  await second.stop()
  await server.stop()
})

test('waits a whole lease from when it first saw the record, whatever the clocks say', async () => {
  const server = await FakeApiServer.start()
  const renewTime = '2001-01-01T00:00:00.000000Z'
  server.seed(Leases, {
    metadata: ref,
    spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime, leaseTransitions: 7 },
  })
  const a = candidate(server, 'a')
  a.start()
  await until(() => a.elector.holder === 'dead')
  while (a.clock.monotonicMs() < 14_000) {
    await a.clock.advance(1_000)
    await until(() => a.clock.pendingTimers === 1)
  }
  assert.not(a.elector.isLeader)
  await a.clock.advance(2_000)
  await until(() => a.elector.isLeader)
  assert.is(a.terms[0]?.epoch, 8)
  await a.stop()
  await server.stop()
})

test('renews while it leads', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a')
  a.start()
  await until(() => a.elector.isLeader)
  for (let i = 0; i < 20; i++) {
    const before = spec(server)?.renewTime
    await a.clock.advance(2_000)
    await until(() => spec(server)?.renewTime !== before)
    // The deadline is set anew after the answer.
    await until(() => a.clock.pendingTimers === 2)
  }
  assert.equal([a.terms.length, a.terms[0]?.signal.aborted, spec(server)?.leaseTransitions], [1, false, 0])
  await a.stop()
  await server.stop()
})

test('steps down before the lease can expire elsewhere when it cannot renew, and comes back with a higher epoch', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a')
  a.start()
  await until(() => a.elector.isLeader)
  server.failNext({ method: 'PUT', status: 503, times: 6 })
  while (!a.terms[0]?.signal.aborted) {
    await a.clock.advance(1_000)
    await until(() => a.clock.pendingTimers > 0)
  }
  assert.ok(a.clock.monotonicMs() <= 10_000, `${a.clock.monotonicMs()}`)
  assert.match(String(a.terms[0]?.signal.reason), 'the lease lock was lost')
  await until(async () => {
    await a.clock.advance(2_000)
    return a.terms.length === 2
  })
  assert.is(a.terms[1]?.epoch, 1)
  await a.stop()
  await server.stop()
})

test('steps down at once when another has taken the lease, and leaves it to them', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a')
  a.start()
  await until(() => a.elector.isLeader)
  server.modify(Leases, ref, (lease) => ({
    ...lease,
    spec: { ...lease.spec, holderIdentity: 'thief', leaseTransitions: 1 },
  }))
  await a.clock.advance(2_000)
  await until(() => a.terms[0]?.signal.aborted)
  await until(() => !a.elector.isLeader)
  await a.stop()
  assert.is(spec(server)?.holderIdentity, 'thief')
  await server.stop()
})

test('releases only after the work has ended', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a')
  let finish = (): void => {}
  const work = new Promise<void>((resolve) => {
    finish = resolve
  })
  a.start(() => work)
  await until(() => a.elector.isLeader)
  const stopped = a.stop()
  await until(() => !a.elector.isLeader)
  assert.is(spec(server)?.holderIdentity, 'a')
  finish()
  await stopped
  assert.is(spec(server)?.holderIdentity, '')
  await server.stop()
})

test('a failure of the work ends the election with it, and frees the lease', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a')
  const error = await a
    .start(async () => {
      throw new Error('broken')
    })
    .catch((error) => error)
  assert.match(String(error), 'broken')
  assert.equal([spec(server)?.holderIdentity, a.elector.isLeader], ['', false])
  await server.stop()
})

test('epochs never fall, also when the Lease was deleted', async () => {
  const server = await FakeApiServer.start()
  const a = candidate(server, 'a', { epochFloor: () => 41 })
  a.start()
  await until(() => a.elector.isLeader)
  assert.equal([a.terms[0]?.epoch, spec(server)?.leaseTransitions], [42, 42])
  server.remove(Leases, ref)
  await a.clock.advance(2_000)
  await until(() => a.terms[0]?.signal.aborted)
  await until(async () => {
    await a.clock.advance(2_000)
    return a.terms.length === 2
  })
  assert.is(a.terms[1]?.epoch, 43)
  await a.stop()
  await server.stop()
})

test('survives an API server that is away at the start', async () => {
  const server = await FakeApiServer.start()
  server.failNext({ status: 503, times: 3 })
  const a = candidate(server, 'a')
  a.start()
  await until(async () => {
    await a.clock.advance(2_000)
    return a.elector.isLeader
  })
  await a.stop()
  assert.is(a.clock.pendingTimers, 0)
  await server.stop()
})

test('refuses times that could let two lead', () => {
  const options = { ...ref, client: undefined as never, logger: silentLogger, metrics: createMetrics() }
  assert.throws(() => new LeaderElector({ ...options, leaseDurationMs: 5_000 }), /leaseDurationMs > renewDeadlineMs/)
})

test.run()
