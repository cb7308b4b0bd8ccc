import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FastPathInput, type FastPathMode, fastPathOf } from './fast-path.ts'
import type { Filter, Firewall, Interface } from './observed-state.ts'

const test = suite('fast path switch')
const underlay = { name: 'eth0', ifindex: 2, kind: '', isUp: true, mac: '02:00:00:00:00:01' } as unknown as Interface
const filter = (program: string | undefined): Filter =>
  ({ device: 'eth0', direction: 'ingress', program, isCurrent: true }) as Filter

type Situation = {
  mode?: FastPathMode
  interfaces?: Interface[]
  filters?: Filter[]
  firewall?: Firewall
}

const attached = [filter('underlay_entry'), filter('underlay_egress')]

const decide = ({ mode = 'Auto', interfaces = [underlay], filters = attached, firewall = { rules: [] } }: Situation) =>
  fastPathOf({ mode, underlayDevice: 'eth0', observed: { interfaces, filters, firewall } } satisfies FastPathInput)

test('on, where nothing is against it', () => {
  assert.is(decide({}).isOn, true)
  assert.is(decide({}).reason, 'InUse')
  assert.is(decide({ mode: 'Strict' }).isOn, true)
})

test('rules of the host matter to Strict alone', () => {
  const firewall = { rules: ['inet filter input'] }
  assert.is(decide({ firewall }).isOn, true)
  const strict = decide({ mode: 'Strict', firewall })
  assert.equal([strict.isOn, strict.reason], [false, 'HostFirewall'])
  assert.match(strict.message, 'inet filter input; remove them from the node, or set agent.fastPath to Auto')
})

test('rules that cannot be read count as rules under Strict, and only there', () => {
  const firewall = { rules: [], unreadable: 'nft: not found' }
  assert.is(decide({ firewall }).isOn, true)
  const strict = decide({ mode: 'Strict', firewall })
  assert.equal([strict.isOn, strict.reason], [false, 'HostFirewallUnknown'])
  assert.match(strict.message, 'nft: not found')
  assert.match(strict.message, 'set agent.fastPath to Auto')
})

test('a long list of rules is cut, and says so', () => {
  const rules = Array.from({ length: 40 }, (_, index) => `ip nat chain-${index}`)
  const { message } = decide({ mode: 'Strict', firewall: { rules } })
  assert.match(message, 'ip nat chain-4, and 35 more')
  assert.not.match(message, 'chain-5')
})

test('each other obstacle has its word, whatever the firewall', () => {
  const cases: [Situation, string][] = [
    [{ mode: 'Disabled' }, 'SwitchedOff'],
    [{ interfaces: [] }, 'NoUnderlay'],
    [{ interfaces: [{ ...underlay, mac: undefined } as unknown as Interface] }, 'NoEthernet'],
    [{ filters: [filter(undefined)] }, 'FilterConflict'],
    [{ filters: [filter('underlay_entry')] }, 'NotAttached'],
  ]
  for (const [situation, reason] of cases) {
    const { isOn, reason: said, message } = decide(situation)
    assert.equal([isOn, said], [false, reason])
    assert.ok(message.length > 20, message)
  }
  assert.is(
    decide({ filters: [...attached, { ...filter(undefined), device: 'eth1' }] }).isOn,
    true,
    'a filter of another device',
  )
})

test.run()
