import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDescription, parseRate, readDescription } from './description.ts'

test('the example files describe laboratories', async () => {
  const folder = join(import.meta.dirname, 'labs')
  const files = readdirSync(folder)
  assert.ok(files.length > 0)
  for (const file of files) assert.ok((await readDescription(join(folder, file))).clusters.length > 0)
})

test('an error names each place that is wrong', () => {
  const site = { name: 'here' }
  const node = { name: 'node-1' }
  const cluster = { name: 'east', nodes: [node] }
  const bad: [unknown, RegExp][] = [
    [{ sites: [site] }, /x does not describe a laboratory/],
    [{ sites: [site], clusters: [{ name: 'East', nodes: [] }] }, /\/clusters\/0\/name/],
    [{ sites: [site], clusters: [cluster], typo: 1 }, /does not describe/],
    [{ sites: [site, site], clusters: [cluster] }, /two sites are named here/],
    [{ sites: [site], clusters: [cluster, cluster] }, /two clusters are named east/],
    [{ sites: [site], clusters: [{ name: 'east', nodes: [node, node] }] }, /two nodes of east are named node-1/],
    [
      { sites: [site], clusters: [{ name: 'east', nodes: [{ name: 'n', site: 'far' }] }] },
      /at site far, which there is not/,
    ],
    [
      { sites: [site], clusters: [cluster], links: [{ a: 'here', b: 'here' }] },
      /link here – here must join two different/,
    ],
  ]
  for (const [value, expected] of bad) assert.throws(() => checkDescription(value, 'x'), expected)
})

test('rates are bits per second', () => {
  assert.equal(['50', '64k', '200M', '1.5G'].map(parseRate), [50, 64_000, 200e6, 1.5e9])
})

test.run()
