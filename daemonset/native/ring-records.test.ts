import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('ring records')
const ROUNDS = 200_000

/** Children run without the sanitizer that `make asan` preloads into Node. */
const run = (command: string, args: string[]): string => {
  const { LD_PRELOAD: _, ...env } = process.env
  const { status, signal, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 120_000 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status ?? signal}:\n${stderr}`)
  return stdout
}

test('odd headers and positions are never read beyond, and every state is met', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnt-'))
  try {
    const binary = join(folder, 'fuzz')
    const sources = ['ring-records.c', 'ring-records.fuzz.c'].map((name) => join(import.meta.dirname, name))
    const flags = ['-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined', '-fno-sanitize-recover']
    run('gcc', [...flags, ...sources, '-o', binary])
    const seed = String(Date.now())
    const counts = [...run(binary, [seed, String(ROUNDS)]).matchAll(/(\w+) (\d+)/g)]
    assert.equal(
      counts.map(([, state]) => state),
      ['empty', 'busy', 'record', 'discarded', 'corrupt'],
    )
    for (const [, state, count] of counts) assert.ok(Number(count) > ROUNDS / 100, `${state} ${count}, seed ${seed}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.run()
