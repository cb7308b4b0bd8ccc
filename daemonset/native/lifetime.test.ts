import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BpfMap, createMap, openMap, openProgram, openRingBuffer } from '#daemonset/native/index.ts'
import { loadTestPrograms, mountBpffs } from './test-bpffs.ts'

const test = suite('lifetime')
const bpffs = mountBpffs()
const pins = loadTestPrograms(bpffs)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const descriptors = (): number => readdirSync('/proc/self/fd').length
const ringMappings = (): number => readFileSync('/proc/self/maps', 'utf8').split('anon_inode:bpf-map').length - 1
const make = (): BpfMap => createMap({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1 })
const until = async (reached: () => boolean): Promise<void> => {
  const deadline = performance.now() + 20_000
  while (!reached()) {
    if (performance.now() > deadline) throw new Error('The condition was not reached within 20 s')
    collect()
    await new Promise(setImmediate)
  }
}

test.after(() => bpffs.close())

test('close() gives descriptors and mappings back', () => {
  const before = [descriptors(), ringMappings()]
  for (let round = 0; round < 50; round++) {
    const all = [make(), openMap(`${pins}/runs`), openProgram(`${pins}/emit`), openRingBuffer(`${pins}/events`)]
    for (const one of all) one.close()
  }
  assert.equal([descriptors(), ringMappings()], before)
})

test('failures give descriptors back', () => {
  const before = descriptors()
  for (let round = 0; round < 50; round++) {
    assert.throws(() => openMap(`${pins}/emit`))
    assert.throws(() => openProgram(`${pins}/runs`))
    assert.throws(() => openRingBuffer(`${pins}/runs`))
    assert.throws(() => openRingBuffer(`${pins}/emit`))
  }
  assert.is(descriptors(), before)
})

test('what nobody holds any more is closed by the garbage collector', async () => {
  const before = descriptors()
  const mappings = ringMappings()
  const drop = (): void => {
    for (let round = 0; round < 50; round++) {
      make()
      openProgram(`${pins}/emit`)
      openRingBuffer(`${pins}/events`)
    }
  }
  drop()
  assert.ok(descriptors() > before)
  await until(() => descriptors() === before && ringMappings() === mappings)
})

test('rings that waited are closed by the garbage collector too', async () => {
  const before = descriptors()
  const waitAndDrop = async (): Promise<void> => {
    const controller = new AbortController()
    const waits = Array.from({ length: 20 }, () => openRingBuffer(`${pins}/events`).wait(controller.signal))
    controller.abort()
    assert.ok((await Promise.all(waits)).every((readable) => readable === false))
  }
  await waitAndDrop()
  await until(() => descriptors() === before)
})

test('a worker that ends while it waits leaves nothing behind', async () => {
  const before = descriptors()
  const face = new URL('./index.ts', import.meta.url).href
  for (const ending of ['terminate', 'exit'] as const) {
    const worker = new Worker(
      `import(${JSON.stringify(face)}).then(({ openRingBuffer, openMap }) => {
        const { parentPort } = require('node:worker_threads')
        openMap(${JSON.stringify(`${pins}/runs`)})
        const ring = openRingBuffer(${JSON.stringify(`${pins}/events`)})
        parentPort.once('message', () => process.exit())
        ring.wait()
        parentPort.postMessage('waiting')
      })`,
      { eval: true },
    )
    await once(worker, 'message')
    assert.ok(descriptors() > before)
    const exited = once(worker, 'exit')
    if (ending === 'terminate') await worker.terminate()
    else worker.postMessage('exit')
    await exited
    await until(() => descriptors() === before)
  }
})

test('a ring that nobody waits for lets the process end, drained or not', async () => {
  const face = new URL('./index.ts', import.meta.url).href
  const worker = new Worker(
    `import(${JSON.stringify(face)}).then(async ({ openRingBuffer, openProgram }) => {
      const ring = openRingBuffer(${JSON.stringify(`${pins}/events`)})
      const wait = ring.wait()
      openProgram(${JSON.stringify(`${pins}/emit`)}).testRun({ data: new Uint8Array(100) })
      require('node:worker_threads').parentPort.postMessage(await wait)
    })`,
    { eval: true },
  )
  const exit = once(worker, 'exit', { signal: AbortSignal.timeout(20_000) })
  assert.equal(await once(worker, 'message'), [true])
  assert.equal(await exit, [0])
})

test.run()
