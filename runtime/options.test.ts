import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { defineOptions, HelpRequested, OptionsError, readOptions } from './options.ts'

const spec = defineOptions({
  command: 'vnet-test',
  description: 'Tests options.',
  flags: {
    roles: { type: 'list', choices: ['hub', 'member'], default: ['hub', 'member'], description: 'What to do.' },
    'node-name': { type: 'string', required: true, env: 'NODE_NAME', short: 'n', description: 'Which node.' },
    'health-port': { type: 'integer', minimum: 0, maximum: 65535, default: 8081, description: 'Port of probes.' },
    resync: { type: 'duration', default: '10m', description: 'Period.' },
    'log-level': { type: 'string', choices: ['debug', 'info'], default: 'info', description: 'How much to log.' },
    'dry-run': { type: 'boolean', description: 'Change nothing.' },
    labels: { type: 'list', description: 'More labels.' },
    hub: { type: 'string', description: 'Address of the hub.' },
  },
})

const problemsOf = (argv: string[], env: Record<string, string> = {}): readonly string[] => {
  try {
    readOptions(spec, { argv, env })
  } catch (error) {
    if (error instanceof OptionsError) return error.problems
    throw error
  }
  return []
}

test('has defaults, typed and frozen', () => {
  const options = readOptions(spec, { argv: ['-n', 'n1'], env: {} })
  const port: number = options.healthPort
  const roles: readonly ('hub' | 'member')[] = options.roles
  const hub: string | undefined = options.hub
  assert.equal([port, roles, hub], [8081, ['hub', 'member'], undefined])
  assert.equal([options.nodeName, options.resync, options.logLevel, options.dryRun], ['n1', 600_000, 'info', false])
  assert.equal([options.labels, options.positionals], [[], []])
  assert.throws(() => Object.assign(options, { nodeName: 'other' }), /read only/)
})

test('takes the flag, else the environment, else the default', () => {
  const env = { NODE_NAME: 'from-env', VNET_HEALTH_PORT: '1', VNET_DRY_RUN: 'true', VNET_ROLES: 'hub', VNET_RESYNC: '' }
  const options = readOptions(spec, { argv: ['--health-port=0', '--no-dry-run'], env })
  assert.equal(
    [options.nodeName, options.healthPort, options.dryRun, options.roles, options.resync],
    ['from-env', 0, false, ['hub'], 600_000],
  )
})

test('reads durations as milliseconds', () => {
  const read = (text: string) => readOptions(spec, { argv: ['-n', 'n', '--resync', text], env: {} }).resync
  assert.equal(['300ms', '30s', '2m', '1h'].map(read), [300, 30_000, 120_000, 3_600_000])
})

test('names every problem, its origin and its value', () => {
  assert.equal(
    problemsOf(['--health-port', '70000', '--log-level', 'loud', '--roles', 'hub,boss'], {
      VNET_RESYNC: '10',
      VNET_DRY_RUN: 'yes',
    }),
    [
      '--roles must be of hub, member, got "boss"',
      '--node-name (or NODE_NAME) is required',
      '--health-port must be from 0 to 65535, got 70000',
      'VNET_RESYNC must be a duration as 30s or 10m, got "10"',
      '--log-level must be of debug, info, got "loud"',
      'VNET_DRY_RUN must be true or false, got "yes"',
    ],
  )
  assert.equal(problemsOf(['-n', 'x', '--health-port', '1.5']), ['--health-port must be an integer, got "1.5"'])
  assert.match(problemsOf(['--unknown'])[0] ?? '', /--unknown/)
  assert.match(problemsOf(['-n', 'x', 'word'])[0] ?? '', /word/)
})

test('takes words where there may be some', () => {
  const options = readOptions({ ...spec, positionals: '<network>' }, { argv: ['blue', '-n', 'x', 'red'], env: {} })
  assert.equal(options.positionals, ['blue', 'red'])
})

test('helps', () => {
  assert.throws(
    () => readOptions({ ...spec, positionals: '<network>' }, { argv: ['--help'], env: {} }),
    (error: Error) => {
      assert.instance(error, HelpRequested)
      assert.match(error.message, 'Usage: vnet-test [flags] <network>')
      assert.match(error.message, /-n, --node-name <string> +Which node\. \(required\) \[NODE_NAME\]/)
      assert.match(error.message, /--roles hub,member +What to do\. \(default hub,member\) \[VNET_ROLES\]/)
      return true
    },
  )
})

test.run()
