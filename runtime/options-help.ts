import type { FlagSpec } from './options-flag.ts'

type HelpSpec = {
  command: string
  description: string
  flags: Record<string, FlagSpec>
  positionals?: string
}

/** The text of `--help`: usage, description, and each flag with its values, default and variable. */
export const helpText = (spec: HelpSpec, envNameOf: (name: string, flag: FlagSpec) => string): string => {
  const rows = Object.entries(spec.flags).map(([name, flag]): [string, string] => [
    `${flag.short ? `-${flag.short}, ` : '    '}--${name}${placeholder(flag)}`,
    `${flag.description} ${remarks(flag)}[${envNameOf(name, flag)}]`,
  ])
  rows.push(['-h, --help', 'Show this text.'])
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  const usage = `Usage: ${spec.command} [flags]${spec.positionals ? ` ${spec.positionals}` : ''}`
  return [usage, '', spec.description, '', 'Flags:', ...lines, ''].join('\n')
}

const placeholder = (flag: FlagSpec): string => {
  if (flag.type === 'boolean') return ''
  if ('choices' in flag && flag.choices) return ` ${flag.choices.join(flag.type === 'list' ? ',' : '|')}`
  return ` <${flag.type}>`
}

const remarks = (flag: FlagSpec): string => {
  if (flag.required) return '(required) '
  if (flag.default === undefined || flag.default === false) return ''
  return `(default ${Array.isArray(flag.default) ? flag.default.join(',') : flag.default}) `
}
