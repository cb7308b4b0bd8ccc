/**
 * The 64-bit number of an identity in the maps: the first 8 bytes of a SHA-256 digest, as a big-endian number.
 * For a bridge the digest is that of `cluster/node`; for overlay and node it is that of their UID.
 */
export const identityNumber = (sha256: Uint8Array): bigint => {
  if (sha256.length !== 32)
    throw new RangeError(`an identity is made from a SHA-256 digest of 32 bytes, got ${sha256.length}`)
  return new DataView(sha256.buffer, sha256.byteOffset, 8).getBigUint64(0)
}
