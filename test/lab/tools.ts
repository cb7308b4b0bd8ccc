import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { runOrThrow } from './processes.ts'

/** Root of this checkout. */
export const checkout = dirname(dirname(import.meta.dirname))

/** Folder of built programs: as hack/build-tools.sh decides it. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  env.VNET_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'vnet')

export type BuiltTool = 'controlplane' | 'kubectl' | 'helm' | 'multus' | 'cni/bridge'

/** Path of a program that hack/build-tools.sh builds; throws when it is not there. */
export const builtTool = (tool: BuiltTool): string => existing(join(cacheFolder(), 'bin', tool), tool)

/** The definition of NetworkAttachmentDefinition, of the version that Multus was built with. */
export const networksDefinition = (): string =>
  existing(join(cacheFolder(), 'share', 'networks-crd.yaml'), 'networks-crd.yaml')

const existing = (path: string, name: string): string => {
  if (!existsSync(path)) throw new Error(`${name} is not built (no ${path}): run hack/build-tools.sh`)
  return path
}

const nativeSources = {
  launch: ['launch.c'],
  gate: ['gate.c', 'gate-connections.c', 'gate.h'],
  frames: ['frames.c'],
  'delay-line': ['delay-line.c'],
} as const

type NativeTool = keyof typeof nativeSources
const compiled = new Map<NativeTool, Promise<string>>()

/** Path of one of the laboratory's own C programs, compiled when its sources changed; once, however many ask at the same time. */
export const nativeTool = (name: NativeTool): Promise<string> => {
  const path = compiled.get(name) ?? compile(name)
  compiled.set(name, path)
  return path
}

const compile = async (name: NativeTool): Promise<string> => {
  const sources = nativeSources[name].map((file) => join(import.meta.dirname, 'native', file))
  const hash = createHash('sha256')
  for (const source of sources) hash.update(readFileSync(source))
  const path = join(cacheFolder(), 'lab', `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(path)) return path
  mkdirSync(dirname(path), { recursive: true })
  // Another run may compile the same: each makes a file of its own, and the last rename wins.
  const temporary = `${path}.${process.pid}`
  const units = sources.filter((source) => source.endsWith('.c'))
  await runOrThrow(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', temporary, ...units])
  renameSync(temporary, path)
  return path
}
