import type { IncomingMessage } from 'node:http'
import { ApiError, errorFromAnswer, errorFromConnection } from './api-error.ts'
import { startDeadline } from './deadline.ts'
import { HttpTransport, readText } from './http-transport.ts'
import type { KubeClientOptions, Query, RequestOptions } from './kube-client-options.ts'
import { parseNdjson } from './ndjson.ts'

/** Requests to the API server as text and as streams; every failure but an abort becomes an `ApiError` here. */
export class KubeRequests {
  readonly #transport: HttpTransport
  readonly #userAgent: string
  readonly #timeoutMs: number

  constructor({ config, fieldManager, userAgent = `vnet/${fieldManager}`, timeoutMs = 30_000 }: KubeClientOptions) {
    this.#transport = new HttpTransport(config)
    this.#userAgent = userAgent
    this.#timeoutMs = timeoutMs
  }

  get server(): string {
    return this.#transport.server
  }

  close(): void {
    this.#transport.close()
  }

  async text(request: RequestOptions): Promise<string> {
    const deadline = startDeadline(request.signal, request.timeoutMs ?? this.#timeoutMs)
    try {
      return await readText(await this.#send(request, deadline.signal, { 'accept-encoding': 'gzip' }))
    } catch (error) {
      throw this.#failure(error, request, deadline.signal)
    } finally {
      deadline.end()
    }
  }

  /** Values of a newline-delimited JSON answer. The time limit is for the headers only; leaving the loop closes the stream. */
  async *stream(request: RequestOptions): AsyncGenerator<unknown, void> {
    const deadline = startDeadline(request.signal, request.timeoutMs ?? this.#timeoutMs)
    let response: IncomingMessage | undefined
    try {
      response = await this.#send(request, deadline.signal)
      deadline.lift()
      yield* parseNdjson(response)
    } catch (error) {
      throw this.#failure(error, request, deadline.signal)
    } finally {
      response?.destroy()
      deadline.end()
    }
  }

  async #send(request: RequestOptions, signal: AbortSignal, extraHeaders: Record<string, string> = {}) {
    const { method, path, query, body, contentType = 'application/json' } = request
    const response = await this.#transport.send({
      method,
      path: path + queryString(query),
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...extraHeaders,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    })
    const { statusCode: status = 0, headers } = response
    if (status >= 200 && status < 300) return response
    throw errorFromAnswer({ attempt: attemptOf(request), status, headers, body: await readText(response) })
  }

  #failure(error: unknown, request: RequestOptions, signal: AbortSignal): unknown {
    if (error instanceof ApiError) return error
    if (request.signal?.aborted) return request.signal.reason
    return errorFromConnection(attemptOf(request), this.server, signal.aborted ? signal.reason : error)
  }
}

const attemptOf = ({ attempt, method, path }: RequestOptions): string => attempt ?? `${method} ${path}`

const queryString = (query: Query = {}): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
