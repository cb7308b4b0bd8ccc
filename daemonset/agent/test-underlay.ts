// The underlay of the agent's tests, and an API server on it that can be taken away.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { ip } from '../kernel/test-namespace.ts'

export const API_ADDRESS = '10.9.0.254'

/** The underlay, and the way over it to an API server that listens on loopback only. */
export class Underlay {
  readonly #apiPort: number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(apiPort: number) {
    this.#apiPort = apiPort
    ip('link add name underlay type bridge')
    ip('link set dev underlay up')
    ip(`address add ${API_ADDRESS}/24 dev underlay`)
  }

  async connectApi(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(this.#apiPort, '127.0.0.1')
      client.pipe(upstream).pipe(client)
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          other.destroy()
          this.#sockets.delete(socket)
        })
      }
    })
    server.listen(this.#apiPort, API_ADDRESS)
    await once(server, 'listening')
    this.#server = server
  }

  /** The API server is away: connections end, new ones are refused. */
  disconnectApi(): void {
    this.#server?.close()
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }
}
