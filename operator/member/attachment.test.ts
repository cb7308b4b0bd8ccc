import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isOurAttachment, networkAttachment } from './attachment.ts'

const attachment = networkAttachment({ network: 'team-a/blue', bridgeDevice: 'vn0123456789abc', mtuBytes: 1430 })

test('attaches to the bridge of the network, isolated, without touching the guest interface', () => {
  assert.equal(attachment.metadata.name, 'blue')
  assert.equal(attachment.metadata.namespace, 'team-a')
  const config = JSON.parse(attachment.spec.config)
  assert.is(config.bridge, 'vn0123456789abc')
  assert.is(config.mtu, 1430)
  assert.is(config.portIsolation, true)
  assert.is(config.disableContainerInterface, true)
  assert.ok(isOurAttachment(attachment))
  assert.not(isOurAttachment({ metadata: { labels: {} } }))
})

test('the admission policy of the chart lets exactly this form through', () => {
  const policy = readFileSync(join(import.meta.dirname, '../../charts/vnet/templates/admission-policies.yaml'), 'utf8')
  const [, pattern = ''] = /spec\.config\.matches\('(.*)'\)/.exec(policy) ?? []
  // In CEL as in JavaScript a backslash in a string is written twice.
  const form = new RegExp(pattern.replaceAll('\\\\', '\\'))
  assert.match(attachment.spec.config, form)
  assert.not.match(attachment.spec.config.replace('"bridge":"vn0123456789abc"', '"bridge":"br0"'), form)
  assert.not.match(attachment.spec.config.replace('"type":"bridge"', '"type":"host-device"'), form)
})

test.run()
