import { type Failure, failure } from './failure.ts'

/** A MAC address in the one form we use: six pairs of lower-case hexadecimal digits with colons. */
export type Mac = string & { readonly brand: 'Mac' }

export const MAC_BYTES = 6

/** Reads `aa:bb:cc:dd:ee:ff` or `aa-bb-…`, in either case. */
export const parseMac = (text: string): Mac | Failure =>
  /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text)
    ? (text.toLowerCase().replaceAll('-', ':') as Mac)
    : failure(`"${text}" is no MAC address: write six pairs of hexadecimal digits, as 02:00:00:00:00:01`)

/** Six bytes in the order of the wire. */
export const macBytes = (mac: Mac): Uint8Array => Uint8Array.from(mac.split(':'), (pair) => Number.parseInt(pair, 16))

/** The address in six bytes at `offset`. */
export const macAt = (bytes: Uint8Array, offset = 0): Mac =>
  Array.from(bytes.subarray(offset, offset + MAC_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join(':') as Mac

/** Broadcast and multicast: the lowest bit of the first byte. */
export const isGroupMac = (mac: Mac): boolean => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1
