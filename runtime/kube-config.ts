import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { parse } from 'yaml'
import { KubeConfig, type RawKubeConfig } from './kube-config-model.ts'

export { KubeConfig } from './kube-config-model.ts'

export type LoadOptions = {
  path?: string | undefined
  context?: string | undefined
  env?: Record<string, string | undefined>
  /** Where the kubelet mounts the pod's service account. */
  serviceAccountFolder?: string
}

/**
 * Configuration of the process's own cluster: the file at `path`, else the files of `$KUBECONFIG`, else `~/.kube/config`, else
 * the service account of the pod. `context` replaces the current context.
 */
export const loadKubeConfig = (options: LoadOptions = {}): KubeConfig => {
  const { path, context, env = process.env } = options
  const files = path ? [path] : defaultFiles(env)
  const config = new KubeConfig()
  if (files.length > 0) for (const file of files) mergeFile(config, file)
  else if (env.KUBERNETES_SERVICE_HOST) loadServiceAccount(config, options)
  else
    throw new Error(
      'no cluster is configured: pass --kubeconfig, set KUBECONFIG, or run in a pod with a service account',
    )
  if (context) config.setCurrentContext(context)
  if (!config.getCurrentCluster()?.server) {
    const known = config.getContexts().map(({ name }) => name)
    throw new Error(
      `context "${config.getCurrentContext()}" of ${files.join(', ')} names no cluster with a server; contexts are: ${known.join(', ') || 'none'}`,
    )
  }
  return config
}

const defaultFiles = (env: Record<string, string | undefined>): string[] => {
  if (env.KUBECONFIG) return env.KUBECONFIG.split(delimiter).filter(Boolean)
  const home = join(env.HOME ?? homedir(), '.kube', 'config')
  return existsSync(home) ? [home] : []
}

// As kubectl: of entries with the same name, and of current contexts, the first counts.
const mergeFile = (config: KubeConfig, file: string): void => {
  const loaded = new KubeConfig()
  try {
    loaded.loadFromString(readFileSync(file, 'utf8'), dirname(file))
  } catch (cause) {
    throw new Error(`kubeconfig ${file} could not be loaded: ${(cause as Error).message}`, { cause })
  }
  config.clusters = union(config.clusters, loaded.clusters)
  config.users = union(config.users, loaded.users)
  config.contexts = union(config.contexts, loaded.contexts)
  config.setCurrentContext(config.getCurrentContext() || loaded.getCurrentContext())
}

const union = <T extends { name: string }>(first: T[], second: T[]): T[] => [
  ...first,
  ...second.filter(({ name }) => !first.some((known) => known.name === name)),
]

const loadServiceAccount = (
  config: KubeConfig,
  { env = process.env, serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount' }: LoadOptions,
): void => {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = env
  const namespaceFile = join(serviceAccountFolder, 'namespace')
  config.loadFromClusterAndUser(
    {
      name: 'in-cluster',
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      caFile: join(serviceAccountFolder, 'ca.crt'),
      skipTLSVerify: false,
    },
    { name: 'service-account', tokenFile: join(serviceAccountFolder, 'token') },
    existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : undefined,
  )
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
 * or weaken TLS is refused, in every entry.
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
    throw new Error(`remote kubeconfig: current-context "${config.getCurrentContext()}" must name a cluster and a user`)
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
