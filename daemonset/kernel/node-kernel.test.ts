import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FakeKernel } from '../desired/fake-kernel.ts'
import type { Operation } from '../desired/operation.ts'
import { tunnelSettings } from '../desired/tunnel.ts'
import { type BpfMap, openMap, possibleCpus } from '../native/index.ts'
import { u32 } from '../wire/codec.ts'
import { LAYOUT_VERSION, mapLayouts } from '../wire/map-layouts.ts'
import { KernelError } from './command.ts'
import { readCounters } from './counters.ts'
import { kernelConformance } from './kernel.conformance.ts'
import { NodeKernel } from './node-kernel.ts'
import { flowCapacity } from './program-sets.ts'
import { BPFFS, enterTestNamespace, ip, objectPath, run, tc } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const open = (name: string, usesTcx = true): NodeKernel =>
  new NodeKernel({ bpfDir: `${BPFFS}/${name}`, stateDir: `/run/state-${name}`, objectPath, nowMs: Date.now(), usesTcx })

for (const usesTcx of [true, false])
  kernelConformance(`this kernel, ${usesTcx ? 'tcx' : 'tc'}`, async () => {
    // What the suite before left.
    for (const [name] of ip('-br link show type veth').matchAll(/^veth\d+(?=@)/gm)) ip(`link delete dev ${name}`)
    const kernel = open(`conformance-${usesTcx}`, usesTcx)
    return {
      observe: () => kernel.observe(),
      apply: (operation) => kernel.apply(operation),
      addVeth: (name, master) => {
        ip(`link add name ${name} type veth peer name ${name}p`)
        ip(`link set dev ${name} master ${master} up`)
      },
      addForeignFilter: (device) => {
        tc(`qdisc add dev ${device} clsact`)
        tc(`filter add dev ${device} ingress pref 1 protocol ip u32 match u32 0 0`)
      },
      // A link stands beside a filter of somebody else.
      hasConflicts: !kernel.links.isUsed,
      programs: kernel.sets.digest,
    }
  })

kernelConformance('in memory', async () => {
  const kernel = new FakeKernel()
  return {
    observe: async () => kernel.observe(),
    apply: async (operation) => kernel.apply(operation),
    addVeth: (name, master) => kernel.add({ name, kind: 'veth', master, isUp: true }),
    addForeignFilter: (device) => kernel.addForeignFilter(device, 'ingress'),
    hasConflicts: true,
    programs: 'one',
  }
})

const test = suite('the door to the kernel')
const step = (operation: Omit<Operation, 'subject'>): Operation => ({ subject: 'test', ...operation }) as Operation

test('what the programs keep of links and ports goes with them, and the totals of a network stay', async () => {
  const kernel = open('pruned')
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  const [hops, counts] = ['hops', 'port_stats'].map((name) => openMap(`${kernel.sets.mapsFolder}/${name}`)) as [
    BpfMap,
    BpfMap,
  ]
  const cpus = Array.from({ length: possibleCpus() })
  const link = { remote: '192.0.2.1', local: null, tunnelIfindex: 0, up: false, frameBytes: 1450 }
  const apply = (type: string, table: string, key: unknown, value: unknown): Promise<void> =>
    kernel.apply(step({ type, table, entry: { key, value } } as never))
  // More than the map holds.
  for (let id = 1; id <= hops.maxEntries + 1; id++) {
    await apply('PutEntry', 'links', id, link)
    hops.updatePerCpu(
      u32.emit(id),
      cpus.map(() => new Uint8Array(hops.valueSize)),
    )
    await apply('DeleteEntry', 'links', id, link)
  }
  assert.equal([...hops.entriesPerCpu()], [])
  const { key, value } = mapLayouts.port_stats
  const port = { vni: 7, mac: '02:00:00:00:00:01', open: true, peerNamespace: true }
  for (let ifindex = 1; ifindex <= counts.maxEntries + 1; ifindex++) {
    await apply('PutEntry', 'ports', ifindex, port)
    counts.updatePerCpu(
      key.emit({ vni: 7, ifindex }),
      cpus.map(() => value.emit({ packets: 1n, bytes: 100n })),
    )
    await apply('DeleteEntry', 'ports', ifindex, port)
  }
  const total = BigInt(cpus.length * (counts.maxEntries + 1))
  assert.equal(readCounters(kernel.sets.mapsFolder).networks.get(7), { packets: total, bytes: 100n * total })
  assert.is([...counts.entriesPerCpu()].length, 1)
  const networks = async () => (await kernel.observe()).tables.networks
  const none = await networks()
  assert.is(await networks(), none, 'a table without a change is the same object')
  await apply('PutEntry', 'networks', 7, { floodTree: 0 })
  assert.is((await networks()).size, 1)
  await apply('DeleteEntry', 'networks', 7, { floodTree: 0 })
  assert.equal([...counts.entriesPerCpu()], [])
  for (const map of [hops, counts]) map.close()
  kernel.sets.removeAll()
})

test('the flow table fits into the memory of the agent, however many CPUs there are', async () => {
  const kernel = open('flows')
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  const flows = openMap(`${kernel.sets.mapsFolder}/flows`)
  assert.equal([flows.maxEntries, flows.perCpu], [flowCapacity(possibleCpus()), true])
  flows.close()
  assert.is(flowCapacity(1), 65_536)
  assert.ok(flowCapacity(64) < 20_000 && flowCapacity(64) > 8192)
  assert.is(flowCapacity(4096), 4096)
  assert.not(existsSync(join(kernel.sets.mapsFolder, '../new-flows')))
  kernel.sets.removeAll()
})

test('a UDP port that is in use is named, and the device stays down', async () => {
  const kernel = open('taken')
  ip('link add name foreign type vxlan id 4 dstport 14789 nolearning')
  ip('link set dev foreign up')
  const create = step({
    type: 'CreateTunnel',
    device: 'vnet0',
    vxlan: tunnelSettings(14789),
    mtuBytes: 65_000,
  } as never)
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  await kernel.apply(create)
  const { digest: programs } = kernel.sets
  const place = { direction: 'ingress', program: 'tunnel_ingress' }
  await kernel.apply(step({ type: 'AttachProgram', device: 'vnet0', ...place, programs } as never))
  const error = await kernel.apply(step({ type: 'RaiseDevice', device: 'vnet0', programs: [place] } as never)).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  assert.instance(error, KernelError)
  assert.is((error as KernelError).reason, 'UDPPortInUse')
  const { interfaces } = await kernel.observe()
  assert.is(interfaces.find(({ name }) => name === 'vnet0')?.isUp, false)
  await kernel.apply(step({ type: 'DeleteDevice', device: 'vnet0' } as never))
  ip('link delete dev foreign')
})

test('a device of the same name that somebody made after ours was removed is not ours', async () => {
  const kernel = open('replaced')
  const bridge = { device: 'vnreplaced', mtuBytes: 1400, network: 'a/b' }
  await kernel.apply(step({ type: 'CreateBridge', ...bridge } as never))
  assert.ok((await open('replaced').observe()).owned.devices.vnreplaced, 'the record survives a restart')
  ip('link delete dev vnreplaced')
  ip('link add name vnreplaced type bridge')
  assert.is((await kernel.observe()).owned.devices.vnreplaced, undefined)
  ip('link delete dev vnreplaced')
})

test('a new object runs on the maps of the old one', async () => {
  const kernel = open('upgrade')
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  const entry = { key: 16, value: { link: 7, nextLabel: 0 } }
  await kernel.apply(step({ type: 'PutEntry', table: 'labels', entry } as never))
  // A byte behind the sections of the object makes another object of the same meaning.
  run('cp', objectPath, '/run/newer.o')
  run('sh', '-c', 'printf x >> /run/newer.o')
  const newer = new NodeKernel({
    bpfDir: `${BPFFS}/upgrade`,
    stateDir: '/run/state-upgrade',
    objectPath: '/run/newer.o',
    nowMs: Date.now(),
  })
  assert.is.not(newer.sets.digest, kernel.sets.digest)
  const before = await newer.observe()
  assert.is(before.programs, undefined)
  await newer.apply(step({ type: 'LoadPrograms', programs: newer.sets.digest } as never))
  const after = await newer.observe()
  assert.is(after.programs, newer.sets.digest)
  assert.equal(after.oldPrograms, [kernel.sets.digest])
  assert.is(after.tables.labels.size, 1)
  await newer.apply(step({ type: 'RemovePrograms', programs: kernel.sets.digest } as never))
  assert.equal((await newer.observe()).oldPrograms, [])
})

test('a load that was cut off is begun anew', async () => {
  const kernel = open('cut')
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  run('rm', `${BPFFS}/cut/v${LAYOUT_VERSION}/maps/macs`)
  assert.is((await kernel.observe()).programs, undefined)
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  assert.is((await kernel.observe()).programs, kernel.sets.digest)
})

test('an object that is refused leaves the pins of the set at work, also where a map is missing', async () => {
  const kernel = open('refused')
  await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
  const layout = `${BPFFS}/refused/v${LAYOUT_VERSION}`
  run('rm', `${layout}/maps/macs`)
  const before = run('find', layout)
  run('sh', '-c', 'echo no object > /run/refused.o')
  const bad = new NodeKernel({
    bpfDir: `${BPFFS}/refused`,
    stateDir: '/run/state-refused',
    objectPath: '/run/refused.o',
    nowMs: Date.now(),
  })
  const error = await bad.apply(step({ type: 'LoadPrograms', programs: bad.sets.digest } as never)).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  assert.is((error as KernelError).reason, 'ProgramsRejected')
  assert.is(run('find', layout), before)
})

for (const usesTcx of [true, false])
  test(`a program (${usesTcx ? 'tcx' : 'tc'}) whose pins were lost is still known as ours`, async () => {
    const kernel = open(`pins-${usesTcx}`, usesTcx)
    const device = `dev-${usesTcx}`
    ip(`link add name ${device} type bridge`)
    await kernel.apply(step({ type: 'LoadPrograms', programs: kernel.sets.digest } as never))
    const { digest: programs } = kernel.sets
    const attach = { type: 'AttachProgram', device, direction: 'ingress', program: 'bridge_guard', programs }
    await kernel.apply(step(attach as never))
    run('rm', '-r', `${BPFFS}/pins-${usesTcx}/v${LAYOUT_VERSION}`)
    const { filters } = await kernel.observe()
    assert.equal(
      filters.filter((it) => it.device === device),
      [{ device, direction: 'ingress', program: 'bridge_guard', isCurrent: false }],
    )
  })

test.run()
