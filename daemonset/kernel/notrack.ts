import { KernelError, runCommand } from './command.ts'
import type { Ledger } from './ledger.ts'

// Table `inet vnet` of nftables, for the overlay's UDP port. In place: everything, in one transaction.
// - A datagram is taken only from the interface that leads to its sender (strict reverse path, RFC 3704, for this port alone): a neighbour's address
//   is what lets a frame in, and a pod of this node, or whoever sits at another interface, can write any.
// - No connection tracking, both ways: one flow for each pair of nodes would fill the table for nothing, and a full table drops.

const TABLE = ['inet', 'vnet'] as const

type NftExpression = { match?: { left?: { fib?: unknown }; right?: unknown }; drop?: null; notrack?: null }
type NftListing = { nftables: { rule?: { expr?: NftExpression[] } }[] }

const ruleset = (udpPort: number): string => `add table ${TABLE.join(' ')}
flush table ${TABLE.join(' ')}
table ${TABLE.join(' ')} {
  chain prerouting { type filter hook prerouting priority raw; policy accept; udp dport ${udpPort} fib saddr . iif oif missing counter drop; udp dport ${udpPort} notrack; }
  chain output { type filter hook output priority raw; policy accept; udp dport ${udpPort} notrack; }
}
`

/** UDP port of the table; 0 when it is not as we write it; undefined without table (or without nftables). */
export const readNotrack = async (): Promise<number | undefined> => {
  const { stdout, code } = await runCommand(['nft', '-j', 'list', 'table', ...TABLE], { tolerant: true }).catch(() => ({
    stdout: '',
    code: 1,
  }))
  if (code !== 0) return undefined
  const { nftables } = JSON.parse(stdout) as NftListing
  const rules = nftables.flatMap(({ rule }) => (rule ? [rule.expr ?? []] : []))
  const ports = rules.map((rule) =>
    rule.flatMap(({ match }) => (typeof match?.right === 'number' ? [match.right] : [])),
  )
  const [port = 0] = ports[0] ?? []
  const isGuard = (rule: NftExpression[] = []): boolean =>
    rule.some(({ match }) => match?.left?.fib !== undefined) && rule.some((it) => 'drop' in it)
  const isUntracked = (rule: NftExpression[]): boolean => rule.some((it) => 'notrack' in it)
  const isOurs = rules.length === 3 && isGuard(rules[0]) && rules.slice(1).every(isUntracked)
  return isOurs && ports.every((each) => each.length === 1 && each[0] === port) ? port : 0
}

export const setNotrack = async (ledger: Ledger, udpPort: number): Promise<void> => {
  ledger.recordFlag('notrack', true)
  try {
    await runCommand(['nft', '-f', '-'], { input: ruleset(udpPort) })
  } catch (cause) {
    const said = cause instanceof KernelError ? cause.output : String(cause)
    const hint =
      'the overlay works without it, but takes datagrams from any interface, and the kernel tracks a connection for each pair of nodes; is nft_fib_inet there?'
    throw new KernelError('writing the nftables table inet vnet', said, { reason: 'NotrackFailed', hint, cause })
  }
}

export const removeNotrack = async (ledger: Ledger): Promise<void> => {
  if ((await readNotrack()) !== undefined) await runCommand(['nft', 'delete', 'table', ...TABLE])
  ledger.recordFlag('notrack', false)
}
