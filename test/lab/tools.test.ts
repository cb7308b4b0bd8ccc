import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nativeTool } from './tools.ts'

const test = suite<{ cache: string; before: string | undefined }>('tools of the laboratory')
test.before.each((world) => {
  world.before = process.env.VNET_CACHE
  world.cache = mkdtempSync(join(tmpdir(), 'vnet-tools-'))
  process.env.VNET_CACHE = world.cache
})
test.after.each(({ cache, before }) => {
  if (before === undefined) delete process.env.VNET_CACHE
  else process.env.VNET_CACHE = before
  rmSync(cache, { recursive: true })
})

test('several that need the same program at once get it, though none is built yet', async () => {
  const paths = await Promise.all([nativeTool('frames'), nativeTool('frames'), nativeTool('frames')])
  assert.is(new Set(paths).size, 1)
})

test.run()
