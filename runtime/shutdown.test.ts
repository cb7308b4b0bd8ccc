import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { runAll } from './run-all.ts'

const program = `
  import { shutdownSignal } from '${import.meta.dirname}/shutdown.ts'
  import { silentLogger } from '${import.meta.dirname}/logging.ts'
  const signal = shutdownSignal({ logger: silentLogger })
  const alive = setInterval(() => {}, 1000)
  signal.addEventListener('abort', () => {
    console.log(signal.reason.message)
    if (process.env.STUBBORN !== 'true') clearInterval(alive)
  })
  console.log('ready')
`

const start = async (stubborn: boolean) => {
  const env = { ...process.env, STUBBORN: String(stubborn) }
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { env })
  const lines: string[] = []
  child.stdout.setEncoding('utf8')
  const nextLine = async (): Promise<string> => {
    while (lines.length === 0)
      lines.push(
        ...String(await once(child.stdout, 'data'))
          .trim()
          .split('\n'),
      )
    return lines.shift() ?? ''
  }
  assert.is(await nextLine(), 'ready')
  return { child, nextLine, exit: once(child, 'exit') }
}

test('the first signal stops in order, and the process ends by itself', async () => {
  const { child, nextLine, exit } = await start(false)
  child.kill('SIGTERM')
  assert.is(await nextLine(), 'stopped by SIGTERM')
  assert.equal(await exit, [0, null])
})

test('the second signal exits at once', async () => {
  const { child, nextLine, exit } = await start(true)
  child.kill('SIGTERM')
  assert.is(await nextLine(), 'stopped by SIGTERM')
  child.kill('SIGINT')
  assert.equal(await exit, [130, null])
})

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

test('parts run until the signal, and all have ended then', async () => {
  const end = new AbortController()
  const ended: string[] = []
  const part = (name: string) => async (signal: AbortSignal) => {
    await untilAborted(signal)
    ended.push(name)
  }
  const run = runAll(end.signal, { a: part('a'), b: part('b') })
  end.abort()
  await run
  assert.equal(ended.sort(), ['a', 'b'])
})

test('the first part that fails ends the others and is named', async () => {
  const cause = new Error('port taken')
  let hasEnded = false
  const other = async (signal: AbortSignal): Promise<void> => {
    await untilAborted(signal)
    hasEnded = true
    throw new Error('a consequence')
  }
  const failing = async (): Promise<void> => {
    throw cause
  }
  const error = await runAll(new AbortController().signal, { other, health: failing }).catch((error) => error)
  assert.equal([error.message, error.cause, hasEnded], ['health failed: port taken', cause, true])
})

test('a part that ends by itself is a failure', async () => {
  const error = await runAll(new AbortController().signal, { early: async () => {}, other: untilAborted }).catch(
    (e) => e,
  )
  assert.is(error.message, 'early ended without being asked to')
})

test('a part that rejects with the reason of the abort has ended in order', async () => {
  const end = new AbortController()
  const part = async (signal: AbortSignal): Promise<void> => {
    await untilAborted(signal)
    throw signal.reason
  }
  const run = runAll(end.signal, { part })
  end.abort(new Error('stop'))
  await run
})

test.run()
