import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ApiError } from './api-error.ts'
import { createLogger, type LogLevel } from './logging.ts'

const start = (level: LogLevel) => {
  const records: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void records.push(JSON.parse(line)) }
  return { records, log: createLogger({ level, name: 'agent', destination: destination as never }) }
}

test('writes one JSON line with name, level by word, time and fields', () => {
  const { records, log } = start('info')
  log.child({ controller: 'hub.network' }).info({ key: 'x/a', durationMs: 3 }, 'reconciled')
  const [{ time, ...rest } = {}] = records
  assert.match(String(time), /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.equal(rest, {
    level: 'info',
    name: 'agent',
    controller: 'hub.network',
    key: 'x/a',
    durationMs: 3,
    msg: 'reconciled',
  })
})

test('keeps quiet below its level', () => {
  const { records, log } = start('warn')
  log.info('nothing')
  log.warn('something')
  assert.is(records.length, 1)
})

test('prints an error with its causes', () => {
  const { records, log } = start('info')
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  const { message, stack } = (records[0]?.err ?? {}) as { message: string; stack: string }
  assert.equal([message, stack.includes('caused by: Error: inner')], ['outer: inner', true])
})

test('prints an answer of the API server without a stack', () => {
  const { records, log } = start('info')
  log.warn(
    { err: new ApiError({ attempt: 'get pods x/p', status: 404, reason: 'NotFound', message: 'gone' }) },
    'failed',
  )
  const message = 'get pods x/p: 404 NotFound: gone'
  assert.equal(records[0]?.err, { type: 'ApiError', message, status: 404, reason: 'NotFound' })
})

test.run()
