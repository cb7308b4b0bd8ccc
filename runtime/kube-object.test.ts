import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError, errorFromAnswer, errorFromConnection, isConflict, isNotFound } from './api-error.ts'
import { apiVersionOf, deepFreeze, keyOf, parseKey, resourceName, resourcePath } from './kube-object.ts'
import { Leases, Nodes, Pods } from './resources.ts'

test('paths of collections, objects and subresources', () => {
  assert.is(resourcePath(Pods), '/api/v1/pods')
  assert.is(resourcePath(Pods, { namespace: 'x' }), '/api/v1/namespaces/x/pods')
  assert.is(resourcePath(Nodes, { name: 'n/1' }, 'status'), '/api/v1/nodes/n%2F1/status')
  assert.is(resourcePath(Leases, { namespace: 'x', name: 'l' }), '/apis/coordination.k8s.io/v1/namespaces/x/leases/l')
})

test('keys name an object and can be read back', () => {
  const rows = [{ name: 'n', namespace: 'x' }, { name: 'n' }]
  assert.equal(rows.map(keyOf), ['x/n', 'n'])
  assert.equal(rows.map(keyOf).map(parseKey), rows)
  assert.is(keyOf({ metadata: rows[0] }), 'x/n')
  assert.equal(
    [apiVersionOf(Pods), apiVersionOf(Leases), resourceName(Leases)],
    ['v1', 'coordination.k8s.io/v1', 'leases.coordination.k8s.io'],
  )
})

test('freezes to the bottom', () => {
  const frozen = deepFreeze({ a: [{ b: 1 }] })
  assert.ok(Object.isFrozen(frozen.a[0]))
})

test('makes an error of whatever came back', () => {
  const attempt = 'get pods x/p'
  const body = JSON.stringify({
    kind: 'Status',
    code: 409,
    reason: 'Conflict',
    message: 'changed',
    details: { retryAfterSeconds: 2 },
  })
  const conflict = errorFromAnswer({ attempt, status: 409, body })
  assert.equal(
    [isConflict(conflict), conflict.retryAfterMs, conflict.message],
    [true, 2000, 'get pods x/p: 409 Conflict: changed'],
  )
  const html = errorFromAnswer({ attempt, status: 404, body: '<html>nothing here</html>' })
  assert.equal([isNotFound(html), html.message], [true, 'get pods x/p: 404 NotFound: <html>nothing here</html>'])
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const unreachable = errorFromConnection(attempt, 'https://hub', cause)
  assert.instance(unreachable, ApiError)
  assert.equal([unreachable.status, unreachable.reason, unreachable.cause], [0, 'Unreachable', cause])
  assert.match(unreachable.message, 'https://hub could not be reached (ECONNREFUSED)')
})

test.run()
