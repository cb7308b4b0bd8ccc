import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError } from '#runtime/api-error.ts'
import { systemClock } from '#runtime/clock.ts'
import { MailboxRefusals } from './mailbox-refusals.ts'

const refusal = (status: number, reason: string) =>
  new ApiError({ attempt: 'writing', status, reason, message: 'no room' })

test('the others go on, the first failure is told, and a refusal is known until the same writer succeeds', async () => {
  const refusals = new MailboxRefusals()
  const { signal } = new AbortController()
  const told: string[] = []
  const stop = refusals.source().start((network) => told.push(network), systemClock)
  const visit = async (writer: 'projection' | 'endpoints', failures: Record<string, unknown>): Promise<unknown> => {
    const visited: string[] = []
    const outcome = await refusals
      .inEach({ writer, network: 'team/blue', signal }, ['a', 'b', 'c'], async (cluster) => {
        visited.push(cluster)
        if (failures[cluster]) throw failures[cluster]
      })
      .catch((error: unknown) => error)
    assert.equal(visited, ['a', 'b', 'c'])
    return outcome
  }
  const [forbidden, conflict] = [refusal(403, 'Forbidden'), refusal(409, 'Conflict')]
  assert.is(await visit('projection', { a: forbidden, b: conflict }), forbidden)
  const known = [{ cluster: 'a', message: 'writing: 403 Forbidden: no room' }]
  assert.equal(refusals.of('team/blue'), known)
  assert.is(await visit('endpoints', {}), undefined)
  assert.equal(refusals.of('team/blue'), known)
  assert.is(await visit('projection', { a: forbidden }), forbidden)
  assert.equal(told, ['team/blue'])
  await visit('projection', {})
  assert.equal(refusals.of('team/blue'), [])
  assert.equal(told, ['team/blue', 'team/blue'])
  stop()
})

test.run()
