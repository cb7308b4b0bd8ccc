import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util'
import { type FlagSpec, type FlagValue, flagProblem, parseFlag } from './options-flag.ts'
import { helpText } from './options-help.ts'

export type { FlagSpec } from './options-flag.ts'

export type OptionsSpec<Flags extends Record<string, FlagSpec> = Record<string, FlagSpec>> = {
  /** As it is typed: `vnet-operator`, `kubectl vnet status`. */
  command: string
  description: string
  flags: Flags
  /** Words behind the flags, as shown in the help: `<network>`. Absent: none are allowed. */
  positionals?: string
}

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

/** Values by camel-case name; a flag without default that is not `required` may be undefined. */
export type Options<Flags extends Record<string, FlagSpec>> = {
  readonly [Name in keyof Flags & string as CamelCase<Name>]: FlagValue<Flags[Name]>
} & { readonly positionals: readonly string[] }

/** All that is wrong with a command line and its environment, at once. */
export class OptionsError extends Error {
  readonly problems: readonly string[]

  constructor(command: string, problems: readonly string[]) {
    super(`${command}: ${problems.join('; ')}`)
    this.name = 'OptionsError'
    this.problems = problems
  }
}

/** `--help` was given; the message is the help text. */
export class HelpRequested extends Error {}

/** Fixes the literal types of a specification. */
export const defineOptions = <const Flags extends Record<string, FlagSpec>>(
  spec: OptionsSpec<Flags>,
): OptionsSpec<Flags> => spec

/** Name of the variable that gives a flag its value when the flag is absent. */
export const envNameOf = (name: string, { env }: FlagSpec): string =>
  env ?? `VNET_${name.replaceAll('-', '_').toUpperCase()}`

type Input = { argv?: readonly string[]; env?: Record<string, string | undefined> }

/** Flag, else environment, else default; validated; frozen. Throws `OptionsError` or `HelpRequested`. */
export const readOptions = <Flags extends Record<string, FlagSpec>>(
  spec: OptionsSpec<Flags>,
  { argv = process.argv.slice(2), env = process.env }: Input = {},
): Options<Flags> => {
  const { values, positionals } = parseWords(spec, argv)
  if (values.help) throw new HelpRequested(helpText(spec as OptionsSpec, envNameOf))
  const problems: string[] = []
  const result: Record<string, unknown> = { positionals: Object.freeze(positionals) }
  for (const [name, flag] of Object.entries(spec.flags)) {
    const envName = envNameOf(name, flag)
    const given = values[name] as string | boolean | undefined
    const text = given ?? env[envName]
    const origin = given === undefined ? envName : `--${name}`
    const value = text === undefined || text === '' ? parseFlag(flag, flag.default) : parseFlag(flag, text)
    const problem = flagProblem(flag, value, text)
    if (problem) problems.push(text === undefined ? `--${name} (or ${envName}) ${problem}` : `${origin} ${problem}`)
    result[camelCase(name)] = Array.isArray(value) ? Object.freeze(value) : value
  }
  if (problems.length > 0) throw new OptionsError(spec.command, problems)
  return Object.freeze(result) as Options<Flags>
}

/** As `readOptions`, for `main`: prints help and exits 0, or prints what is wrong and exits 2. */
export const optionsOrExit = <Flags extends Record<string, FlagSpec>>(
  spec: OptionsSpec<Flags>,
  input?: Input,
): Options<Flags> => {
  try {
    return readOptions(spec, input)
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(error.message)
      process.exit(0)
    }
    if (!(error instanceof OptionsError)) throw error
    process.stderr.write(`${error.problems.map((problem) => `${spec.command}: ${problem}\n`).join('')}`)
    process.stderr.write(`Try '${spec.command} --help'.\n`)
    process.exit(2)
  }
}

const parseWords = ({ command, flags, positionals }: OptionsSpec, argv: readonly string[]) => {
  const options: Record<string, ParseArgsOptionDescriptor> = { help: { type: 'boolean', short: 'h' } }
  for (const [name, { type, short }] of Object.entries(flags))
    options[name] = { type: type === 'boolean' ? 'boolean' : 'string', ...(short ? { short } : {}) }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: positionals !== undefined, allowNegative: true })
  } catch (cause) {
    throw new OptionsError(command, [(cause as Error).message])
  }
}

const camelCase = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
