import { type Failure, failure } from './failure.ts'

/**
 * Outer source ports: a flow of the guests has one of them, on both paths the same. The end itself is not used. The same numbers are in
 * ../bpf/outer-header.h.
 */
export const SOURCE_PORT_FIRST = 32768
export const SOURCE_PORT_END = 61000

/** VXLAN (RFC 7348) with the group-policy extension (draft-smith-vxlan-group-policy): `label`, and the "policy applied" bit. */
export type VxlanHeader = { vni: number; label: number; forwarded: boolean }

const SIZE = 8
const FLAG_VNI = 0x08
const FLAG_GROUP_POLICY = 0x80
const FLAG_POLICY_APPLIED = 0x08

export const vxlanHeader = {
  size: SIZE,
  /** Reads the header at the start of a UDP payload. Without the extension the label is 0. */
  parse: (datagram: Uint8Array): VxlanHeader | Failure => {
    if (datagram.length < SIZE)
      return failure(`a datagram of ${datagram.length} bytes has no VXLAN header: ${SIZE} are needed`)
    const view = new DataView(datagram.buffer, datagram.byteOffset, SIZE)
    if ((view.getUint8(0) & FLAG_VNI) === 0) return failure('the VXLAN header has no network number: its I flag is 0')
    const extended = (view.getUint8(0) & FLAG_GROUP_POLICY) !== 0
    return {
      vni: view.getUint32(4) >>> 8,
      label: extended ? view.getUint16(2) : 0,
      forwarded: extended && (view.getUint8(1) & FLAG_POLICY_APPLIED) !== 0,
    }
  },
  /** Writes the header, followed by `frame`. As the kernel does, the extension is left out when it would say nothing. */
  emit: (header: VxlanHeader, frame: Uint8Array = new Uint8Array()): Uint8Array => {
    const datagram = new Uint8Array(SIZE + frame.length)
    const view = new DataView(datagram.buffer)
    view.setUint8(0, FLAG_VNI | (header.label !== 0 || header.forwarded ? FLAG_GROUP_POLICY : 0))
    view.setUint8(1, header.forwarded ? FLAG_POLICY_APPLIED : 0)
    view.setUint16(2, header.label)
    view.setUint32(4, header.vni << 8)
    datagram.set(frame, SIZE)
    return datagram
  },
} as const
