// Good and bad objects against the real API server, with our CRDs and the chart's admission policies: what users see when they err.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { badObjects, badUpdates, goodObjects } from './admission-table.ts'
import { apply, startWorld, type World } from './admission-world.ts'

const admission = suite<World>('admission')
admission.before(async (world) => {
  Object.assign(world, await startWorld())
})
admission.after(({ end }) => end())

for (const [what, object] of goodObjects)
  admission(`takes ${what}`, async (world) => {
    const { code, stderr } = await apply(world, object)
    assert.is(code, 0, stderr)
  })

for (const [what, object, ...messages] of badObjects)
  admission(`refuses ${what}`, async (world) => {
    const { code, stderr } = await apply(world, object)
    assert.is.not(code, 0, 'the object was accepted')
    for (const message of messages) assert.match(stderr, message)
  })

for (const [what, object, patch, message] of badUpdates)
  admission(`refuses to change ${what}`, async (world) => {
    assert.is((await apply(world, object)).code, 0)
    const { kind, metadata } = object as { kind: string; metadata: { name: string; namespace?: string } }
    const namespace = metadata.namespace ? ['-n', metadata.namespace] : []
    const { code, stderr } = await world.kubectl([
      'patch',
      kind,
      metadata.name,
      ...namespace,
      '--type=merge',
      '-p',
      JSON.stringify(patch),
    ])
    assert.is.not(code, 0, 'the change was accepted')
    assert.match(stderr, message)
  })

admission('fills in the defaults', async (world) => {
  await apply(world, {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'plain', namespace: 'default' },
    spec: {},
  })
  const { stdout } = await world.kubectl([
    'get',
    'vnet',
    'plain',
    '-o',
    'jsonpath={.spec.className} {.spec.topology.type}',
  ])
  assert.is(stdout, 'default Mesh')
})

admission('explains each kind', async ({ kubectl }) => {
  for (const field of [
    'vnet.spec',
    'vnet.spec.topology.star.hubs',
    'olink.spec',
    'mcluster.spec.sites',
    'netclass.spec',
  ])
    assert.match((await kubectl(['explain', field])).stdout, /DESCRIPTION:\s+\S+/, field)
})

admission('the short name lists networks alone, the category everything', async ({ kubectl }) => {
  assert.not.match((await kubectl(['get', 'vnet', '-A', '-o', 'name'])).stdout, 'overlaylink')
  assert.match((await kubectl(['get', 'overlay', '-A', '-o', 'name'])).stdout, 'overlaylink')
})

admission.run()
