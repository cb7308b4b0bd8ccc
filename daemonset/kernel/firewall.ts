import { readFileSync } from 'node:fs'
import type { Firewall } from '../desired/observed-state.ts'
import { runCommand } from './command.ts'

// What of the host's packet filter and IPsec sees datagrams between nodes. Read only where somebody asks for it.

type Chain = { family: string; table: string; name: string; hook?: string; policy?: string }
type NftListing = { nftables: { chain?: Chain; rule?: { family: string; table: string; chain: string } }[] }

const FAMILIES = new Set(['ip', 'ip6', 'inet', 'netdev'])
const OURS = 'inet vnet'

/** Chains at a hook that hold rules or drop by their policy, as `family table chain`. Datagrams between nodes are never forwarded. */
const nftChains = ({ nftables }: NftListing): string[] => {
  const nameOf = (family: string, table: string, chain: string): string => `${family} ${table} ${chain}`
  const withRules = new Set(nftables.flatMap(({ rule }) => (rule ? [nameOf(rule.family, rule.table, rule.chain)] : [])))
  return nftables.flatMap(({ chain }) => {
    if (!chain?.hook || chain.hook === 'forward' || !FAMILIES.has(chain.family)) return []
    if (`${chain.family} ${chain.table}` === OURS) return []
    const name = nameOf(chain.family, chain.table, chain.name)
    return withRules.has(name) || chain.policy === 'drop' ? [name] : []
  })
}

const readNft = async (): Promise<string[]> => {
  const { stdout } = await runCommand(['nft', '-j', 'list', 'ruleset'])
  return nftChains(JSON.parse(stdout) as NftListing)
}

/** Tables of the older iptables that are loaded: their rules are not looked at. */
const readLegacy = (): string[] =>
  ['ip', 'ip6'].flatMap((family) => {
    try {
      const text = readFileSync(`/proc/net/${family}_tables_names`, 'utf8')
      return text.split('\n').flatMap((table) => (table ? [`${family}tables-legacy ${table}`] : []))
    } catch (error) {
      // Kernels without the older iptables have no such file.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })

/**
 * Policies of IPsec for what arrives here: datagrams in clear are refused where they demand protection. What a policy selects is not looked
 * at. Those of single sockets, with which key daemons except themselves, are none of ours.
 */
const readIpsec = async (): Promise<string[]> => {
  const { stdout, stderr, code } = await runCommand(['ip', 'xfrm', 'policy', 'list', 'dir', 'in'], { tolerant: true })
  const { stdout: usual } = await runCommand(['ip', 'xfrm', 'policy', 'getdefault'], { tolerant: true })
  const refusal = /\bin:\s*block/.test(usual) ? ['ipsec in, by default: block'] : []
  // A kernel without the means to set policies has none.
  if (code !== 0 && !stderr.includes('Protocol not supported')) throw new Error(`ip xfrm policy: ${stderr.trim()}`)
  const policies = stdout.split('\n').flatMap((line) => (line.startsWith('src ') ? [`ipsec in ${line.trim()}`] : []))
  return [...refusal, ...policies]
}

/** Names of what the fast path would pass by, or why they are not known. */
export const readFirewall = async (): Promise<Firewall> => {
  try {
    return { rules: [...(await readNft()), ...readLegacy(), ...(await readIpsec())] }
  } catch (error) {
    return { rules: [], unreadable: error instanceof Error ? error.message : String(error) }
  }
}
