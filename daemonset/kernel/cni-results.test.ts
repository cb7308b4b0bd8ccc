import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '#runtime/until.ts'
import { CniResults } from './cni-results.ts'
import { Ledger, writeFileDurably } from './ledger.ts'
import { enterTestNamespace, run } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)

const test = suite('files of the node')
const LIMIT = '/proc/sys/user/max_inotify_instances'

test('where nothing more can be watched the results are read all the same, and it is said', () => {
  const folder = mkdtempSync('/run/results-')
  const source = `import { CniResults } from ${JSON.stringify(join(import.meta.dirname, 'cni-results.ts'))}
    const results = new CniResults([${JSON.stringify(folder)}])
    results.watch(() => {})
    console.log(JSON.stringify([results.read(), results.problems.map(({ reason }) => reason)]))`
  // The limit is that of a user namespace: one of its own leaves the host's alone.
  const script = `echo 0 > ${LIMIT}; exec "$@"`
  const node = [process.execPath, '--input-type=module', '-e', source]
  const output = run('unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh', ...node)
  assert.equal(JSON.parse(output), [{ attachments: [], failures: [] }, ['WatchFailed']])
})

test('a folder that cannot be listed is a problem of its own', () => {
  const folder = mkdtempSync('/run/results-')
  const notAFolder = join(folder, 'file')
  writeFileSync(notAFolder, '')
  const results = new CniResults([notAFolder, folder])
  results.read()
  assert.equal(
    results.problems.map(({ subject, reason }) => `${subject} ${reason}`),
    [`${notAFolder} ResultsUnreadable`],
  )
})

test('a folder that was removed and made again is watched again', async () => {
  const folder = mkdtempSync('/run/again-')
  const results = new CniResults([folder])
  let changes = 0
  const onChange = (): void => void changes++
  results.watch(onChange)
  rmSync(folder, { recursive: true })
  results.watch(onChange)
  mkdirSync(folder)
  results.watch(onChange)
  writeFileSync(join(folder, 'file'), '')
  await until(() => changes > 0, { timeoutMs: 5_000 })
  results.close()
})

test('a file that finds no room is not cut off: the old content stays', () => {
  mkdirSync('/run/small')
  run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'small', '/run/small')
  writeFileDurably('/run/small/file', 'old')
  assert.throws(() => writeFileDurably('/run/small/file', 'x'.repeat(200_000)), /ENOSPC/)
  assert.is(readFileSync('/run/small/file', 'utf8'), 'old')
})

test('a record that cannot be read is a problem, and counts as none', () => {
  mkdirSync('/run/broken')
  for (const content of ['{"devices": {"vnet0"', 'null', '[]']) {
    writeFileSync('/run/broken/owned.json', content)
    const { problem, owned } = new Ledger('/run/broken')
    assert.is(problem?.reason, 'StateUnreadable', content)
    assert.equal(owned.devices, {})
  }
  writeFileSync('/run/broken/owned.json', '{"devices": null, "qdiscs": {"eth0": "x"}}')
  assert.equal(new Ledger('/run/broken').owned.qdiscs, {})
})

test.run()
