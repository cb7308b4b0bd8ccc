import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Direction, Filter, ProgramName } from '../desired/observed-state.ts'
import type { Operation } from '../desired/operation.ts'
import { KernelError } from './command.ts'
import { NodeKernel } from './node-kernel.ts'
import { BPFFS, enterTestNamespace, ip, objectPath, run, tc } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const test = suite('filters of tc')
const kernel = new NodeKernel({
  bpfDir: `${BPFFS}/filters`,
  stateDir: '/run/state-filters',
  objectPath,
  nowMs: Date.now(),
  usesTcx: false,
})
const { digest: programs } = kernel.sets
const apply = (operation: object): Promise<void> => kernel.apply({ subject: 'test', ...operation } as Operation)
const attach = (device: string, direction: Direction, program: ProgramName): Promise<void> =>
  apply({ type: 'AttachProgram', device, direction, program, programs })
const detach = (device: string, direction: Direction): Promise<void> =>
  apply({ type: 'DetachProgram', device, direction })
const errorOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (cause: unknown) => cause,
  )
const filtersOf = async (name: string): Promise<Filter[]> =>
  (await kernel.observe()).filters.filter(({ device }) => device === name)
const current = (device: string, direction: Direction, program: ProgramName): Filter => ({
  device,
  direction,
  program,
  programs,
  isCurrent: true,
})
const hasIngressDiscipline = (device: string): boolean => tc(`qdisc show dev ${device}`).includes('qdisc ingress')

/** Does something while the `tc` that is found first does as `script` says for what it is asked in a batch. */
const withBatches = async (script: string, action: () => Promise<void>): Promise<void> => {
  const folder = '/run/stub'
  mkdirSync(folder, { recursive: true })
  const real = run('sh', '-c', 'command -v tc').trim()
  writeFileSync(`${folder}/tc`, `#!/bin/sh\ncase "$*" in *-batch*) ${script};; *) exec ${real} "$@";; esac\n`)
  chmodSync(`${folder}/tc`, 0o755)
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  try {
    await action()
  } finally {
    process.env.PATH = PATH
  }
}

let made = 0
const addDevice = (): string => {
  const name = `dev${made++}`
  ip(`link add name ${name} type bridge`)
  return name
}

const refusesEgress = async (device: string): Promise<void> => {
  const error = await errorOf(attach(device, 'egress', 'underlay_egress'))
  assert.instance(error, KernelError)
  assert.is((error as KernelError).reason, 'QdiscConflict')
  assert.match((error as KernelError).message, `tc qdisc delete dev ${device} ingress`)
}

test.before(() => apply({ type: 'LoadPrograms', programs }))

test("where somebody's ingress discipline is, no program of the other direction gets into its chain", async () => {
  const device = addDevice()
  tc(`qdisc add dev ${device} ingress`)
  await refusesEgress(device)
  assert.not(tc(`filter show dev ${device} ingress`).includes('underlay_egress'))
  assert.equal(await filtersOf(device), [])
  assert.is((await kernel.observe()).owned.filters[`${device}/egress`], undefined)
  await attach(device, 'ingress', 'underlay_entry')
  await refusesEgress(device)
  assert.equal(await filtersOf(device), [current(device, 'ingress', 'underlay_entry')])
})

test("takes its program off somebody's ingress discipline, and leaves that; egress means nothing there", async () => {
  const device = addDevice()
  tc(`qdisc add dev ${device} ingress`)
  await attach(device, 'ingress', 'port_ingress')
  assert.is((await kernel.observe()).owned.qdiscs[device], undefined)
  await detach(device, 'egress')
  assert.equal(await filtersOf(device), [current(device, 'ingress', 'port_ingress')])
  await detach(device, 'ingress')
  assert.equal(await filtersOf(device), [])
  assert.ok(hasIngressDiscipline(device))
})

test('an ingress discipline that somebody put in place of our clsact is not ours', async () => {
  const device = addDevice()
  for (const direction of ['ingress', 'egress'] as const) await attach(device, direction, 'bridge_guard')
  assert.ok((await kernel.observe()).owned.qdiscs[device])
  tc(`qdisc delete dev ${device} clsact`)
  tc(`qdisc add dev ${device} ingress`)
  await refusesEgress(device)
  await attach(device, 'ingress', 'bridge_guard')
  assert.equal(await filtersOf(device), [current(device, 'ingress', 'bridge_guard')])
  assert.is((await kernel.observe()).owned.qdiscs[device], undefined)
  for (const direction of ['ingress', 'egress'] as const) await detach(device, direction)
  assert.ok(hasIngressDiscipline(device))
})

const brokenBatches: [string, string][] = [
  ['as a whole', 'echo "Cannot open rtnetlink" >&2; exit 255'],
  ['before the end', `echo '[]'; echo "Cannot talk to rtnetlink" >&2; exit 1`],
  ['at one place', `cat >&2; for it in $(seq 40); do echo "Out of memory\nCommand failed -:$it" >&2; done; exit 1`],
]
for (const [how, script] of brokenBatches)
  test(`a tc that fails ${how} does not say that there are no filters, nor that nobody uses our clsact`, async () => {
    const device = addDevice()
    await attach(device, 'ingress', 'port_ingress')
    tc(`filter add dev ${device} egress pref 7 protocol ip u32 match u32 0 0`)
    await withBatches(script, async () => {
      assert.instance(await errorOf(kernel.observe()), KernelError)
      assert.instance(await errorOf(detach(device, 'ingress')), KernelError)
    })
    assert.match(tc(`filter show dev ${device} egress`), 'u32')
    assert.ok((await kernel.observe()).owned.qdiscs[device], 'still recorded')
    tc(`filter delete dev ${device} egress pref 7`)
    await detach(device, 'ingress')
    assert.not(tc(`qdisc show dev ${device}`).includes('clsact'))
  })

test('a device that goes while it is looked at has no filters', async () => {
  const device = addDevice()
  await attach(device, 'ingress', 'port_ingress')
  await withBatches(`ip link delete dev ${device}; exec ${run('sh', '-c', 'command -v tc').trim()} "$@"`, async () => {
    assert.equal(await filtersOf(device), [])
  })
})

test.run()
