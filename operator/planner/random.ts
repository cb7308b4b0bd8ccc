/** Numbers in [0, 1) that depend on nothing but the seed. */
export type Random = () => number

/** SplitMix32 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA'14, the 32-bit form). */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    mixed ^= mixed >>> 15
    return (mixed >>> 0) / 2 ** 32
  }
}

export const randomBelow = (random: Random, limit: number): number => Math.floor(random() * limit)

export const pick = <T>(random: Random, items: ArrayLike<T>): T => items[randomBelow(random, items.length)]!

/** Fisher–Yates, in place. */
export const shuffle = <T>(random: Random, items: T[]): T[] => {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1)
    const held = items[i]!
    items[i] = items[j]!
    items[j] = held
  }
  return items
}
