// The addon's own tests once more, with the addon built under AddressSanitizer and UndefinedBehaviorSanitizer.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { run } from '#test/lab/processes.ts'
import { checkout } from '#test/lab/tools.ts'

const sanitizers = suite('addon under sanitizers')

sanitizers('no memory error, no undefined behaviour, no leak', async () => {
  const { code, stdout, stderr } = await run(['make', '-C', 'daemonset/native', 'asan'], { cwd: checkout })
  const said = `${stdout}\n${stderr}`
  assert.match(said, /^[1-9]\d* passed, 0 failed/m, said)
  assert.is(code, 0, said)
})

sanitizers.run()
