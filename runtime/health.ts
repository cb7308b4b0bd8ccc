import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import type { Logger } from './logging.ts'

/** True when all is well, else what is wrong. A rejection counts as wrong. */
export type HealthCheck = () => true | string | Promise<true | string>

export type HealthServerOptions = {
  /** 0: any free port; `listen` tells which. */
  port: number
  host?: string
  registry: Registry
  logger: Logger
}

const EVERYWHERE = '::'
const EVERYWHERE_IPV4 = '0.0.0.0'
/** What a kernel without IPv6 says (`ipv6.disable=1`). */
const NO_IPV6: readonly unknown[] = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

/**
 * `/livez`, `/readyz` and `/metrics` over plain HTTP. Each check is listed by name; one that fails makes 503. Liveness is for what a
 * restart would cure, nothing else.
 */
export class HealthServer {
  readonly #options: HealthServerOptions
  readonly #checks = { '/livez': new Map<string, HealthCheck>(), '/readyz': new Map<string, HealthCheck>() }
  readonly #server = createServer((request, response) => void this.#serve(request, response))

  constructor(options: HealthServerOptions) {
    this.#options = options
  }

  addLivenessCheck(name: string, check: HealthCheck): void {
    this.#checks['/livez'].set(name, check)
  }

  addReadinessCheck(name: string, check: HealthCheck): void {
    this.#checks['/readyz'].set(name, check)
  }

  /** Opens the port; rejects when it is taken. On a machine without IPv6, `::` is all addresses of IPv4. */
  async listen(): Promise<{ port: number }> {
    const { port, host = EVERYWHERE } = this.#options
    try {
      await this.#listenOn(host).catch((error: NodeJS.ErrnoException) => {
        if (host !== EVERYWHERE || !NO_IPV6.includes(error.code)) throw error
        return this.#listenOn(EVERYWHERE_IPV4)
      })
    } catch (cause) {
      throw new Error(`the health server cannot listen on ${host} port ${port}; choose another --health-port`, {
        cause,
      })
    }
    return { port: (this.#server.address() as AddressInfo).port }
  }

  async #listenOn(host: string): Promise<void> {
    this.#server.listen({ port: this.#options.port, host })
    await once(this.#server, 'listening')
  }

  /** Serves (and listens, if `listen` was not called) until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (!this.#server.listening) await this.listen()
    const closed = once(this.#server, 'close')
    const stop = (): void => {
      this.#server.close()
      this.#server.closeAllConnections()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    await closed
  }

  async #serve({ url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { registry, logger } = this.#options
    const path = new URL(url, 'http://health').pathname
    try {
      if (path === '/metrics') {
        const text = await registry.metrics()
        response.writeHead(200, { 'content-type': registry.contentType }).end(text)
      } else if (path === '/livez' || path === '/readyz') {
        const { isHealthy, lines } = await evaluate(this.#checks[path])
        response.writeHead(isHealthy ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' }).end(lines.join('\n'))
      } else response.writeHead(404).end('there are /livez, /readyz and /metrics\n')
    } catch (error) {
      logger.error({ err: error }, 'a health request failed')
      response.writeHead(500).end()
    }
  }
}

const evaluate = async (checks: ReadonlyMap<string, HealthCheck>): Promise<{ isHealthy: boolean; lines: string[] }> => {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => ({ name, result: await outcomeOf(check) })),
  )
  const isHealthy = results.every(({ result }) => result === true)
  const lines = results.map(({ name, result }) => (result === true ? `[+] ${name} ok` : `[-] ${name}: ${result}`))
  return { isHealthy, lines: [...lines, isHealthy ? 'ok' : 'failed', ''] }
}

const outcomeOf = async (check: HealthCheck): Promise<true | string> => {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
