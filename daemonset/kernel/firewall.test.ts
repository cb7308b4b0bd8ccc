import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readFirewall } from './firewall.ts'
import { enterTestNamespace, ip, run } from './test-namespace.ts'

enterTestNamespace(import.meta.filename)
const test = suite('rules of the host')
const nft = (line: string): string => run('nft', line)

test.before.each(() => {
  nft('flush ruleset')
})

test('without rules there is nothing to pass by', async () => {
  assert.equal(await readFirewall(), { rules: [] })
})

test('chains with rules at a hook are named, in each family that sees datagrams', async () => {
  ip('link add name eth7 type veth peer name eth8')
  nft('add table inet filter')
  nft('add chain inet filter input { type filter hook input priority 0; policy accept; }')
  nft('add rule inet filter input tcp dport 22 accept')
  nft('add table ip6 raw')
  nft('add chain ip6 raw pre { type filter hook prerouting priority -300; }')
  nft('add rule ip6 raw pre counter')
  nft('add table netdev edge')
  nft('add chain netdev edge in { type filter hook ingress device eth7 priority 0; }')
  nft('add rule netdev edge in udp dport 9 drop')
  const { rules, unreadable } = await readFirewall()
  assert.is(unreadable, undefined)
  assert.equal([...rules].sort(), ['inet filter input', 'ip6 raw pre', 'netdev edge in'])
})

test('a chain without rules counts when its policy drops', async () => {
  nft('add table ip t')
  nft('add chain ip t open { type filter hook output priority 0; policy accept; }')
  assert.equal((await readFirewall()).rules, [])
  nft('add chain ip t closed { type filter hook input priority 0; policy drop; }')
  assert.equal((await readFirewall()).rules, ['ip t closed'])
})

test('neither our own table, nor forwarding, nor a chain that nobody calls', async () => {
  nft('add table inet vnet')
  nft('add chain inet vnet output { type filter hook output priority raw; }')
  nft('add rule inet vnet output udp dport 14789 notrack')
  nft('add table ip t')
  nft('add chain ip t forward { type filter hook forward priority 0; policy drop; }')
  nft('add chain ip t uncalled')
  nft('add rule ip t uncalled drop')
  assert.equal(await readFirewall(), { rules: [] })
})

test('a policy of IPsec for what arrives counts; one for what is sent, and those of sockets, do not', async () => {
  ip('xfrm policy add src 10.9.0.0/24 dst 10.9.0.1 dir out tmpl proto esp mode transport')
  assert.equal((await readFirewall()).rules, [])
  ip('xfrm policy add src 10.9.0.0/24 dst 10.9.0.1 proto udp dir in tmpl proto esp mode transport')
  const { rules } = await readFirewall()
  assert.is(rules.length, 1)
  assert.match(rules[0] ?? '', /^ipsec in src 10\.9\.0\.0\/24 dst 10\.9\.0\.1(\/32)? proto udp$/)
  ip('xfrm policy flush')
  assert.equal((await readFirewall()).rules, [])
  ip('xfrm policy setdefault in block')
  assert.equal((await readFirewall()).rules, ['ipsec in, by default: block'])
  ip('xfrm policy setdefault in accept')
})

test('without nft the rules are unknown, not absent', async () => {
  const path = process.env.PATH
  process.env.PATH = '/nowhere'
  try {
    const { rules, unreadable } = await readFirewall()
    assert.equal(rules, [])
    assert.match(unreadable ?? '', 'nft')
  } finally {
    process.env.PATH = path ?? ''
  }
})

test('an answer that is no list of rules makes them unknown', async () => {
  run('sh', '-c', "mkdir -p /run/fake && printf '#!/bin/sh\\necho broken' > /run/fake/nft && chmod +x /run/fake/nft")
  const path = process.env.PATH
  process.env.PATH = `/run/fake:${path}`
  try {
    assert.ok((await readFirewall()).unreadable)
  } finally {
    process.env.PATH = path ?? ''
  }
})

test.run()
