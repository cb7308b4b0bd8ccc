import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Direction, Filter, ProgramName } from '../desired/observed-state.ts'
import type { Operation } from '../desired/operation.ts'
import { attachTcx, detachTcx, hasTcx, openProgram, tcxPrograms } from '../native/index.ts'
import { NodeKernel } from './node-kernel.ts'
import { BPFFS, enterTestNamespace, ip, objectPath, run, tc } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const test = suite('programs at tcx hooks')
const bpfDir = `${BPFFS}/vnet`
const options = { bpfDir, stateDir: '/run/state', objectPath, nowMs: Date.now() }
const kernel = new NodeKernel(options)
const { digest: programs } = kernel.sets
const apply = (operation: object): Promise<void> => kernel.apply({ subject: 'test', ...operation } as Operation)
const attach = (device: string, direction: Direction, program: ProgramName): Promise<void> =>
  apply({ type: 'AttachProgram', device, direction, program, programs })

/** Another owner, with programs of its own. */
const foreign = `${BPFFS}/foreign`
const addForeign = (device: string, direction: Direction, name = 'bridge_guard'): string => {
  const pin = `${foreign}/${device}-${direction}-${name}`
  const program = openProgram(`${foreign}/prog/${name}`)
  attachTcx(program, { ifindex: ifindexOf(device), direction, pin })
  program.close()
  return pin
}
const ifindexOf = (device: string): number => JSON.parse(ip(`-j link show dev ${device}`))[0].ifindex
const filterOf = async (device: string, direction: Direction): Promise<Filter | undefined> =>
  (await kernel.observe()).filters.find((it) => it.device === device && it.direction === direction)
const idOf = (program: ProgramName): number => {
  const opened = openProgram(kernel.sets.pinOf(programs, program))
  opened.close()
  return opened.id
}
const hasFilter = (device: string, direction: Direction): boolean =>
  tc(`filter show dev ${device} ${direction}`).includes('bpf')

let made = 0
const addDevice = (): string => {
  const name = `dev${made++}`
  ip(`link add name ${name} type bridge`)
  return name
}

/** On an older kernel there is nothing to test. */
const withTcx = hasTcx() ? test : test.skip

test.before(async () => {
  await apply({ type: 'LoadPrograms', programs })
  mkdirSync(foreign)
  run('bpftool', 'prog', 'loadall', objectPath, `${foreign}/prog`)
})

test('who does not want them has filters of tc', async () => {
  const device = addDevice()
  const operation = { subject: 'test', type: 'AttachProgram', device, direction: 'ingress', program: 'port_ingress' }
  await new NodeKernel({ ...options, usesTcx: false }).apply({ ...operation, programs } as Operation)
  assert.ok(hasFilter(device, 'ingress'))
  assert.equal(tcxPrograms(ifindexOf(device), 'ingress'), [])
})

withTcx('a program takes the place of one that is a filter of tc, and of the clsact that we made for it', async () => {
  const device = addDevice()
  const attachment = { subject: 'test', type: 'AttachProgram', device, direction: 'ingress', program: 'port_ingress' }
  const operation = { ...attachment, programs } as Operation
  await new NodeKernel({ ...options, usesTcx: false }).apply(operation)
  const upgraded = new NodeKernel(options)
  const [stale] = (await upgraded.observe()).filters.filter((it) => it.device === device)
  assert.equal(stale, { device, direction: 'ingress', program: 'port_ingress', programs, isCurrent: false })
  await upgraded.apply(operation)
  assert.equal(tcxPrograms(ifindexOf(device), 'ingress'), [idOf('port_ingress')])
  assert.ok((await filterOf(device, 'ingress'))?.isCurrent)
  assert.is(tc(`qdisc show dev ${device}`).includes('clsact'), false)
})

withTcx('a move from tc that was cut off is ended by the next attempt', async () => {
  const device = addDevice()
  const operation = { subject: 'test', type: 'AttachProgram', device, direction: 'ingress', program: 'port_ingress' }
  await new NodeKernel({ ...options, usesTcx: false }).apply({ ...operation, programs } as Operation)
  kernel.links.attach({ ifindex: ifindexOf(device), direction: 'ingress' }, kernel.sets.pinOf(programs, 'port_ingress'))
  assert.not((await filterOf(device, 'ingress'))?.isCurrent, 'a frame would be judged twice')
  await attach(device, 'ingress', 'port_ingress')
  assert.ok((await filterOf(device, 'ingress'))?.isCurrent)
  assert.not(hasFilter(device, 'ingress'))
})

withTcx(
  'a link that went into another namespace with its device is taken off, and never taken for one here',
  async () => {
    const device = 'leaves'
    ip(`link add name ${device} type veth peer name leavesp`)
    const ifindex = ifindexOf(device)
    await attach(device, 'ingress', 'port_ingress')
    run('ip', 'netns', 'add', 'elsewhere')
    ip(`link set dev ${device} netns elsewhere`)
    ip(`link add name again index ${ifindex} type bridge`)
    assert.is(await filterOf('again', 'ingress'), undefined)
    ip('link delete dev again')
    const pin = `${bpfDir}/links/${ifindex}-ingress`
    assert.ok(existsSync(pin))
    await kernel.observe()
    assert.not(existsSync(pin))
  },
)

withTcx("somebody's filter of tc is not in the way", async () => {
  const device = addDevice()
  tc(`qdisc add dev ${device} clsact`)
  tc(`filter add dev ${device} ingress pref 1 protocol ip u32 match u32 0 0`)
  assert.is(await filterOf(device, 'ingress'), undefined)
  await attach(device, 'ingress', 'port_ingress')
  await apply({ type: 'DetachProgram', device, direction: 'ingress' })
  assert.equal(tcxPrograms(ifindexOf(device), 'ingress'), [])
  assert.match(tc(`filter show dev ${device} ingress`), 'u32')
})

withTcx('where somebody has one, ours is put before it; it is replaced in place, and taken off', async () => {
  const device = addDevice()
  const ifindex = ifindexOf(device)
  addForeign(device, 'egress')
  const [other] = tcxPrograms(ifindex, 'egress') as [number]
  await attach(device, 'egress', 'underlay_egress')
  assert.equal(tcxPrograms(ifindex, 'egress'), [idOf('underlay_egress'), other])
  const expected = { device, direction: 'egress', programs, isCurrent: true }
  assert.equal(await filterOf(device, 'egress'), { ...expected, program: 'underlay_egress' })
  await attach(device, 'egress', 'bridge_guard')
  assert.equal(tcxPrograms(ifindex, 'egress'), [idOf('bridge_guard'), other])
  await apply({ type: 'DetachProgram', device, direction: 'egress' })
  assert.equal(tcxPrograms(ifindex, 'egress'), [other])
  assert.is(await filterOf(device, 'egress'), undefined)
})

withTcx(
  'one that comes later makes ours stale, and it takes a place before it; when that is gone, ours stays',
  async () => {
    const device = addDevice()
    const ifindex = ifindexOf(device)
    const first = addForeign(device, 'ingress')
    await attach(device, 'ingress', 'underlay_entry')
    assert.ok((await filterOf(device, 'ingress'))?.isCurrent)
    const second = addForeign(device, 'ingress', 'underlay_egress')
    assert.not((await filterOf(device, 'ingress'))?.isCurrent, 'a link behind another')
    await attach(device, 'ingress', 'underlay_entry')
    assert.is(tcxPrograms(ifindex, 'ingress')[0], idOf('underlay_entry'))
    assert.is(tcxPrograms(ifindex, 'ingress').length, 3)
    for (const pin of [first, second]) detachTcx(pin)
    assert.ok((await filterOf(device, 'ingress'))?.isCurrent)
  },
)

withTcx('a program is taken off also when the records were lost', async () => {
  const device = addDevice()
  await attach(device, 'ingress', 'port_ingress')
  const forgetful = new NodeKernel({ ...options, stateDir: '/run/empty' })
  await forgetful.apply({ subject: 'test', type: 'DetachProgram', device, direction: 'ingress' })
  assert.equal(tcxPrograms(ifindexOf(device), 'ingress'), [])
})

withTcx('a link that somebody took off, or whose device is gone, is forgotten', async () => {
  const device = addDevice()
  addForeign(device, 'ingress')
  await attach(device, 'ingress', 'underlay_entry')
  const links = (): string[] => readdirSync(`${bpfDir}/links`)
  const before = links().length
  run('bpftool', 'link', 'detach', 'pinned', `${bpfDir}/links/${ifindexOf(device)}-ingress`)
  assert.is(await filterOf(device, 'ingress'), undefined)
  await attach(device, 'ingress', 'underlay_entry')
  assert.ok((await filterOf(device, 'ingress'))?.isCurrent)
  ip(`link delete dev ${device}`)
  await kernel.observe()
  assert.is(links().length, before - 1)
})

test.run()
