// Addresses and routes of the underlay, computed: nothing here touches the machine.

export type Addresses = { ipv4: string; ipv6: string }
export type Subnet = { ipv4: string; ipv6: string; prefixV4: number; prefixV6: number }

/** Subnet of the n-th site (from 0): one Ethernet segment. */
export const siteSubnet = (site: number): Subnet => ({
  ipv4: `10.${100 + site}.0.0`,
  ipv6: `fd00:100:${site + 1}::`,
  prefixV4: 24,
  prefixV6: 64,
})

/** The n-th host of a site; 1 is its router, nodes begin at 10. */
export const siteAddresses = (site: number, host: number): Addresses => ({
  ipv4: `10.${100 + site}.0.${host}`,
  ipv6: `fd00:100:${site + 1}::${host.toString(16)}`,
})

export const routerHost = 1
export const firstNodeHost = 10

/** The two ends of the n-th link between routers. */
export const linkAddresses = (link: number): { a: Addresses; b: Addresses } => ({
  a: { ipv4: `172.31.${link >> 7}.${(link & 127) * 2}`, ipv6: `fd00:200:${link}::` },
  b: { ipv4: `172.31.${link >> 7}.${(link & 127) * 2 + 1}`, ipv6: `fd00:200:${link}::1` },
})

/** Pod addresses of the n-th node of the laboratory. */
export const podAddress = (node: number, host: number): string => `10.244.${node}.${host}`
export const podSubnet = (node: number): string => `10.244.${node}.0/24`

export type Edge = { a: number; b: number; delayMs: number }

/**
 * First links of shortest paths: `routes[from]` maps each other site that is reachable to an index into `edges`. Shortest by
 * delay, then by hops, then by the order of the description, so that both ends agree.
 */
export const firstLinks = (sites: number, edges: readonly Edge[]): Map<number, number>[] =>
  Array.from({ length: sites }, (_, from) => {
    const cost = new Map<number, number>([[from, 0]])
    const first = new Map<number, number>()
    // At most one round a site improves anything (Bellman and Ford).
    for (let round = 0; round < sites; round++) {
      for (const [index, edge] of edges.entries()) {
        for (const [near, far] of [
          [edge.a, edge.b],
          [edge.b, edge.a],
        ] as const) {
          const reached = cost.get(near)
          if (reached === undefined) continue
          const through = reached + edge.delayMs + hopCostMs
          if (through >= (cost.get(far) ?? Number.POSITIVE_INFINITY)) continue
          cost.set(far, through)
          first.set(far, near === from ? index : first.get(near)!)
        }
      }
    }
    return first
  })

const hopCostMs = 0.001
