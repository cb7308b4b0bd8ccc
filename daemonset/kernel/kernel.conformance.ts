// What both kernels, the real one and the one in memory, answer to the same operations.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Filter, ObservedState } from '../desired/observed-state.ts'
import type { Operation } from '../desired/operation.ts'
import { type Entry, type TableName, textOf } from '../desired/tables.ts'
import { INLET_DEVICE, inletSettings, tunnelSettings } from '../desired/tunnel.ts'
import type { IpAddress } from '../wire/ip-address.ts'
import type { Mac } from '../wire/mac.ts'

/** A kernel, and what people do to it beside the agent. */
export type Subject = {
  observe(): Promise<ObservedState>
  apply(operation: Operation): Promise<void>
  addVeth(name: string, master: string): void
  addForeignFilter(device: string): void
  /** Whether somebody's filter can be in the way of ours. */
  hasConflicts: boolean
  programs: string
}

const bridge = { device: 'vn0123456789abc', mtuBytes: 1400, network: 'team-a/blue' }
const inlet = { device: INLET_DEVICE, vxlan: inletSettings(14789), mtuBytes: 65_000 }
const tunnel = { device: 'vnet0', vxlan: tunnelSettings(14789), mtuBytes: 65_000 }
const step = (operation: Omit<Operation, 'subject'>): Operation => ({ subject: 'test', ...operation }) as Operation

const refuses = async (attempt: Promise<void>): Promise<void> => {
  const refused = await attempt.then(
    () => false,
    () => true,
  )
  assert.ok(refused, 'the kernel should have refused')
}

const entries: [TableName, Entry][] = [
  [
    'links',
    {
      key: 7,
      value: { remote: 'fd09::2' as IpAddress, local: null, tunnelIfindex: 3, up: true, frameBytes: 1450 },
    },
  ],
  ['peers', { key: { address: '10.9.0.2' as IpAddress }, value: 7 }],
  ['peer_networks', { key: { link: 7, vni: 100 }, value: 1 }],
  ['labels', { key: 16, value: { link: 7, nextLabel: 0 } }],
  ['trees', { key: { vni: 100, tree: 0 }, value: { links: [7, 9] } }],
  ['networks', { key: 100, value: { floodTree: 0 } }],
  ['paths', { key: { bridge: 0xfedcba9876543210n, vni: 100 }, value: { link: 7, label: 16 } }],
  ['ports', { key: 4, value: { vni: 100, mac: '02:00:00:00:00:01' as Mac, open: true, peerNamespace: true } }],
  ['macs', { key: { vni: 100, mac: '02:00:00:00:00:01' as Mac }, value: { bridge: 0n, ifindex: 4 } }],
  ['network_ports', { key: 100, value: { ifindexes: [4] } }],
]

/** Registers the suite; `make` gives a kernel in which nothing was done. */
export const kernelConformance = (name: string, make: () => Promise<Subject>): void => {
  const test = suite(`kernel conformance, ${name}`)
  let kernel: Subject
  const device = async (wanted: string) => (await kernel.observe()).interfaces.find((it) => it.name === wanted)

  test.before(async () => {
    kernel = await make()
  })

  test('before programs are loaded no map can be written', async () => {
    const [table, entry] = entries[0]!
    await refuses(kernel.apply(step({ type: 'PutEntry', table, entry } as never)))
  })

  test('loads the programs, also again', async () => {
    assert.is((await kernel.observe()).programs, undefined)
    await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.programs } as never))
    await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.programs } as never))
    assert.is((await kernel.observe()).programs, kernel.programs)
    assert.equal((await kernel.observe()).oldPrograms, [])
  })

  test('makes a bridge once, records it, configures it as often as asked', async () => {
    await kernel.apply(step({ type: 'CreateBridge', ...bridge } as never))
    const made = await device(bridge.device)
    assert.is(made?.kind, 'bridge')
    assert.is(made?.mtuBytes, 1400)
    assert.not(made?.isUp, 'down until its guards are there')
    assert.not(made?.stp)
    assert.is.not(made?.ipv6Disabled, false)
    assert.equal((await kernel.observe()).owned.devices, { [bridge.device]: made?.ifindex })
    await refuses(kernel.apply(step({ type: 'CreateBridge', ...bridge } as never)))
    for (const mtuBytes of [1450, 1450]) {
      await kernel.apply(step({ type: 'ConfigureBridge', ...bridge, mtuBytes } as never))
      assert.is((await device(bridge.device))?.mtuBytes, 1450)
    }
    await refuses(kernel.apply(step({ type: 'ConfigureBridge', ...bridge, device: 'absent' } as never)))
  })

  test('makes the tunnel once', async () => {
    await kernel.apply(step({ type: 'CreateTunnel', ...tunnel } as never))
    const made = await device('vnet0')
    assert.equal(made?.vxlan, tunnelSettings(14789))
    assert.not(made?.isUp, 'down until its program is there')
    assert.is(made?.mtuBytes, 65_000)
    await refuses(kernel.apply(step({ type: 'CreateTunnel', ...tunnel } as never)))
    await kernel.apply(step({ type: 'ConfigureTunnel', device: 'vnet0', mtuBytes: 65_000 } as never))
  })

  test('makes the inlet beside it', async () => {
    await kernel.apply(step({ type: 'CreateTunnel', ...inlet } as never))
    const made = await device(inlet.device)
    assert.equal(made?.vxlan, inletSettings(14789))
    assert.is(made?.vxlan?.udpPort, 14790)
    await kernel.apply(step({ type: 'DeleteDevice', device: inlet.device } as never))
  })

  test('raises the tunnel only with its program, and sets it down', async () => {
    const place = { device: 'vnet0', direction: 'ingress' }
    const programs = [{ direction: 'ingress', program: 'tunnel_ingress' }]
    const raise = step({ type: 'RaiseDevice', device: 'vnet0', programs } as never)
    await refuses(kernel.apply(raise))
    assert.not((await device('vnet0'))?.isUp)
    const attach = { type: 'AttachProgram', ...place, programs: kernel.programs }
    await kernel.apply(step({ ...attach, program: 'bridge_guard' } as never))
    await refuses(kernel.apply(raise))
    await kernel.apply(step({ ...attach, program: 'tunnel_ingress' } as never))
    for (let round = 0; round < 2; round++) await kernel.apply(raise)
    assert.ok((await device('vnet0'))?.isUp)
    for (let round = 0; round < 2; round++) await kernel.apply(step({ type: 'LowerDevice', device: 'vnet0' } as never))
    assert.not((await device('vnet0'))?.isUp)
    await kernel.apply(step({ type: 'LowerDevice', device: 'absent' } as never))
    await kernel.apply(step({ type: 'DetachProgram', ...place } as never))
  })

  test('isolates a port, attaches a program, again, and takes it off, again', async () => {
    kernel.addVeth('veth1', bridge.device)
    assert.is((await device('veth1'))?.master, bridge.device)
    assert.not((await device('veth1'))?.isIsolated)
    await kernel.apply(step({ type: 'IsolatePort', device: 'veth1' } as never))
    assert.ok((await device('veth1'))?.isIsolated)
    const place = { device: 'veth1', direction: 'ingress' }
    const attach = { type: 'AttachProgram', ...place, program: 'port_ingress', programs: kernel.programs }
    for (let round = 0; round < 2; round++) {
      await kernel.apply(step(attach as never))
      const { filters, owned } = await kernel.observe()
      assert.equal(filters, [{ ...place, program: 'port_ingress', programs: kernel.programs, isCurrent: true }])
      assert.is(owned.filters['veth1/ingress'], (await device('veth1'))?.ifindex)
    }
    for (let round = 0; round < 2; round++) {
      await kernel.apply(step({ type: 'DetachProgram', ...place } as never))
      const { filters, owned } = await kernel.observe()
      assert.equal(filters, [])
      assert.is(owned.filters['veth1/ingress'], undefined)
    }
    await refuses(kernel.apply(step({ ...attach, device: 'absent' } as never)))
  })

  test('tells a foreign filter at our place from our own', async () => {
    kernel.addVeth('veth2', bridge.device)
    kernel.addForeignFilter('veth2')
    const { filters } = await kernel.observe()
    const conflict: Filter = { device: 'veth2', direction: 'ingress', program: undefined, isCurrent: false }
    assert.equal(filters, kernel.hasConflicts ? [conflict] : [])
  })

  for (const [table, entry] of entries)
    test(`keeps, replaces and removes an entry of ${table}`, async () => {
      const put = step({ type: 'PutEntry', table, entry } as never)
      const remove = step({ type: 'DeleteEntry', table, entry } as never)
      for (const operation of [put, put]) {
        await kernel.apply(operation)
        const kept = (await kernel.observe()).tables[table].get(textOf(entry.key))
        assert.is(textOf(kept?.value), textOf(entry.value))
      }
      for (const operation of [remove, remove]) {
        await kernel.apply(operation)
        assert.is((await kernel.observe()).tables[table].size, 0)
      }
    })

  test('sets and removes the table of nftables, again', async () => {
    for (const udpPort of [14789, 14790, 14790]) {
      await kernel.apply(step({ type: 'SetNotrack', udpPort } as never))
      const { notrack, owned } = await kernel.observe()
      assert.is(notrack, udpPort)
      assert.ok(owned.notrack)
    }
    for (let round = 0; round < 2; round++) {
      await kernel.apply(step({ type: 'RemoveNotrack' } as never))
      assert.is((await kernel.observe()).notrack, undefined)
    }
  })

  test('deletes devices, and the absent too; their ports stay', async () => {
    for (const name of [bridge.device, bridge.device, 'vnet0', 'vnet0'])
      await kernel.apply(step({ type: 'DeleteDevice', device: name } as never))
    assert.is(await device(bridge.device), undefined)
    assert.is(await device('vnet0'), undefined)
    assert.is((await device('veth1'))?.master, undefined)
    const { owned } = await kernel.observe()
    assert.equal(owned.devices, {})
  })

  test.run()
}
