import { readFileSync, writeFileSync } from 'node:fs'
import type { Interface } from '../desired/observed-state.ts'
import { KernelError, runCommand, runJson } from './command.ts'

/** What `ip -details -json address show` prints, as far as it is read here. */
type IpLink = {
  ifindex: number
  ifname: string
  ifalias?: string
  flags: string[]
  mtu: number
  address?: string
  master?: string
  link_netnsid?: number
  linkinfo?: {
    info_kind?: string
    info_data?: {
      stp_state?: number
      external?: boolean
      gbp?: boolean
      port?: number
      port_range?: { low: number; high: number }
      udp_zero_csum6_rx?: boolean
    }
    info_slave_data?: { isolated?: boolean }
  }
  addr_info?: { local?: string; scope?: string }[]
}

const ipv6Switch = (device: string): string => `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`

/** Undefined where the kernel has no IPv6 at all. */
const readIpv6Disabled = (device: string): boolean | undefined => {
  try {
    return readFileSync(ipv6Switch(device), 'utf8').trim() === '1'
  } catch {
    return undefined
  }
}

/** Switches IPv6 off on a device of ours: no link-local address, no router solicitation, no MLD report. */
export const disableIpv6 = (device: string): void => {
  if (readIpv6Disabled(device) !== false) return
  try {
    writeFileSync(ipv6Switch(device), '1')
  } catch (cause) {
    const hint = 'the agent needs a writable /proc/sys (a privileged container has it)'
    throw new KernelError(`switching IPv6 off on ${device}`, (cause as Error).message, { cause, hint })
  }
}

const isOurs = (kind: string): boolean => kind === 'bridge' || kind === 'vxlan'

const interfaceOf = (link: IpLink): Interface => {
  const { info_kind: kind = '', info_data: data, info_slave_data: slave } = link.linkinfo ?? {}
  const ipv6Disabled = isOurs(kind) ? readIpv6Disabled(link.ifname) : undefined
  return {
    ifindex: link.ifindex,
    name: link.ifname,
    kind,
    mac: link.address ?? '',
    mtuBytes: link.mtu,
    isUp: link.flags.includes('UP'),
    ...(link.master === undefined ? {} : { master: link.master }),
    peerNamespace: link.link_netnsid !== undefined,
    isIsolated: slave?.isolated === true,
    addresses: (link.addr_info ?? []).flatMap(({ local, scope }) => (local && scope !== 'link' ? [local] : [])),
    ...(link.ifalias === undefined ? {} : { alias: link.ifalias }),
    ...(kind === 'bridge' ? { stp: (data?.stp_state ?? 0) !== 0 } : {}),
    ...(ipv6Disabled === undefined ? {} : { ipv6Disabled }),
    ...(kind === 'vxlan'
      ? {
          vxlan: {
            udpPort: data?.port ?? 0,
            external: data?.external === true,
            groupPolicy: data?.gbp === true,
            sourcePortFirst: data?.port_range?.low ?? 0,
            sourcePortEnd: data?.port_range?.high ?? 0,
            zeroChecksum6: data?.udp_zero_csum6_rx === true,
          },
        }
      : {}),
  }
}

/** All interfaces of the namespace that the agent runs in. */
export const readInterfaces = async (): Promise<Interface[]> =>
  (await runJson<IpLink[]>(['ip', '-details', '-json', 'address', 'show']))
    .filter(({ ifname }) => ifname)
    .map(interfaceOf)

/** Number of an interface that must exist. */
export const ifindexOf = async (device: string): Promise<number> => {
  const [link] = await runJson<IpLink[]>(['ip', '-json', 'link', 'show', 'dev', device])
  if (!link) throw new KernelError(`looking up ${device}`, 'there is no such interface')
  return link.ifindex
}

/** Removes a device; that it is gone already is as good. */
export const deleteDevice = async (device: string): Promise<void> => {
  const { code, stderr } = await runCommand(['ip', 'link', 'delete', 'dev', device], { tolerant: true })
  if (code !== 0 && !stderr.includes('Cannot find device'))
    throw new KernelError(`deleting ${device}`, stderr.trim() || `ip ended with ${code}`)
}
