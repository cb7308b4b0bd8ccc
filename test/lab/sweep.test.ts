import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isAlive, namespacePrefix, RunState, runsFolder } from './run-state.ts'
import { mountsUnder, sweep } from './sweep.ts'
import { waitUntil } from './wait-until.ts'

// A run with one of each kind of thing that stays when it dies.
const doomed = `
  import { RunState } from '#test/lab/run-state.ts'
  import { createNamespace } from '#test/lab/underlay.ts'
  import { runOrThrow } from '#test/lab/processes.ts'
  import { Program } from '#test/lab/program.ts'
  const state = RunState.create()
  await createNamespace(state.namespace('node'))
  await runOrThrow(['mount', '-t', 'bpf', 'bpf', state.subfolder('mount')])
  new Program(state, { argv: ['sleep', '300'], logFile: state.folder + '/log' })
  console.log(state.id)
  setInterval(() => {}, 1000)`

const firstLine = async (child: ChildProcess): Promise<string> => {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return (await lines.next()).value as string
}
const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve))
const namespaces = (id: string): string[] =>
  readdirSync('/run/netns').filter((name) => name.startsWith(namespacePrefix(id)))

test('a run that lives is left alone; one that was killed is removed', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', doomed], { stdio: ['ignore', 'pipe', 'inherit'] })
  const state = RunState.open(await firstLine(child))
  const [sleeper] = state.processes
  try {
    await sweep()
    assert.ok(existsSync(state.folder) && sleeper && isAlive(sleeper))
  } finally {
    const end = ended(child)
    child.kill('SIGKILL')
    await end
  }
  assert.is(namespaces(state.id).length, 1)
  assert.is(mountsUnder(state.folder).length, 1)
  assert.ok(isAlive(sleeper!))
  // A young folder may belong to a run that is about to name its owner, so a sweep leaves it for some seconds.
  await waitUntil(
    async () => {
      await sweep()
      return !existsSync(state.folder)
    },
    { what: 'the dead run is removed', timeoutMs: 30_000, intervalMs: 1_000 },
  )
  assert.equal(namespaces(state.id), [])
  assert.equal(mountsUnder(state.folder), [])
  assert.not(isAlive(sleeper!))
})

test('Ctrl-C while a laboratory starts removes all of it', async () => {
  const before = new Set(existsSync(runsFolder) ? readdirSync(runsFolder) : [])
  const main = [join(import.meta.dirname, 'main.ts'), join(import.meta.dirname, 'labs/two-clusters.yaml')]
  const child = spawn(process.execPath, main, { stdio: ['ignore', 'pipe', 'inherit'] })
  const end = ended(child)
  const line = await firstLine(child)
  assert.match(line, /underlay|removed/)
  const started = readdirSync(runsFolder).filter((id) => !before.has(id))
  child.kill('SIGINT')
  assert.is(await end, 130)
  for (const id of started) {
    // Another laboratory may have started at the same time: that one still has its owner.
    if (RunState.open(id).ownerIsAlive) continue
    assert.not(existsSync(join(runsFolder, id)))
    assert.equal(namespaces(id), [])
  }
})

test.run()
