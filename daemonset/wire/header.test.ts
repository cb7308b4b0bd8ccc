import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ethernetHeader } from './ethernet-header.ts'
import { isFailure } from './failure.ts'
import { labelKind } from './labels.ts'
import { macAt } from './mac.ts'
import { vxlanHeader } from './vxlan-header.ts'

const test = suite('header')
const macs = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => macAt(bytes))
const payloads = fc.uint8Array({ maxLength: 100 })

test('Ethernet: what is read is what was written, and the payload follows', () => {
  const headers = fc.record({ destination: macs, source: macs, etherType: fc.nat(0xffff) }, { noNullPrototype: true })
  fc.assert(
    fc.property(headers, payloads, (header, payload) => {
      const frame = ethernetHeader.emit(header, payload)
      assert.equal(ethernetHeader.parse(frame), header)
      assert.equal(frame.subarray(ethernetHeader.size), payload)
    }),
  )
})

test('VXLAN: what is read is what was written, and the frame follows', () => {
  const headers = fc.record(
    { vni: fc.nat(0xffffff), label: fc.nat(0xffff), forwarded: fc.boolean() },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(headers, payloads, (header, frame) => {
      const datagram = vxlanHeader.emit(header, frame)
      assert.equal(vxlanHeader.parse(datagram), header)
      assert.equal(datagram.subarray(vxlanHeader.size), frame)
    }),
  )
})

test('VXLAN: bits on the wire', () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  assert.is(hex(vxlanHeader.emit({ vni: 0xabcdef, label: 0, forwarded: false })), '08000000abcdef00')
  assert.is(hex(vxlanHeader.emit({ vni: 1, label: 0x8001, forwarded: true })), '8808800100000100')
})

test('headers that are cut off, or without a network number, are failures', () => {
  assert.ok(isFailure(ethernetHeader.parse(new Uint8Array(13))))
  assert.ok(isFailure(vxlanHeader.parse(new Uint8Array(7))))
  assert.ok(isFailure(vxlanHeader.parse(new Uint8Array(8))))
})

test('labels have one meaning each', () => {
  const kinds = [0, 1, 2, 15, 16, 32767, 32768, 65535].map(labelKind)
  assert.equal(kinds, ['deliver', 'deliver-only', 'reserved', 'reserved', 'path', 'path', 'tree', 'tree'])
})

test.run()
