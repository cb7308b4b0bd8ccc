import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isFailure } from './failure.ts'
import { identityNumber } from './identity-number.ts'
import { type IpAddress, ipAddressAt, ipAddressBytes, isIpv6, parseIpAddress } from './ip-address.ts'
import { isGroupMac, macAt, macBytes, parseMac } from './mac.ts'

const test = suite('address')
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

test('MAC: text and bytes are the same address, in any case and with dashes', () => {
  fc.assert(
    fc.property(bytes(6), (raw) => {
      const mac = macAt(raw)
      assert.equal(macBytes(mac), raw)
      assert.is(parseMac(mac.toUpperCase()), mac)
      assert.is(parseMac(mac.replaceAll(':', '-')), mac)
      assert.is(isGroupMac(mac), raw[0]! % 2 === 1)
    }),
  )
})

test('MAC: anything else is a failure that says what to write', () => {
  for (const text of [
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:01:02',
    '02:00:00:00:00:0g',
    '02-00:00:00:00:01',
    ' 02:00:00:00:00:01',
    '0200.0000.0001',
  ])
    assert.match((parseMac(text) as { failure: string }).failure, `"${text}" is no MAC address`)
})

test('IP: text and bytes are the same address', () => {
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xab), { minLength: 16, maxLength: 16 })
    .map((raw) => Uint8Array.from(raw))
  fc.assert(
    fc.property(fc.oneof(bytes(16), sparse), (raw) => {
      const address = ipAddressAt(raw)
      assert.equal(ipAddressBytes(address), raw)
      assert.is(parseIpAddress(address), address)
      assert.ok(isIpv6(address) || raw.slice(0, 10).every((byte) => byte === 0))
    }),
  )
})

test('IP: the forms of RFC 5952, and IPv4 in IPv6 clothes', () => {
  const forms: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '2001:DB8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '::': '::',
    '::1': '::1',
    'fe80::': 'fe80::',
    '1:2:3:4:5:6:7:8': '1:2:3:4:5:6:7:8',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
  }
  for (const [text, canonical] of Object.entries(forms)) assert.is(parseIpAddress(text), canonical, text)
})

test('IP: anything else is a failure that says what to write', () => {
  const wrong = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/24',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
  ]
  for (const text of [
    ...wrong,
    'fe80::1%eth0',
    '12345::',
    '1.2.3.4::',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
    ':1:2:3:4:5:6:7',
    'x',
  ])
    assert.ok(isFailure(parseIpAddress(text)), text)
  assert.match((parseIpAddress('1.2.3') as { failure: string }).failure, '"1.2.3" is no IP address')
})

test('IP: parsing never throws and gives a canonical address or a failure', () => {
  const texts = fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '::', '.', '25', 'g'), maxLength: 24 })
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseIpAddress(text)
      if (!isFailure(parsed)) assert.is(parseIpAddress(parsed as IpAddress), parsed)
    }),
    { numRuns: 2000 },
  )
})

test('identities are the first eight bytes of a digest', () => {
  const digest = Uint8Array.from({ length: 32 }, (_, index) => index + 1)
  assert.is(identityNumber(digest), 0x0102030405060708n)
  assert.throws(() => identityNumber(digest.subarray(1)), 'SHA-256')
})

test.run()
