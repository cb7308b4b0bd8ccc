// Specs are written over what the decision saw, and over nothing else.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeBridge } from '#crds/node-bridge.ts'
import { isConflict } from '#runtime/api-error.ts'
import { FakeApiServer } from '#runtime/fake-api-server.ts'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import { type SpecWrite, SpecWriter } from './spec-writer.ts'

const REF = { namespace: 'vnet-cluster-east', name: 'n1' }
const never = new AbortController().signal

const writer = suite<{ server: FakeApiServer }>('spec writer')
writer.before.each(async (context) => {
  context.server = await FakeApiServer.start()
  context.server.seed(NodeBridges, { metadata: REF } as never)
})
writer.after.each(async ({ server }) => await server.stop())

const read = (server: FakeApiServer): NodeBridge => server.read(NodeBridges, REF) as NodeBridge

const writeOf = ({ metadata }: NodeBridge, serial: number, epoch = 1): SpecWrite => ({
  bridge: 'east/n1',
  object: {
    ...REF,
    uid: metadata.uid ?? '',
    generation: metadata.generation,
    resourceVersion: metadata.resourceVersion,
  },
  spec: { epoch, serial },
})

const report = (server: FakeApiServer, programmedSerial: number): void => {
  server.modify(NodeBridges, REF, (bridge: NodeBridge) => ({ ...bridge, status: { programmedSerial } }))
}

writer('a former leader that has not heard of its end does not overwrite the spec of the next', async ({ server }) => {
  const former = new SpecWriter(server.client({ fieldManager: 'vnet-hub' }))
  const present = new SpecWriter(server.client({ fieldManager: 'vnet-hub' }))
  const stale = read(server)
  assert.equal(await present.write([writeOf(stale, 7, 2)], never), [])
  const [failure] = await former.write([writeOf(stale, 1, 1)], never)
  assert.ok(isConflict(failure?.error))
  assert.equal(read(server).spec, { epoch: 2, serial: 7 })
})

writer('a report of the agent in between holds up no spec', async ({ server }) => {
  const seen = read(server)
  report(server, 0)
  assert.equal(await new SpecWriter(server.client({ fieldManager: 'vnet-hub' })).write([writeOf(seen, 1)], never), [])
  assert.is(read(server).spec?.serial, 1)
})

writer('goes on from its own write while the view is behind', async ({ server }) => {
  const writer = new SpecWriter(server.client({ fieldManager: 'vnet-hub' }))
  const stale = read(server)
  await writer.write([writeOf(stale, 1)], never)
  const newest = writer.newest(stale)
  assert.is(newest.spec?.serial, 1)
  assert.equal(await writer.write([writeOf(newest, 2)], never), [])
  assert.is(read(server).spec?.serial, 2)
})

writer('what the member removed does not come back', async ({ server }) => {
  const client = server.client({ fieldManager: 'vnet-hub' })
  const seen = read(server)
  await client.delete(NodeBridges, REF)
  server.seed(NodeBridges, { metadata: { ...REF, uid: 'another' } } as never)
  const failures = await new SpecWriter(client).write([writeOf(seen, 1)], never)
  assert.is(failures.length, 1)
  assert.is(read(server).spec, undefined)
})

writer.run()
