import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Pod } from '#runtime/resources.ts'
import { waitUntil } from '../wait-until.ts'
import type { NodeContext } from './node-context.ts'
import { TokenFile } from './token-file.ts'

const pod: Pod = {
  metadata: { name: 'p', namespace: 'n', uid: 'u' },
  spec: { containers: [], serviceAccountName: 'a' },
}

test('a token is renewed before it expires, until it is stopped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vnt-token-'))
  const requests: unknown[] = []
  const client = {
    createToken: async (...request: unknown[]) => {
      requests.push(request)
      const expirationTimestamp = new Date(Date.now() + 250).toISOString()
      return { token: `token-${requests.length}`, expirationTimestamp }
    },
  }
  const path = join(folder, 'deep', 'token')
  const file = new TokenFile({ client, report: () => {} } as unknown as NodeContext, pod, {
    path,
    audience: 'hub',
    expirationSeconds: 600,
  })
  try {
    await file.start()
    assert.is(readFileSync(path, 'utf8'), 'token-1')
    await waitUntil(() => readFileSync(path, 'utf8') === 'token-3', { what: 'two renewals', intervalMs: 20 })
    assert.equal(requests[0], [
      { name: 'a', namespace: 'n' },
      {
        audiences: ['hub'],
        expirationSeconds: 600,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' },
      },
    ])
  } finally {
    file.stop()
    rmSync(folder, { recursive: true })
  }
})

test.run()
