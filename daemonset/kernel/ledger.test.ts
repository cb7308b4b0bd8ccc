import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Ledger } from './ledger.ts'

const test = suite('record of what is ours')

test('where it cannot be written, nothing new is begun, but what went away is forgotten', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'ledger-'))
  const ledger = new Ledger(stateDir)
  ledger.record('devices', 'vnet0', 3)
  ledger.record('filters', 'veth1/ingress', 4)
  const draft = join(stateDir, 'owned.json.new')
  mkdirSync(draft)
  ledger.prune([{ name: 'vnet0', ifindex: 3 }])
  assert.equal([ledger.owned.devices, ledger.owned.filters], [{ vnet0: 3 }, {}])
  assert.throws(() => ledger.record('devices', 'vn1', 5))
  assert.is(ledger.owned.devices.vn1, undefined)
  rmSync(draft, { recursive: true })
  ledger.record('devices', 'vn1', 5)
  const { devices, filters } = new Ledger(stateDir).owned
  assert.equal([devices, filters], [{ vnet0: 3, vn1: 5 }, {}])
  rmSync(stateDir, { recursive: true })
})

test.run()
