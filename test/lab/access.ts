import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Program } from './program.ts'
import type { RunState } from './run-state.ts'
import { nativeTool } from './tools.ts'

type Path = { cluster: string; server: string }
type Waiting = { resolve: () => void; reject: (error: Error) => void }

/**
 * Lets every node and pod reach every API server at the address that its kubeconfig names, 127.0.0.1:PORT, though no interface
 * leads from their namespaces to the machine's own (native/gate.c). And takes that away: which cluster reaches which server.
 */
export class Access {
  readonly #program: Program
  readonly #servers: ReadonlyMap<string, number>
  // Answers come in the order of the commands.
  readonly #waiting: Waiting[] = []

  private constructor(program: Program, servers: ReadonlyMap<string, number>) {
    this.#program = program
    this.#servers = servers
    createInterface({ input: program.child.stdout! }).on('line', (line) => {
      const waiting = this.#waiting.shift()
      if (line === 'ok') waiting?.resolve()
      else waiting?.reject(new Error(`access: ${line}`))
    })
    void program.ended.then(() => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('access: gate has ended'))
    })
  }

  /** `servers`: port by cluster. */
  static async start(state: RunState, servers: ReadonlyMap<string, number>): Promise<Access> {
    const program = new Program(state, {
      argv: [await nativeTool('gate')],
      logFile: join(state.subfolder('logs'), 'gate.log'),
      input: true,
    })
    return new Access(program, servers)
  }

  /** Opens all API servers to a namespace of `cluster`. */
  async open(cluster: string, namespace: string): Promise<void> {
    const commands = [...this.#servers].map(([server, port]) =>
      this.#command(`listen ${namespace}:${port} ${groupOf({ cluster, server })} /run/netns/${namespace} ${port}`),
    )
    await Promise.all(commands)
  }

  /** To be called before a namespace is removed: a socket in it keeps it alive. */
  async close(namespace: string): Promise<void> {
    const commands = [...this.#servers.values()].map((port) => this.#command(`unlisten ${namespace}:${port}`))
    await Promise.all(commands)
  }

  /**
   * Cuts all nodes and pods of a cluster off from an API server. `silent`: connections hang, as when a firewall drops;
   * `reset`: they are refused.
   */
  async cut({ cluster, server, how }: Path & { how: 'silent' | 'reset' }): Promise<void> {
    await this.#command(`${how === 'silent' ? 'silence' : 'refuse'} ${groupOf({ cluster, server })}`)
  }

  async restore(path: Path): Promise<void> {
    await this.#command(`restore ${groupOf(path)}`)
  }

  async stop(): Promise<void> {
    await this.#program.stop(2_000)
  }

  #command(line: string): Promise<void> {
    if (this.#program.result) return Promise.reject(new Error(`access: gate has ended; could not ${line}`))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#program.child.stdin!.write(`${line}\n`)
    })
  }
}

const groupOf = ({ cluster, server }: Path): string => `${cluster}:${server}`
