/** Delay before attempt `failures + 1`, in milliseconds; `failures` counts from 1. */
export type Backoff = (failures: number) => number

export type BackoffOptions = { baseMs: number; maxMs: number; factor?: number }

/** `baseMs · factor^(failures − 1)`, at most `maxMs`. */
export const exponentialBackoff = ({ baseMs, maxMs, factor = 2 }: BackoffOptions): Backoff => {
  if (baseMs < 0 || maxMs < baseMs || factor < 1)
    throw new RangeError(`back-off needs 0 <= baseMs <= maxMs and factor >= 1, got ${baseMs}, ${maxMs}, ${factor}`)
  return (failures) => Math.min(maxMs, baseMs * factor ** Math.max(0, failures - 1))
}

/** A number in [0, 1), as `Math.random` gives; passed in so that tests repeat. */
export type Random = () => number

/** `delayMs` lengthened by up to `fraction` of itself, so that a fleet does not act in step. */
export const jitter = (delayMs: number, fraction: number, random: Random): number => delayMs * (1 + fraction * random())
