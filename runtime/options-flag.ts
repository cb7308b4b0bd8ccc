type Common = {
  description: string
  /** Variable of the environment; default `VNET_` and the name in capitals. */
  env?: string
  short?: string
  required?: boolean
}

/** One flag. Lists are comma-separated; durations are written `300ms`, `30s`, `10m`, `2h` and read as milliseconds. */
export type FlagSpec = Common &
  (
    | { type: 'string'; default?: string; choices?: readonly string[] }
    | { type: 'list'; default?: readonly string[]; choices?: readonly string[] }
    | { type: 'integer'; default?: number; minimum?: number; maximum?: number }
    | { type: 'boolean'; default?: boolean }
    | { type: 'duration'; default?: string }
  )

type Choice<F> = F extends { choices: readonly (infer C)[] } ? C : string

type Present<F extends FlagSpec> = F['type'] extends 'string'
  ? Choice<F>
  : F['type'] extends 'list'
    ? readonly Choice<F>[]
    : F['type'] extends 'boolean'
      ? boolean
      : number

/** Type of a flag's value. Booleans are false and lists empty unless given; the rest is undefined without default. */
export type FlagValue<F extends FlagSpec> = F extends { required: true } | { default: unknown }
  ? Present<F>
  : F['type'] extends 'boolean' | 'list'
    ? Present<F>
    : Present<F> | undefined

type Value = string | number | boolean | string[] | undefined

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The value of a text (or default); one that does not parse is `NaN`, or undefined for a boolean. */
export const parseFlag = (flag: FlagSpec, text: FlagSpec['default']): Value => {
  if (flag.type === 'boolean') return parseBoolean(text)
  if (flag.type === 'list')
    return (Array.isArray(text) ? [...text] : String(text ?? '').split(','))
      .map((s: string) => s.trim())
      .filter(Boolean)
  if (text === undefined) return undefined
  if (flag.type === 'integer') return /^-?\d+$/.test(String(text)) ? Number(text) : Number.NaN
  if (flag.type === 'duration') return parseDuration(String(text))
  return String(text)
}

const parseBoolean = (text: FlagSpec['default']): boolean | undefined => {
  if (typeof text === 'boolean') return text
  return text === undefined || text === 'false' ? false : text === 'true' ? true : undefined
}

const parseDuration = (text: string): number => {
  const [, amount, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? []
  return Number(amount) * (unitMs[unit] ?? Number.NaN)
}

/** What is wrong with a parsed value, to follow the flag's name; undefined when nothing is. */
export const flagProblem = (flag: FlagSpec, value: Value, text: unknown): string | undefined => {
  const isAbsent = value === undefined || (Array.isArray(value) && value.length === 0)
  if (flag.required && isAbsent) return 'is required'
  if (flag.type === 'boolean') return value === undefined ? `must be true or false, got "${text}"` : undefined
  if (isAbsent) return undefined
  if (flag.type === 'duration')
    return Number.isNaN(value) ? `must be a duration as 30s or 10m, got "${text}"` : undefined
  if (flag.type === 'integer') return integerProblem(flag, value as number, text)
  const unknown = [value].flat().find((item) => flag.choices && !flag.choices.includes(String(item)))
  return unknown === undefined ? undefined : `must be of ${flag.choices?.join(', ')}, got "${unknown}"`
}

const integerProblem = (
  { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: { minimum?: number; maximum?: number },
  value: number,
  text: unknown,
): string | undefined => {
  if (Number.isNaN(value)) return `must be an integer, got "${text}"`
  if (value >= minimum && value <= maximum) return undefined
  return `must be ${minimum === Number.MIN_SAFE_INTEGER ? 'at most' : `from ${minimum} to`} ${maximum}, got ${value}`
}
