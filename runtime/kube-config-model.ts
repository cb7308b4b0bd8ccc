import { readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import { resolve } from 'node:path'
import type { KubeConfig as LibraryKubeConfig } from '@kubernetes/client-node'
import { parse } from 'yaml'

export type KubeCluster = {
  name: string
  server: string
  caData?: string | undefined
  caFile?: string | undefined
  skipTLSVerify: boolean
  tlsServerName?: string | undefined
  proxyUrl?: string | undefined
}

export type KubeUser = {
  name: string
  token?: string | undefined
  tokenFile?: string | undefined
  certData?: string | undefined
  certFile?: string | undefined
  keyData?: string | undefined
  keyFile?: string | undefined
  username?: string | undefined
  password?: string | undefined
  impersonateUser?: string | undefined
  exec?: unknown
  authProvider?: unknown
}

export type KubeContext = { name: string; cluster: string; user: string; namespace?: string | undefined }

export type RawKubeConfig = {
  'current-context'?: string
  clusters?: { name: string; cluster?: Record<string, unknown> }[]
  users?: { name: string; user?: Record<string, unknown> }[]
  contexts?: { name: string; context?: Record<string, unknown> }[]
}

/**
 * Clusters, users and contexts, and what a request to the current one must carry. Field names are those of client-node's class, which is
 * loaded only where it knows more (exec plug-ins, auth providers, proxies): it brings every generated API with it, about a second of
 * start and 90 MB of memory that a node agent has no use for.
 */
export class KubeConfig {
  clusters: KubeCluster[] = []
  users: KubeUser[] = []
  contexts: KubeContext[] = []
  currentContext = ''
  #library: Promise<LibraryKubeConfig> | undefined

  /** Replaces all entries by those of a kubeconfig text; relative file names are relative to `folder`. */
  loadFromString(text: string, folder = '.'): void {
    const raw = (parse(text) ?? {}) as RawKubeConfig
    const path = (file: unknown): string | undefined => (file ? resolve(folder, String(file)) : undefined)
    this.clusters = (raw.clusters ?? []).map(({ name, cluster = {} }) => ({
      name,
      server: String(cluster.server ?? '').replace(/\/+$/, ''),
      caData: cluster['certificate-authority-data'] as string | undefined,
      caFile: path(cluster['certificate-authority']),
      skipTLSVerify: cluster['insecure-skip-tls-verify'] === true,
      tlsServerName: cluster['tls-server-name'] as string | undefined,
      proxyUrl: cluster['proxy-url'] as string | undefined,
    }))
    this.users = (raw.users ?? []).map(({ name, user }) => {
      const fields = user ?? {}
      return {
        ...(fields as Pick<KubeUser, 'token' | 'username' | 'password' | 'exec'>),
        name,
        tokenFile: path(fields.tokenFile),
        certData: fields['client-certificate-data'] as string | undefined,
        certFile: path(fields['client-certificate']),
        keyData: fields['client-key-data'] as string | undefined,
        keyFile: path(fields['client-key']),
        impersonateUser: fields.as as string | undefined,
        authProvider: fields['auth-provider'],
      }
    })
    this.contexts = (raw.contexts ?? []).map(({ name, context }) => ({
      ...(context as Omit<KubeContext, 'name'>),
      name,
    }))
    this.currentContext = raw['current-context'] ?? ''
    this.#library = undefined
  }

  /** One cluster and one user, as the current context. */
  loadFromClusterAndUser(cluster: KubeCluster, user: KubeUser, namespace?: string): void {
    this.clusters = [cluster]
    this.users = [user]
    this.contexts = [{ name: cluster.name, cluster: cluster.name, user: user.name, namespace }]
    this.currentContext = cluster.name
    this.#library = undefined
  }

  getContexts(): KubeContext[] {
    return this.contexts
  }

  getCurrentContext(): string {
    return this.currentContext
  }

  setCurrentContext(name: string): void {
    this.currentContext = name
    this.#library = undefined
  }

  getContextObject(name: string): KubeContext | undefined {
    return this.contexts.find((context) => context.name === name)
  }

  getCurrentCluster(): KubeCluster | undefined {
    const context = this.getContextObject(this.currentContext)
    return this.clusters.find(({ name }) => name === context?.cluster)
  }

  getCurrentUser(): KubeUser | undefined {
    const context = this.getContextObject(this.currentContext)
    return this.users.find(({ name }) => name === context?.user)
  }

  /**
   * TLS material and headers for one request; also an agent, where there is a proxy. Files are read anew each time, because
   * projected tokens and certificates are rotated on disk.
   */
  async requestOptions(): Promise<RequestOptions> {
    const cluster = this.getCurrentCluster()
    if (!cluster) throw new Error(`kubeconfig context "${this.currentContext}" names no cluster`)
    const user: KubeUser = this.getCurrentUser() ?? { name: 'anonymous' }
    if (user.exec || user.authProvider || cluster.proxyUrl) return await this.#libraryOptions(cluster)
    const [ca, cert, key, headers] = await Promise.all([
      bytesOf(cluster.caFile, cluster.caData),
      bytesOf(user.certFile, user.certData),
      bytesOf(user.keyFile, user.keyData),
      headersOf(user),
    ])
    return {
      headers,
      ...(ca ? { ca } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
      ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
      ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    }
  }

  async #libraryOptions(cluster: KubeCluster): Promise<RequestOptions> {
    this.#library ??= this.#loadLibrary()
    const options: RequestOptions = {}
    await (await this.#library).applyToHTTPSOptions(options)
    if (!cluster.proxyUrl) delete options.agent
    return options
  }

  async #loadLibrary(): Promise<LibraryKubeConfig> {
    const { KubeConfig: Library } = await import('@kubernetes/client-node')
    const library = new Library()
    library.loadFromOptions({
      clusters: this.clusters,
      users: this.users,
      contexts: this.contexts,
      currentContext: this.currentContext,
    })
    return library
  }
}

const bytesOf = async (file: string | undefined, base64: string | undefined): Promise<Buffer | undefined> => {
  if (base64) return Buffer.from(base64, 'base64')
  return file ? await readFile(file) : undefined
}

const headersOf = async ({
  token,
  tokenFile,
  username,
  password,
  impersonateUser,
}: KubeUser): Promise<OutgoingHttpHeaders> => {
  const bearer = token ?? (tokenFile ? (await readFile(tokenFile, 'utf8')).trim() : undefined)
  const basic = username === undefined ? undefined : Buffer.from(`${username}:${password ?? ''}`).toString('base64')
  return {
    ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(impersonateUser === undefined ? {} : { 'impersonate-user': impersonateUser }),
  }
}
