import { readFileSync } from 'node:fs'
import { runCommand } from './command.ts'

// What of the host's packet filter sees datagrams between nodes. Read only where somebody asks for it.

type NftListing = {
  nftables: {
    chain?: { family: string; table: string; name: string; hook?: string }
    rule?: { family: string; table: string; chain: string }
  }[]
}

const FAMILIES = new Set(['ip', 'ip6', 'inet', 'netdev'])
const OURS = 'inet vnet'

/** Chains at a hook that hold rules, as `family table chain`; our own table is left out. */
const nftChains = ({ nftables }: NftListing): string[] => {
  const nameOf = (family: string, table: string, chain: string): string => `${family} ${table} ${chain}`
  const withRules = new Set(nftables.flatMap(({ rule }) => (rule ? [nameOf(rule.family, rule.table, rule.chain)] : [])))
  return nftables.flatMap(({ chain }) => {
    if (!chain?.hook || !FAMILIES.has(chain.family) || `${chain.family} ${chain.table}` === OURS) return []
    const name = nameOf(chain.family, chain.table, chain.name)
    return withRules.has(name) ? [name] : []
  })
}

/** Tables of the older iptables that are loaded: their rules are not looked at. */
const legacyTables = (): string[] =>
  ['ip', 'ip6'].flatMap((family) => {
    try {
      const text = readFileSync(`/proc/net/${family}_tables_names`, 'utf8')
      return text.split('\n').flatMap((table) => (table ? [`${family}tables-legacy ${table}`] : []))
    } catch {
      return []
    }
  })

/** Names of what the fast path would pass by. */
export const readFirewall = async (): Promise<string[]> => {
  const { stdout, code } = await runCommand(['nft', '-j', 'list', 'ruleset'], { tolerant: true }).catch(() => ({
    stdout: '',
    code: 1,
  }))
  const chains = code === 0 ? nftChains(JSON.parse(stdout) as NftListing) : []
  return [...chains, ...legacyTables()]
}
