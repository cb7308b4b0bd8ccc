import { KernelError, runCommand } from './command.ts'
import type { Ledger } from './ledger.ts'

// Table `inet vnet` of nftables: no connection tracking for the overlay's UDP port, both ways. One flow for each pair of nodes would
// fill the tracking table for nothing, and a full table drops. In place: everything, in one transaction.

const TABLE = ['inet', 'vnet'] as const

type NftListing = { nftables: { rule?: { expr?: { match?: { right?: unknown } }[] } }[] }

const ruleset = (udpPort: number): string => `add table ${TABLE.join(' ')}
flush table ${TABLE.join(' ')}
table ${TABLE.join(' ')} {
  chain prerouting { type filter hook prerouting priority raw; policy accept; udp dport ${udpPort} notrack; }
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
  const ports = nftables.flatMap(({ rule }) => rule?.expr?.flatMap(({ match }) => (match ? [match.right] : [])) ?? [])
  const [port] = ports
  return ports.length === 2 && typeof port === 'number' && ports[1] === port ? port : 0
}

export const setNotrack = async (ledger: Ledger, udpPort: number): Promise<void> => {
  ledger.recordFlag('notrack', true)
  try {
    await runCommand(['nft', '-f', '-'], { input: ruleset(udpPort) })
  } catch (cause) {
    const said = cause instanceof KernelError ? cause.output : String(cause)
    const hint = 'the overlay works without it, but the kernel then tracks a connection for each pair of nodes'
    throw new KernelError('writing the nftables table inet vnet', said, { reason: 'NotrackFailed', hint, cause })
  }
}

export const removeNotrack = async (ledger: Ledger): Promise<void> => {
  if ((await readNotrack()) !== undefined) await runCommand(['nft', 'delete', 'table', ...TABLE])
  ledger.recordFlag('notrack', false)
}
