import { createReadStream, existsSync, readFileSync, statSync, watch } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'

/** Path of a container's log; undefined when there is none. */
export type FindLog = (pod: { namespace: string; name: string }, container: string) => string | undefined

/**
 * What `kubectl logs` needs of a kubelet: `GET /containerLogs/NAMESPACE/POD/CONTAINER`, with `follow`, `tailLines` and
 * `limitBytes`. One server for all nodes of a cluster, on loopback.
 */
export class LogServer {
  readonly #findLog: FindLog
  #server: Server | undefined

  constructor(findLog: FindLog) {
    this.#findLog = findLog
  }

  /** `folder` holds the serving certificate of the cluster's API server, which is this machine's loopback too. */
  async start(port: number, folder: string): Promise<void> {
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
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const tailOffset = (file: string, lines: string | null): number => {
  if (lines === null) return 0
  const rows = readFileSync(file, 'utf8').split(/(?<=\n)/)
  return Buffer.byteLength(rows.slice(0, Math.max(0, rows.length - Number(lines))).join(''))
}
