import { type Failure, failure } from './failure.ts'
import { MAC_BYTES, type Mac, macAt, macBytes } from './mac.ts'

/** Destination, source, EtherType: the first 14 bytes of a frame. */
export type EthernetHeader = { destination: Mac; source: Mac; etherType: number }

const SIZE = 2 * MAC_BYTES + 2

export const ethernetHeader = {
  size: SIZE,
  /** Reads the header of a frame. */
  parse: (frame: Uint8Array): EthernetHeader | Failure => {
    if (frame.length < SIZE)
      return failure(`a frame of ${frame.length} bytes has no Ethernet header: ${SIZE} are needed`)
    const view = new DataView(frame.buffer, frame.byteOffset, SIZE)
    return { destination: macAt(frame), source: macAt(frame, MAC_BYTES), etherType: view.getUint16(2 * MAC_BYTES) }
  },
  /** Writes the header, followed by `payload`. */
  emit: (header: EthernetHeader, payload: Uint8Array = new Uint8Array()): Uint8Array => {
    const frame = new Uint8Array(SIZE + payload.length)
    frame.set(macBytes(header.destination))
    frame.set(macBytes(header.source), MAC_BYTES)
    new DataView(frame.buffer).setUint16(2 * MAC_BYTES, header.etherType)
    frame.set(payload, SIZE)
    return frame
  },
} as const
