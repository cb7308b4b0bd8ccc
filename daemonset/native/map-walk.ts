import { addon, type Handle, type RawMap } from './addon.ts'
import { bpfError } from './bpf-error.ts'
import { mapTypeName } from './object-type.ts'

type Pair = [key: Uint8Array, value: Uint8Array]

/** Bytes of keys and values that one call may return, and the bounds of a batch. */
const BATCH_BYTES = 256 * 1024
const BATCH_LEAST = 64
const BATCH_MOST = 4096
const BATCH_LIMIT = 65_536
/** Calls in a row that may return nothing before the walk gives up. */
const IDLE_LIMIT = 64

/** Types whose batches go from bucket to bucket, so that the walk does not stand on a key which others can delete. */
const bucketTypes: ReadonlySet<string> = new Set(['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'hash_of_maps'])

/**
 * All pairs of a map; the value of a per-CPU map is the padded values of all CPUs.
 *
 * While others add and delete: a pair that is present all the time is seen exactly once, one that comes or goes may be seen
 * or not, and no key is seen twice.
 * - Hash maps are read bucket by bucket as the caller goes on (each bucket is consistent), and never restart.
 * - For other types a deleted key sends the kernel back to the first one. So their keys are collected before the first
 *   pair is yielded, those already seen are dropped, and a walk that needs more than four times `maxEntries` steps ends
 *   with EAGAIN instead of a result that misses some.
 * The caller may update and delete while it iterates.
 */
export const walkMap = (map: RawMap, origin: string): Generator<Pair, void, undefined> => {
  // The handle is checked now, not at the first step.
  const first = readBatch(map, undefined, batchCount(map), origin)
  return first === undefined
    ? walkByKeys(map, origin)
    : bucketTypes.has(mapTypeName(map.type))
      ? walkBatches(map, first, origin)
      : walkOnce(map, first, origin)
}

/**
 * The bytes of all keys and values in the order in which the kernel keeps them, to find out whether anything changed: much cheaper than the pairs.
 * (An entry that is written again, even with the same value, may change its place: then they differ.) Undefined where the kernel has no batches for the type, or the order says nothing.
 */
export const mapContent = (map: RawMap, origin: string): Buffer | undefined => {
  if (!bucketTypes.has(mapTypeName(map.type))) return undefined
  const chunks: Uint8Array[] = []
  let batch = readBatch(map, undefined, batchCount(map), origin)
  if (batch === undefined) return undefined
  for (;;) {
    chunks.push(batch.keys.subarray(0, batch.count * map.keySize))
    chunks.push(batch.values.subarray(0, batch.count * strideBytes(map)))
    if (batch.done) return Buffer.concat(chunks)
    batch = nextBatch(map, batch, origin)
  }
}

type Contents = { count: number; keys: Uint8Array; values: Uint8Array }
type Batch = Contents & { done: boolean; cursor: Uint8Array | undefined; nextCount: number }

const strideBytes = (map: RawMap): number =>
  map.cpus > 0 ? Math.ceil(map.valueSize / 8) * 8 * map.cpus : map.valueSize

const batchCount = (map: RawMap): number =>
  Math.min(BATCH_MOST, Math.max(BATCH_LEAST, Math.floor(BATCH_BYTES / (map.keySize + strideBytes(map)))))

/** One batch with progress (or the end), or undefined where the kernel has no batches for this map. */
const readBatch = (
  map: RawMap,
  cursor: Uint8Array | undefined,
  initialCount: number,
  origin: string,
): Batch | undefined => {
  let count = initialCount
  for (let idle = 0; idle < IDLE_LIMIT; idle++) {
    const batch = addon().batch(map.handle, cursor, count)
    if (batch === undefined) return undefined
    if (batch.count > 0 || batch.done) {
      return { ...batch, nextCount: count }
    }
    if (batch.grow) count = Math.min(count * 2, BATCH_LIMIT)
  }
  throw bpfError('EAGAIN', `reading map '${origin}': ${IDLE_LIMIT} batches in a row returned nothing`)
}

const split = (map: RawMap, batch: Contents): Pair[] => {
  const stride = strideBytes(map)
  return Array.from({ length: batch.count }, (_, index) => [
    batch.keys.slice(index * map.keySize, (index + 1) * map.keySize),
    batch.values.slice(index * stride, (index + 1) * stride),
  ])
}

function* walkBatches(map: RawMap, first: Batch, origin: string): Generator<Pair, void, undefined> {
  let batch = first
  yield* split(map, batch)
  while (!batch.done) {
    batch = nextBatch(map, batch, origin)
    yield* split(map, batch)
  }
}

const nextBatch = (map: RawMap, { cursor, nextCount }: Batch, origin: string): Batch => {
  const next = readBatch(map, cursor, nextCount, origin)
  if (next === undefined) throw bpfError('EINVAL', `reading map '${origin}': the kernel refused to go on`)
  return next
}

/** Collects everything first; see `walkMap`. */
const collect = (map: RawMap, first: Batch, origin: string): Pair[] => {
  const budget = stepBudget(map, origin)
  const pairs = new Map<string, Pair>()
  for (const pair of walkBatches(map, first, origin)) {
    budget()
    const name = keyName(pair[0])
    if (!pairs.has(name)) pairs.set(name, pair)
  }
  return [...pairs.values()]
}

function* walkOnce(map: RawMap, first: Batch, origin: string): Generator<Pair, void, undefined> {
  yield* collect(map, first, origin)
}

const collectKeys = (map: RawMap, origin: string): Uint8Array[] => {
  const budget = stepBudget(map, origin)
  const keys = new Map<string, Uint8Array>()
  for (let key = nextKey(map.handle); key; key = nextKey(map.handle, key)) {
    budget()
    keys.set(keyName(key), key)
  }
  return [...keys.values()]
}

function* walkByKeys(map: RawMap, origin: string): Generator<Pair, void, undefined> {
  for (const key of collectKeys(map, origin)) {
    const value = addon().lookup(map.handle, key)
    if (value !== undefined) yield [key, value]
  }
}

const nextKey = (map: Handle, key?: Uint8Array): Uint8Array | undefined => addon().nextKey(map, key)

const keyName = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')

const stepBudget = (map: RawMap, origin: string): (() => void) => {
  let left = map.maxEntries * 4 + 1024
  return () => {
    left -= 1
    if (left < 0) {
      throw bpfError('EAGAIN', `reading map '${origin}': others delete faster than its keys can be read; try again`)
    }
  }
}
