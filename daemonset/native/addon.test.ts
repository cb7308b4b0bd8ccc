import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addonPath, possibleCpus } from '#daemonset/native/index.ts'

const test = suite('addon')

const messageWith = (path: string): string => {
  const face = new URL('./index.ts', import.meta.url).href
  const script = `const { possibleCpus } = await import(${JSON.stringify(face)})
    try { possibleCpus() } catch (error) { console.log(error.message, '|', error.cause?.message ?? '') }`
  const env = { ...process.env, VNET_NATIVE: path }
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8', timeout: 20_000 })
    .stdout
}

test('is looked for where the environment says', () => {
  assert.is(addonPath({ VNET_NATIVE: '/opt/vnet/vnet.node', VNET_CACHE: '/cache' }), '/opt/vnet/vnet.node')
  assert.match(addonPath({}), /build\/native\/vnet\.node$/)
})

test('an absent one names what makes it; importing alone does not need it', () => {
  assert.match(
    messageWith('/nowhere/vnet.node'),
    /^No native addon at '\/nowhere\/vnet\.node': build it with 'make native'/,
  )
})

test('one that is no addon says why, and is not run as a script', () => {
  assert.match(messageWith(import.meta.filename), /does not load: build it again with 'make native'.* \| .*\S/)
})

test('counts at least the CPUs that are there', () => {
  assert.ok(Number.isInteger(possibleCpus()) && possibleCpus() >= 1)
})

test.run()
