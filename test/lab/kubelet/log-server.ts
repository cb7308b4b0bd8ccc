import { createReadStream, existsSync, readFileSync, statSync, watch } from 'node:fs'
import { createServer as createProxy, type Server as ProxyServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'

/** Path of a container's log; undefined when there is none. */
export type FindLog = (pod: { namespace: string; name: string }, container: string) => string | undefined

/**
 * What `kubectl logs` needs of a kubelet: `GET /containerLogs/NAMESPACE/POD/CONTAINER`, with `follow` and
 * `tailLines`. One server for all nodes of a cluster: the API server asks a proxy (HTTP CONNECT on a unix socket) for a
 * connection to whichever node, and the proxy hands every connection to this server.
 */
export class LogServer {
  readonly #findLog: FindLog
  #server: Server | undefined
  #proxy: ProxyServer | undefined

  constructor(findLog: FindLog) {
    this.#findLog = findLog
  }

  /** `folder` holds the serving certificate of the cluster's API server; `socket` is where it asks for connections. */
  async start(socket: string, folder: string): Promise<void> {
    const files = { cert: join(folder, 'apiserver.crt'), key: join(folder, 'apiserver.key') }
    const server = createServer(
      { cert: readFileSync(files.cert), key: readFileSync(files.key) },
      (request, response) => {
        const url = new URL(request.url ?? '', 'https://localhost')
        const [, verb, namespace = '', name = '', container = ''] = url.pathname.split('/')
        const file = verb === 'containerLogs' ? this.#findLog({ namespace, name }, container) : undefined
        if (!file || !existsSync(file)) {
          response.writeHead(404).end(`the laboratory has no log of ${namespace}/${name} ${container}\n`)
          return
        }
        response.writeHead(200, { 'content-type': 'text/plain' })
        let start = tailOffset(file, url.searchParams.get('tailLines'))
        const send = (last: boolean): void => {
          const end = statSync(file, { throwIfNoEntry: false })?.size ?? 0
          if (end <= start) return void (last && response.end())
          const stream = createReadStream(file, { start, end: end - 1 })
          start = end
          stream.pipe(response, { end: last })
        }
        if (url.searchParams.get('follow') !== 'true') return send(true)
        send(false)
        const watcher = watch(file, () => send(false))
        response.on('close', () => watcher.close())
      },
    )
    this.#server = server
    const proxy = createProxy((_, response) => response.writeHead(405).end())
    proxy.on('connect', (_, client: Duplex) => {
      client.on('error', () => client.destroy())
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.emit('connection', client)
    })
    this.#proxy = proxy
    await new Promise<void>((resolve, reject) => proxy.once('error', reject).listen(socket, resolve))
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    this.#proxy?.closeAllConnections()
    await new Promise((resolve) => (this.#proxy ? this.#proxy.close(resolve) : resolve(undefined)))
  }
}

const tailOffset = (file: string, lines: string | null): number => {
  if (lines === null) return 0
  const rows = readFileSync(file, 'utf8').split(/(?<=\n)/)
  return Buffer.byteLength(rows.slice(0, Math.max(0, rows.length - Number(lines))).join(''))
}
