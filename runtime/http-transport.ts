import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { gunzipSync } from 'node:zlib'
import type { KubeConfig } from './kube-config.ts'

export type HttpRequest = {
  method: string
  /** Path and query, after the server's own path prefix. */
  path: string
  headers: Record<string, string>
  body?: string | undefined
  /** Ends the request, and afterwards the response's body. */
  signal: AbortSignal
}

// Longer than most pauses between requests, shorter than the idle limits of the API server and of usual load balancers.
const idleSocketMs = 30_000
const agentOptions = { keepAlive: true, keepAliveMsecs: 30_000, timeout: idleSocketMs }

/**
 * Authenticated HTTP/1.1 to the current cluster of a kubeconfig, on Node's own client. (client-node's request path is not used: it
 * makes a new connection pool for each request.) TLS material is part of an agent's pool key, so a rotated certificate authority
 * or client certificate opens new connections by itself.
 */
export class HttpTransport {
  readonly #config: KubeConfig
  readonly #agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) }

  constructor(config: KubeConfig) {
    this.#config = config
  }

  get server(): string {
    return this.#config.getCurrentCluster()?.server ?? 'no cluster'
  }

  /** Sends and resolves with the response when its headers have come; the caller consumes or destroys the body. */
  async send(request: HttpRequest): Promise<IncomingMessage> {
    const { url, options } = await this.#prepare(request)
    try {
      return await exchange(url, options, request.body)
    } catch (error) {
      if (!isStaleConnection(error) || request.signal.aborted) throw error
      // The server closed an idle connection at the moment we reused it: nothing was processed.
      return await exchange(url, { ...options, agent: false }, request.body)
    }
  }

  /** Closes connections that are not in use. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  async #prepare({ method, path, headers, body, signal }: HttpRequest) {
    const options = await this.#config.requestOptions()
    const url = new URL(this.server + path)
    // There is an agent already where a proxy must be passed.
    options.agent ??= this.#agents[url.protocol as 'http:' | 'https:']
    Object.assign(options, { method, signal })
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders | undefined),
      ...headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    }
    return { url, options }
  }
}

class StaleConnection extends Error {}

const isStaleConnection = (error: unknown): boolean => error instanceof StaleConnection

const idempotent = new Set(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])

const exchange = (url: URL, options: https.RequestOptions, body: string | undefined): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? http : https).request(url, options)
    request.on('response', resolve)
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && cause.code === 'ECONNRESET' && idempotent.has(String(options.method))
      reject(stale ? new StaleConnection('a kept connection was closed by the server', { cause }) : cause)
    })
    request.end(body)
  })

/** The whole body as text; inflates gzip. */
export const readText = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return (response.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')
}
