import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDescription } from './description.ts'
import { run } from './processes.ts'
import { RunState } from './run-state.ts'
import { removeRun } from './sweep.ts'
import { createNamespace, Underlay } from './underlay.ts'

const description = checkDescription(
  {
    sites: [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
    links: [
      { a: 'a', b: 'b', delayMilliseconds: 5 },
      { a: 'b', b: 'c', rate: '20M' },
    ],
    clusters: [{ name: 'unused', nodes: [] }],
  },
  'underlay.test.ts',
)

let state: RunState
let underlay: Underlay
const hosts: Record<string, string> = {}

test.before(async () => {
  state = RunState.create()
  underlay = new Underlay(state, description)
  await underlay.create()
  for (const site of ['a', 'b', 'c']) {
    hosts[site] = state.namespace(`h-${site}`)
    await createNamespace(hosts[site])
    await underlay.attach(`x/${site}`, { site, namespace: hosts[site] })
  }
})
test.after(async () => {
  await underlay?.stop()
  await removeRun(state)
})

const address = (site: string): string => underlay.attachment(`x/${site}`).addresses.ipv4

/** Round-trip times in milliseconds of those of `count` pings that were answered. */
const ping = async (from: string, to: string, count = 5): Promise<number[]> => {
  const argv = ['ping', '-n', '-i', '0.05', '-W', '1', '-c', String(count), to]
  const { stdout } = await run(argv, { namespace: hosts[from] })
  return [...stdout.matchAll(/time=([0-9.]+)/g)].map(([, time]) => Number(time))
}

test('a delayed link delays both directions by what it says', async () => {
  const times = (await ping('a', address('b'), 10)).sort((a, b) => a - b)
  assert.is(times.length, 10)
  assert.ok(times[0]! >= 10 && times[0]! < 12, `fastest round trip ${times[0]} ms`)
  assert.is((await ping('a', underlay.attachment('x/c').addresses.ipv6, 2)).length, 2, 'routed over two links')
})

test('a shaped link passes its rate', async () => {
  const megabits = async (): Promise<number> => {
    const server = run(['timeout', '10', 'iperf3', '-s', '-1'], { namespace: hosts.c })
    const listening = 'until ss -Hltn sport = 5201 | grep -q .; do sleep 0.05; done'
    await run(['bash', '-c', listening], { namespace: hosts.c, timeoutMs: 10_000 })
    const { stdout } = await run(['iperf3', '-J', '-t', '2', '-O', '1', '-c', address('c')], { namespace: hosts.b })
    await server
    return (
      (JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }).end.sum_received.bits_per_second /
      1e6
    )
  }
  const before = await megabits()
  assert.ok(before > 15 && before < 21, `${before} Mbit/s over 20M`)
  await underlay.setRate('b', 'c', 5e6)
  const after = await megabits()
  assert.ok(after > 3 && after < 5.5, `${after} Mbit/s over 5M`)
})

test('a link can be cut silently, and a cable taken out', async () => {
  assert.is((await ping('a', address('b'), 2)).length, 2)
  await underlay.faults.cutLink('a', 'b')
  assert.is((await ping('a', address('b'), 2)).length, 0)
  await underlay.faults.restoreLink('a', 'b')
  assert.is((await ping('a', address('b'), 2)).length, 2)
  await underlay.faults.setCable('x/a', 'out')
  const { stdout } = await run(['ip', '-brief', 'link', 'show', 'dev', 'eth0'], { namespace: hosts.a })
  assert.match(stdout, /NO-CARRIER/)
  await underlay.faults.setCable('x/a', 'in')
  assert.ok((await ping('a', address('b'), 10)).length > 0)
})

test.run()
