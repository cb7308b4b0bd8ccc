// For tests: an informer against an API server in memory, and hands for what others write and what the network does.
import * as assert from 'uvu/assert'
import { FakeApiServer, type FakeApiServerOptions } from './fake-api-server.ts'
import { FakeClock } from './fake-clock.ts'
import { Informer, type InformerOptions } from './informer.ts'
import { silentLogger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { type ConfigMap, ConfigMaps } from './resources.ts'
import { until } from './until.ts'

export type InformerChoices = Partial<InformerOptions<ConfigMap>>

/** An informer of ConfigMaps on a fake server, both on one fake clock. */
export const startInformer = async (options: InformerChoices = {}, serverOptions: FakeApiServerOptions = {}) => {
  const clock = new FakeClock()
  const server = await FakeApiServer.start({ clock, ...serverOptions })
  const metrics = createMetrics()
  const client = server.client()
  const base = { client, resource: ConfigMaps, clock, logger: silentLogger, metrics, random: () => 0 }
  const informer = new Informer<ConfigMap>({ ...base, ...options })
  const end = new AbortController()
  const changes: string[] = []
  informer.onChange((key, previous) => {
    const is = informer.lister.get(key)
    changes.push(`${is ? (previous ? 'changed' : 'added') : 'deleted'} ${key}`)
  })
  const write = (name: string, value: string): void => {
    server.seed(ConfigMaps, { metadata: { namespace: 'x', name }, data: { value } })
  }
  const run = informer.run(end.signal)
  const stop = async (): Promise<void> => {
    end.abort()
    await run
    await server.stop()
    await until(() => clock.pendingTimers === 0)
    assert.is(informer.status.state, 'Stopped')
  }
  const watching = () => until(() => server.openWatches === 1 && informer.status.state === 'Watching')
  const values = () => informer.lister.list().map(({ data }) => data?.value)
  const lists = () => server.requests.filter(({ query }) => query.get('watch') !== 'true').length
  const restarts = async (reason: string): Promise<number> => {
    const { values } = await metrics.reflectorRestarts.get()
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0
  }
  return { clock, server, informer, changes, write, stop, watching, values, lists, restarts }
}
