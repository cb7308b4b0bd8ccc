import { hostIsLittleEndian } from './byte-order.ts'
import { ADDRESS_BYTES, type IpAddress, ipAddressAt, ipAddressBytes } from './ip-address.ts'
import { MAC_BYTES, type Mac, macAt, macBytes } from './mac.ts'

/** Turns values of one type into a fixed number of bytes and back. `emit` and `parse` throw RangeError on a wrong size or range. */
export type Codec<T> = {
  readonly size: number
  readonly align: number
  emit(value: T): Uint8Array
  parse(bytes: Uint8Array): T
}

/** A codec for a C struct; `fields` gives the place of each member, reserved ones included. */
export type StructCodec<T> = Codec<T> & { readonly fields: readonly Member[] }
export type Member = { readonly name: string; readonly offset: number; readonly size: number }

const checked = (value: number, limit: number): number => {
  if (Number.isInteger(value) && value >= 0 && value <= limit) return value
  throw new RangeError(`${value} does not fit: an integer from 0 to ${limit} is needed`)
}

const codec = <T>(
  size: number,
  align: number,
  ways: { emit(value: T): Uint8Array; parse(bytes: Uint8Array): T },
): Codec<T> => ({
  size,
  align,
  emit: ways.emit,
  parse: (bytes) => {
    if (bytes.length !== size) throw new RangeError(`a value of ${size} bytes was expected, got ${bytes.length}`)
    return ways.parse(bytes)
  },
})

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const filled = (size: number, fill: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(size)
  fill(viewOf(bytes))
  return bytes
}

export const u16: Codec<number> = codec(2, 2, {
  emit: (value) => filled(2, (view) => view.setUint16(0, checked(value, 0xffff), hostIsLittleEndian)),
  parse: (bytes) => viewOf(bytes).getUint16(0, hostIsLittleEndian),
})

export const u32: Codec<number> = codec(4, 4, {
  emit: (value) => filled(4, (view) => view.setUint32(0, checked(value, 0xffffffff), hostIsLittleEndian)),
  parse: (bytes) => viewOf(bytes).getUint32(0, hostIsLittleEndian),
})

/** A 64-bit number whose every bit counts: an identity. */
export const u64: Codec<bigint> = codec(8, 8, {
  emit: (value) => {
    if (BigInt.asUintN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`)
    return filled(8, (view) => view.setBigUint64(0, value, hostIsLittleEndian))
  },
  parse: (bytes) => viewOf(bytes).getBigUint64(0, hostIsLittleEndian),
})

export const mac: Codec<Mac> = codec(MAC_BYTES, 1, { emit: macBytes, parse: (bytes) => macAt(bytes) })

/** 16 bytes; null is all zero: no address. */
export const optionalAddress: Codec<IpAddress | null> = codec(ADDRESS_BYTES, 1, {
  emit: (value) => (value === null ? new Uint8Array(ADDRESS_BYTES) : ipAddressBytes(value)),
  parse: (bytes) => (bytes.every((byte) => byte === 0) ? null : ipAddressAt(bytes)),
})

export const address: Codec<IpAddress> = codec(ADDRESS_BYTES, 1, {
  emit: ipAddressBytes,
  parse: (bytes) => ipAddressAt(bytes),
})

/** Bytes as they are. */
export const rawBytes = (length: number): Codec<Uint8Array> =>
  codec(length, 1, {
    emit: (value) => {
      if (value.length !== length) throw new RangeError(`${value.length} bytes do not fit: ${length} are needed`)
      return value.slice()
    },
    parse: (value) => value.slice(),
  })

/** Room for `length` items; shorter lists are filled up with zeros, which `parse` returns too. */
export const array = <T>(item: Codec<T>, length: number): Codec<readonly T[]> =>
  codec(item.size * length, item.align, {
    emit: (values) => {
      if (values.length > length)
        throw new RangeError(`a list of ${values.length} does not fit: the limit is ${length}`)
      const bytes = new Uint8Array(item.size * length)
      for (const [index, value] of values.entries()) bytes.set(item.emit(value), index * item.size)
      return bytes
    },
    parse: (bytes) =>
      Array.from({ length }, (_, index) => item.parse(bytes.subarray(index * item.size, (index + 1) * item.size))),
  })

/** Bytes that the layout keeps for later: written 0, not read. A struct calls this member `zero`, and its value has none. */
export const reserved = (size: number): Codec<undefined> =>
  codec(size, size, { emit: () => new Uint8Array(size), parse: () => undefined })

type ValueOf<C> = C extends Codec<infer T> ? T : never
type StructValue<M> = { readonly [K in keyof M as K extends 'zero' ? never : K]: ValueOf<M[K]> }

/** A C struct: members in order, at their natural alignment, the size rounded up to the largest one. */
// biome-ignore lint/suspicious/noExplicitAny: a member's type is recovered by StructValue; the record itself is heterogeneous
export const struct = <M extends Record<string, Codec<any>>>(members: M): StructCodec<StructValue<M>> => {
  const fields: Member[] = []
  let end = 0
  let align = 1
  for (const [name, member] of Object.entries(members)) {
    const offset = Math.ceil(end / member.align) * member.align
    fields.push({ name, offset, size: member.size })
    end = offset + member.size
    align = Math.max(align, member.align)
  }
  const size = Math.ceil(end / align) * align
  const ways = {
    emit: (value: StructValue<M>): Uint8Array => {
      const bytes = new Uint8Array(size)
      for (const { name, offset } of fields)
        if (name !== 'zero') bytes.set(members[name]!.emit((value as Record<string, unknown>)[name]), offset)
      return bytes
    },
    parse: (bytes: Uint8Array): StructValue<M> =>
      Object.fromEntries(
        fields
          .filter(({ name }) => name !== 'zero')
          .map(({ name, offset, size: length }) => [
            name,
            members[name]!.parse(bytes.subarray(offset, offset + length)),
          ]),
      ) as StructValue<M>,
  }
  return { ...codec(size, align, ways), fields }
}

/** The same bytes under a friendlier type. */
export const mapped = <Raw, T>(
  raw: StructCodec<Raw>,
  ways: { toRaw(value: T): Raw; fromRaw(raw: Raw): T },
): StructCodec<T> => ({
  size: raw.size,
  align: raw.align,
  fields: raw.fields,
  emit: (value) => raw.emit(ways.toRaw(value)),
  parse: (bytes) => ways.fromRaw(raw.parse(bytes)),
})
