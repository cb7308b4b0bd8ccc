const prefixes: [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
]

/** Three significant digits. */
export const rounded = (value: number): string => Number(value.toPrecision(3)).toString()

const roundedUp = (value: number): string => {
  const step = 10 ** (Math.floor(Math.log10(Math.max(value, 1e-300))) - 2)
  return Number((Math.ceil(value / step) * step).toPrecision(3)).toString()
}

const written = (value: number, unit: string, digits: (value: number) => string): string => {
  const [scale, prefix] = prefixes.find(([limit]) => Math.abs(value) >= limit) ?? [1, '']
  return unit === 'bit/s' ? `${digits(value / scale)} ${prefix}${unit}` : `${digits(value)} ${unit}`
}

/** A value with its unit, for people: `1.25 Gbit/s`, `340 µs`, `2.1 ×`. */
export const quantity = (value: number, unit: string): string => written(value, unit, rounded)

/** The same, never less than the value: what has to be added for a limit to hold. */
export const atLeast = (value: number, unit: string): string => written(value, unit, roundedUp)
