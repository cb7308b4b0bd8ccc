import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run, runOrThrow } from './processes.ts'

/** Plain data, equal for equal states: compare two by `isDeepStrictEqual` or an assertion that shows the difference. */
export type KernelSnapshot = {
  links: unknown[]
  addresses: unknown[]
  routes: unknown[]
  qdiscs: unknown[]
  filters: Record<string, unknown[]>
  nftables: unknown[]
  /** Pinned objects: paths below the node's bpffs. */
  pins: string[]
  /** Files below the node's /run/vnet. */
  files: string[]
}

/**
 * What a node's kernel holds that an agent might leave behind. Counters, handles, indices and interfaces of pods (which come
 * and go by themselves) are left out.
 */
export const kernelSnapshot = async (namespace: string, root: string): Promise<KernelSnapshot> => {
  const json = async (argv: string[]): Promise<Item[]> => {
    const text = await runOrThrow(argv, { namespace })
    return text.trim() === '' ? [] : (JSON.parse(text) as Item[])
  }
  const links = (await json(['ip', '-d', '-j', 'link', 'show'])).filter((link) => !isPodInterface(link.ifname))
  const names = links.map(({ ifname }) => String(ifname))
  const own = (item: Item): boolean => !isPodInterface(item.dev ?? item.ifname)
  const ruleset = await run(['nft', '-j', 'list', 'ruleset'], { namespace })
  const nftables = (JSON.parse(ruleset.stdout || '{"nftables": []}') as { nftables: Item[] }).nftables
  const filters: Record<string, unknown[]> = {}
  for (const name of names) {
    for (const hook of ['ingress', 'egress']) {
      const found = await run(['tc', '-j', 'filter', 'show', 'dev', name, hook], { namespace })
      const list = found.code === 0 && found.stdout.trim() !== '' ? (JSON.parse(found.stdout) as Item[]) : []
      if (list.length > 0) filters[`${name} ${hook}`] = list.map(stable)
    }
  }
  return {
    links: sorted(links.map(stable)),
    addresses: sorted((await json(['ip', '-j', 'address', 'show'])).filter(own).map(stable)),
    routes: sorted(
      [...(await json(['ip', '-j', 'route', 'show', 'table', 'all'])), ...(await json(['ip', '-6', '-j', 'route']))]
        .filter(own)
        .map(stable),
    ),
    qdiscs: sorted((await json(['tc', '-j', 'qdisc', 'show'])).filter(own).map(stable)),
    filters,
    nftables: nftables.filter((item) => !('metainfo' in item)).map(stable),
    pins: filesBelow(join(root, 'sys/fs/bpf')),
    files: filesBelow(join(root, 'run/vnet')),
  }
}

type Item = Record<string, unknown>

const isPodInterface = (name: unknown): boolean => /^(pod|veth)[0-9a-f]{8}$/.test(String(name))

// Numbers that differ between equal states.
const volatile = new Set([
  ...['ifindex', 'link_index', 'link_netnsid', 'handle', 'expires', 'packets', 'bytes', 'promiscuity', 'allmulti'],
  ...['valid_life_time', 'preferred_life_time', 'hello_timer', 'tcn_timer', 'topology_change_timer', 'gc_timer'],
  ...['id', 'tag', 'jited', 'in_hw', 'index', 'refcnt', 'prog', 'txqlen', 'num_tx_queues', 'num_rx_queues'],
])

const stable = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => !volatile.has(key))
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, stable(inner)]))
}

const sorted = (items: unknown[]): unknown[] =>
  items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

const filesBelow = (folder: string): string[] => {
  try {
    return readdirSync(folder, { recursive: true }).map(String).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
