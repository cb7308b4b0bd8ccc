import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Operation } from '../desired/operation.ts'
import { NodeKernel } from './node-kernel.ts'
import { BPFFS, enterTestNamespace, ip, objectPath, run } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const test = suite('the table of nftables')
const PORT = 14789
const kernel = new NodeKernel({
  bpfDir: `${BPFFS}/notrack`,
  stateDir: '/run/state-notrack',
  objectPath,
  nowMs: Date.now(),
})
const set = (): Promise<void> =>
  kernel.apply({ type: 'SetNotrack', subject: 'notrack', udpPort: PORT } satisfies Operation)

/** Datagrams that the table has dropped. */
const dropped = (): number => {
  const { nftables } = JSON.parse(run('nft', '-j', 'list', 'table', 'inet', 'vnet')) as {
    nftables: { rule?: { expr: { counter?: { packets: number } }[] } }[]
  }
  return nftables.flatMap(({ rule }) => rule?.expr.flatMap(({ counter }) => counter?.packets ?? []) ?? [])[0] ?? -1
}

/** Another machine (or a pod) at an interface of its own, which sends from `sources`. */
const attach = (name: string, index: number, family: 'v4' | 'v6', sources: string[]): void => {
  const net = family === 'v4' ? `10.${index}.0` : `fd0${index}:`
  const [here, there] = family === 'v4' ? [`${net}.1/24`, `${net}.2/24`] : [`${net}:1/64`, `${net}:2/64`]
  ip(`address add ${here} dev ${name}${family === 'v6' ? ' nodad' : ''}`)
  run('ip', '-n', name, 'address', 'add', there, 'dev', 'eth0', ...(family === 'v6' ? ['nodad'] : []))
  for (const source of sources)
    run('ip', '-n', name, 'address', 'add', source, 'dev', 'lo', ...(family === 'v6' ? ['nodad'] : []))
}
const send = (from: string, source: string, to: string): void => {
  // The answer to a question with another's address would go elsewhere.
  const [{ address }] = JSON.parse(ip(`-j link show dev ${from}`)) as [{ address: string }]
  run('ip', '-n', from, 'neigh', 'replace', to, 'lladdr', address, 'dev', 'eth0')
  run('ip', '-n', from, 'route', 'replace', to, 'dev', 'eth0', 'src', source)
  run('ip', 'netns', 'exec', from, 'bash', '-c', `echo x > /dev/udp/${to}/${PORT}`)
}

test.before(() => {
  for (const name of ['west', 'pod']) {
    run('ip', 'netns', 'add', name)
    ip(`link add name ${name} type veth peer name eth0 netns ${name}`)
    ip(`link set dev ${name} up`)
    for (const line of ['link set dev lo up', 'link set dev eth0 up']) run('ip', '-n', name, ...line.split(' '))
  }
  for (const family of ['v4', 'v6'] as const) {
    attach('west', 1, family, [])
    attach('pod', 2, family, [family === 'v4' ? '10.1.0.2/32' : 'fd01::2/128'])
  }
})

for (const [family, neighbour, own] of [
  ['IPv4', '10.1.0.2', '10.2.0.1'],
  ['IPv6', 'fd01::2', 'fd02::1'],
] as const)
  test(`${family}: a neighbour's address is believed only at the interface that leads to it`, async () => {
    await set()
    assert.is((await kernel.observe()).notrack, PORT)
    const before = dropped()
    send('west', neighbour, family === 'IPv4' ? '10.1.0.1' : 'fd01::1')
    assert.is(dropped(), before, 'the neighbour itself')
    send('pod', neighbour, own)
    assert.is(dropped(), before + 1, 'a pod that writes its address')
  })

test('a table that was changed by hand is written anew', async () => {
  await set()
  run('nft', 'flush', 'chain', 'inet', 'vnet', 'prerouting')
  assert.is((await kernel.observe()).notrack, 0)
  await set()
  assert.is((await kernel.observe()).notrack, PORT)
})

test.run()
