import { Server } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { HealthServer } from './health.ts'
import { silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'

const start = async () => {
  const metrics = createMetrics()
  const health = new HealthServer({ port: 0, host: '127.0.0.1', registry: metrics.registry, logger: silentLogger })
  const { port } = await health.listen()
  const end = new AbortController()
  const run = health.run(end.signal)
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text(), type: response.headers.get('content-type') ?? '' }
  }
  const stop = async (): Promise<void> => {
    end.abort()
    await run
  }
  return { health, metrics, port, get, stop }
}

test('answers for each named check', async () => {
  const it = await start()
  let synced: true | string = 'informer pods has not synced'
  it.health.addReadinessCheck('informers', () => synced)
  it.health.addReadinessCheck('hub', async () => {
    throw new Error('no way')
  })
  it.health.addLivenessCheck('loop', () => true)
  const ready = await it.get('/readyz')
  assert.is(ready.status, 503)
  assert.is(ready.text, '[-] informers: informer pods has not synced\n[-] hub: no way\nfailed\n')
  assert.equal(await it.get('/livez?verbose').then(({ status, text }) => [status, text]), [200, '[+] loop ok\nok\n'])
  synced = true
  it.health.addReadinessCheck('hub', () => true)
  assert.is((await it.get('/readyz')).status, 200)
  await it.stop()
})

test('serves the metrics of the registry', async () => {
  const it = await start()
  it.metrics.leader.set({ lease: 'hub' }, 1)
  const { status, text, type } = await it.get('/metrics')
  assert.is(status, 200)
  assert.match(type, 'text/plain')
  assert.match(text, 'vnet_leader{lease="hub"} 1')
  assert.is((await it.get('/other')).status, 404)
  await it.stop()
})

test('says which port is taken', async () => {
  const it = await start()
  const { registry } = it.metrics
  const second = new HealthServer({ port: it.port, host: '127.0.0.1', registry, logger: silentLogger })
  const error = await second.listen().catch((error) => error)
  assert.match(String(error), `cannot listen on 127.0.0.1 port ${it.port}`)
  await it.stop()
})

/** Does something on a machine on which sockets of IPv6 end in `code`. */
const withoutIpv6 = async (code: string, action: () => Promise<void>): Promise<void> => {
  const { listen } = Server.prototype
  Server.prototype.listen = function (this: Server, options: { host: string }) {
    if (!options.host.includes(':')) return listen.call(this, options as never)
    process.nextTick(() => this.emit('error', Object.assign(new Error(`listen ${code}`), { code })))
    return this
  } as typeof listen
  try {
    await action()
  } finally {
    Server.prototype.listen = listen
  }
}

for (const code of ['EAFNOSUPPORT', 'EADDRNOTAVAIL'])
  test(`on a machine without IPv6 (${code}) it answers on all addresses of IPv4`, () =>
    withoutIpv6(code, async () => {
      const { registry } = createMetrics()
      const health = new HealthServer({ port: 0, host: '::', registry, logger: silentLogger })
      const { port } = await health.listen()
      const end = new AbortController()
      const run = health.run(end.signal)
      assert.is((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200)
      end.abort()
      await run
      const wanted = new HealthServer({ port: 0, host: '::1', registry, logger: silentLogger })
      assert.match(String(await wanted.listen().catch((error) => error)), 'cannot listen on ::1')
    }))

test.run()
