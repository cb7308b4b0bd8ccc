import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'

export type { KubeConfig }

type RawUser = Record<string, unknown> & { tokenFile?: string }
type RawKubeConfig = {
  clusters?: { name?: string; cluster?: Record<string, unknown> }[]
  users?: { name?: string; user?: RawUser }[]
}

export type LoadOptions = { path?: string | undefined; context?: string | undefined; env?: NodeJS.ProcessEnv }

/**
 * Configuration of the process's own cluster: the file at `path`, else the files of `$KUBECONFIG`, else `~/.kube/config`, else
 * the service account of the pod. `context` replaces the current context.
 */
export const loadKubeConfig = ({ path, context, env = process.env }: LoadOptions = {}): KubeConfig => {
  const files = path ? [path] : defaultFiles(env)
  const config = new KubeConfig()
  if (files.length > 0) for (const file of files) mergeFile(config, file)
  else if (env.KUBERNETES_SERVICE_HOST) config.loadFromCluster()
  else
    throw new Error(
      'no cluster is configured: pass --kubeconfig, set KUBECONFIG, or run in a pod with a service account',
    )
  if (context) config.setCurrentContext(context)
  if (!config.getCurrentCluster()) {
    const known = config.getContexts().map(({ name }) => name)
    throw new Error(
      `context "${config.getCurrentContext() ?? ''}" of ${files.join(', ')} names no known cluster; contexts are: ${known.join(', ') || 'none'}`,
    )
  }
  return config
}

const defaultFiles = (env: NodeJS.ProcessEnv): string[] => {
  if (env.KUBECONFIG) return env.KUBECONFIG.split(delimiter).filter(Boolean)
  const home = join(env.HOME ?? homedir(), '.kube', 'config')
  return existsSync(home) ? [home] : []
}

const mergeFile = (config: KubeConfig, file: string): void => {
  try {
    const loaded = new KubeConfig()
    loaded.loadFromFile(file)
    adoptTokenFiles(loaded, file)
    config.mergeConfig(loaded, Boolean(config.getCurrentContext()))
  } catch (cause) {
    throw new Error(`kubeconfig ${file} could not be loaded: ${(cause as Error).message}`, { cause })
  }
}

// client-node knows token files only as the auth provider that it makes for pods; kubectl's `tokenFile` it ignores.
const adoptTokenFiles = (config: KubeConfig, file: string): void => {
  const raw = parse(readFileSync(file, 'utf8')) as RawKubeConfig | null
  for (const { name, user } of raw?.users ?? []) {
    const loaded = config.getUsers().find((candidate) => candidate.name === name)
    if (!user?.tokenFile || !loaded) continue
    const tokenFile = resolve(dirname(file), user.tokenFile)
    Object.assign(loaded, { authProvider: { name: 'tokenFile', config: { tokenFile } } })
  }
}

type Check = { fields: readonly string[]; why: string }

const userChecks: readonly Check[] = [
  { fields: ['exec'], why: 'it would run a program chosen by whoever wrote the Secret' },
  { fields: ['auth-provider'], why: 'it would run a plug-in and contact addresses chosen by whoever wrote the Secret' },
  {
    fields: ['client-certificate', 'client-key', 'tokenFile', 'token-file'],
    why: 'it would send a file of this machine to the remote server; embed the data instead',
  },
]

const clusterChecks: readonly Check[] = [
  { fields: ['certificate-authority'], why: 'it refers to a file of this machine; use certificate-authority-data' },
  {
    fields: ['insecure-skip-tls-verify'],
    why: 'the token would go to whoever answers; use certificate-authority-data',
  },
]

/**
 * Configuration of another cluster, from text that came out of a Secret. Everything that would run programs, read local files
 * or weaken TLS is refused, in every entry, before client-node (which reads some files while parsing) sees the text.
 */
export const loadRemoteKubeConfig = (text: string): KubeConfig => {
  const raw = parseRaw(text)
  for (const { name, user } of raw.users ?? []) refuse(`user "${name}"`, user ?? {}, userChecks)
  for (const { name, cluster } of raw.clusters ?? []) {
    refuse(`cluster "${name}"`, cluster ?? {}, clusterChecks)
    if (!String(cluster?.server ?? '').startsWith('https://'))
      throw new Error(
        `remote kubeconfig: cluster "${name}" needs a server that starts with https://, got "${cluster?.server}"`,
      )
  }
  const config = new KubeConfig()
  config.loadFromString(text)
  if (!config.getCurrentCluster() || !config.getCurrentUser())
    throw new Error(
      `remote kubeconfig: current-context "${config.getCurrentContext() ?? ''}" must name a cluster and a user`,
    )
  return config
}

const parseRaw = (text: string): RawKubeConfig => {
  let raw: unknown
  try {
    raw = parse(text)
  } catch (cause) {
    throw new Error('remote kubeconfig: the text is not YAML', { cause })
  }
  if (typeof raw !== 'object' || raw === null) throw new Error('remote kubeconfig: the text is not a kubeconfig')
  return raw
}

const refuse = (subject: string, entry: Record<string, unknown>, checks: readonly Check[]): void => {
  for (const { fields, why } of checks) {
    const found = fields.find((field) => entry[field])
    if (found) throw new Error(`remote kubeconfig: ${subject} uses "${found}", which is refused: ${why}`)
  }
}
