import { ipBatch, runOrThrow } from './processes.ts'
import type { Attachment } from './underlay.ts'

type Port = { router: string; port: string }

export type FaultSurface = {
  /** By key `cluster/node`. */
  attachments: ReadonlyMap<string, Attachment>
  routerOf: (site: string) => string
  /** The two ports of the link between two sites. */
  linkBetween: (a: string, b: string) => Port[]
}

/**
 * Faults of the underlay. Silent ones drop at the ingress of a router's port: both neighbours keep their carrier and notice
 * nothing. They never touch the nodes' own namespaces, whose state tests compare.
 */
export class UnderlayFaults {
  readonly #surface: FaultSurface
  // Drops by port, as nftables conditions ('' is everything).
  readonly #drops = new Map<string, { port: Port; conditions: Set<string> }>()

  constructor(surface: FaultSurface) {
    this.#surface = surface
  }

  /** Silently drops all between two nodes, both ways. */
  async cut(a: string, b: string): Promise<void> {
    await this.#change(this.#between(a, b), (conditions, condition) => conditions.add(condition))
  }

  async restore(a: string, b: string): Promise<void> {
    await this.#change(this.#between(a, b), (conditions, condition) => conditions.delete(condition))
  }

  /** Silently drops all between a node and all others. */
  async isolate(node: string): Promise<void> {
    for (const other of this.#others(node)) await this.cut(node, other)
  }

  async rejoin(node: string): Promise<void> {
    for (const other of this.#others(node)) await this.restore(node, other)
  }

  /** Silently drops all on the link between two sites, both ways. */
  async cutLink(a: string, b: string): Promise<void> {
    const drops = this.#surface.linkBetween(a, b).map((port) => ({ port, condition: '' }))
    await this.#change(drops, (conditions, condition) => conditions.add(condition))
  }

  async restoreLink(a: string, b: string): Promise<void> {
    const drops = this.#surface.linkBetween(a, b).map((port) => ({ port, condition: '' }))
    await this.#change(drops, (conditions, condition) => conditions.delete(condition))
  }

  /** Takes a node's cable out (its eth0 loses the carrier) or puts it back. */
  async setCable(node: string, cable: 'in' | 'out'): Promise<void> {
    const { router, port } = this.#portOf(node)
    await ipBatch(router, [`link set dev ${port} ${cable === 'in' ? 'up' : 'down'}`])
  }

  #between(a: string, b: string): { port: Port; condition: string }[] {
    return [
      [a, b],
      [b, a],
    ].flatMap(([from, to]) => {
      const { ipv4, ipv6 } = this.#attachment(to!).addresses
      const port = this.#portOf(from!)
      return [
        { port, condition: `ip daddr ${ipv4}` },
        { port, condition: `ip6 daddr ${ipv6}` },
      ]
    })
  }

  async #change(
    drops: { port: Port; condition: string }[],
    apply: (conditions: Set<string>, condition: string) => unknown,
  ): Promise<void> {
    const touched = new Set<string>()
    for (const { port, condition } of drops) {
      const key = `${port.router} ${port.port}`
      const entry = this.#drops.get(key) ?? { port, conditions: new Set<string>() }
      this.#drops.set(key, entry)
      apply(entry.conditions, condition)
      touched.add(port.router)
    }
    for (const router of touched) await this.#program(router)
  }

  // One transaction: the table is replaced as a whole.
  async #program(router: string): Promise<void> {
    const chains = [...this.#drops.values()]
      .filter(({ port, conditions }) => port.router === router && conditions.size > 0)
      .map(({ port, conditions }) =>
        [
          `  chain ${port.port} {`,
          `    type filter hook ingress device "${port.port}" priority -500;`,
          ...[...conditions].map((condition) => `    ${condition} counter drop`),
          '  }',
        ].join('\n'),
      )
    const input = [
      'table netdev faults',
      'delete table netdev faults',
      `table netdev faults {\n${chains.join('\n')}\n}`,
    ]
    await runOrThrow(['nft', '-f', '-'], { namespace: router, input: `${input.join('\n')}\n` })
  }

  #portOf(node: string): Port {
    const { site, port } = this.#attachment(node)
    return { router: this.#surface.routerOf(site), port }
  }

  #others(node: string): string[] {
    return [...this.#surface.attachments.keys()].filter((key) => key !== node)
  }

  #attachment(node: string): Attachment {
    const attachment = this.#surface.attachments.get(node)
    if (attachment) return attachment
    throw new Error(`${node} is not in the underlay; there are: ${[...this.#surface.attachments.keys()].join(', ')}`)
  }
}
