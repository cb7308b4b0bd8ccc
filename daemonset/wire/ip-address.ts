import { type Failure, failure } from './failure.ts'

/** An IPv4 address in dotted form, or an IPv6 address in the form of RFC 5952. */
export type IpAddress = string & { readonly brand: 'IpAddress' }

export const ADDRESS_BYTES = 16
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

const ipv4Bytes = (text: string): number[] | undefined => {
  const parts = text.split('.')
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : Number.NaN))
  return parts.length === 4 && bytes.every((byte) => byte <= 255) ? bytes : undefined
}

/** Bytes of one side of `::`, or undefined. A dotted IPv4 address may stand for the last two groups. */
const groupBytes = (text: string, last: boolean): number[] | undefined => {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    const dotted = last && index === groups.length - 1 ? ipv4Bytes(group) : undefined
    if (dotted) bytes.push(...dotted)
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff)
    else return undefined
  }
  return bytes
}

const ipv6Bytes = (text: string): number[] | undefined => {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [left, right] = halves as [string, string | undefined]
  const head = groupBytes(left, right === undefined)
  if (!head || (right === undefined && left === '')) return undefined
  if (right === undefined) return head.length === ADDRESS_BYTES ? head : undefined
  const tail = groupBytes(right, true)
  if (!tail) return undefined
  const gap = ADDRESS_BYTES - head.length - tail.length
  return gap >= 2 ? [...head, ...new Array<number>(gap).fill(0), ...tail] : undefined
}

const isMapped = (bytes: Uint8Array): boolean => mappedPrefix.every((byte, index) => bytes[index] === byte)

/** The longest run of at least two zero groups, the first of equals: what RFC 5952 writes as `::`. */
const longestZeroRun = (groups: number[]): { start: number; length: number } => {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best.length >= 2 ? best : { start: 0, length: 0 }
}

const ipv6Text = (bytes: Uint8Array): string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, ADDRESS_BYTES)
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2))
  const { start, length } = longestZeroRun(groups)
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  return length === 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

/** The address in 16 bytes; `::ffff:a.b.c.d` is read as the IPv4 address that it stands for. */
export const ipAddressAt = (bytes: Uint8Array, offset = 0): IpAddress => {
  const own = bytes.subarray(offset, offset + ADDRESS_BYTES)
  return (isMapped(own) ? own.subarray(12).join('.') : ipv6Text(own)) as IpAddress
}

/** Reads IPv4 (dotted, no leading zeros) or IPv6 (no zone) and returns the one form we use. */
export const parseIpAddress = (text: string): IpAddress | Failure => {
  const ipv4 = ipv4Bytes(text)
  const bytes = ipv4 ? [...mappedPrefix, ...ipv4] : text.includes(':') ? ipv6Bytes(text) : undefined
  return bytes
    ? ipAddressAt(Uint8Array.from(bytes))
    : failure(
        `"${text}" is no IP address: write IPv4 as 192.0.2.1 or IPv6 as 2001:db8::1, without prefix length or zone`,
      )
}

/** 16 bytes in the order of the wire, IPv4 as `::ffff:a.b.c.d`. */
export const ipAddressBytes = (address: IpAddress): Uint8Array => {
  const ipv4 = ipv4Bytes(address)
  return Uint8Array.from(ipv4 ? [...mappedPrefix, ...ipv4] : (ipv6Bytes(address) ?? []))
}

/** True for IPv6 (an IPv4-mapped address counts as IPv4). */
export const isIpv6 = (address: IpAddress): boolean => address.includes(':')
