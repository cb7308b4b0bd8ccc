import type { Tables } from './tables.ts'

/** The entries of the eBPF object, by the name of their pin. */
export const PROGRAMS = [
  'port_ingress',
  'tunnel_ingress',
  'inlet_ingress',
  'bridge_guard',
  'underlay_entry',
  'underlay_egress',
] as const
export type ProgramName = (typeof PROGRAMS)[number]
export type Direction = 'ingress' | 'egress'

/** What can only be set when a VXLAN device is made. */
export type VxlanSettings = {
  readonly udpPort: number
  readonly external: boolean
  readonly groupPolicy: boolean
  /** Outer source ports: from the first on, below the end. */
  readonly sourcePortFirst: number
  readonly sourcePortEnd: number
  /** Takes datagrams without checksum over IPv6 too. */
  readonly zeroChecksum6: boolean
}

/** A network interface, as far as decisions depend on it. */
export type Interface = {
  readonly ifindex: number
  readonly name: string
  /** Kind as iproute2 names it (`bridge`, `veth`, `vxlan`); empty for hardware. */
  readonly kind: string
  readonly mac: string
  readonly mtuBytes: number
  readonly isUp: boolean
  /** Name of the bridge that it is a port of. */
  readonly master?: string
  /** A veth whose other end is in another network namespace. */
  readonly peerNamespace: boolean
  /** A bridge port that may not speak to other isolated ones. */
  readonly isIsolated: boolean
  /** Without link-local ones. */
  readonly addresses: readonly string[]
  /** Of a bridge: the spanning tree protocol runs. */
  readonly stp?: boolean
  /** Of our devices: IPv6 is switched off on it. */
  readonly ipv6Disabled?: boolean
  readonly vxlan?: VxlanSettings
  /** What the device is said to be for (ifalias). */
  readonly alias?: string
}

/** Whether a set of programs is named by its layout (`v1`): it works on other maps than ours. */
export const isOtherLayout = (programs: string): boolean => /^v\d+$/.test(programs)

/** What is attached at our place (priority and handle) of a device. */
export type Filter = {
  readonly device: string
  readonly direction: Direction
  /** The program of ours, or undefined: somebody else's. */
  readonly program: ProgramName | undefined
  /** Which set it is of, as `ObservedState.oldPrograms` names it; absent: its pin was lost. */
  readonly programs?: string
  /** Whether it is the one of the program set in `ObservedState.programs`. */
  readonly isCurrent: boolean
}

/** What the agent wrote down as its own before it made it. An ifindex of 0: it was about to be made. */
export type Owned = {
  readonly devices: Readonly<Record<string, number>>
  /** clsact queueing disciplines, by device. */
  readonly qdiscs: Readonly<Record<string, number>>
  /** By `device/direction`. */
  readonly filters: Readonly<Record<string, number>>
  readonly notrack: boolean
  /** The bpffs at the folder of the pins: no one else had mounted one. */
  readonly bpffs: boolean
}

export const emptyOwned: Owned = { devices: {}, qdiscs: {}, filters: {}, notrack: false, bpffs: false }

/** Rules of the host that see datagrams between nodes, by name. `unreadable`: why they are not known. */
export type Firewall = { readonly rules: readonly string[]; readonly unreadable?: string }

/** Everything that the agent compares with what should be: one reading of the kernel. */
export type ObservedState = {
  readonly interfaces: readonly Interface[]
  readonly filters: readonly Filter[]
  /** Digest of the loaded program set of the newest layout, when it is complete. */
  readonly programs: string | undefined
  /** Other program sets that are still pinned. */
  readonly oldPrograms: readonly string[]
  /** UDP port of the table `vnet` of nftables; 0: a table of that name that is not as ours. */
  readonly notrack: number | undefined
  /** Empty where nobody asks. */
  readonly firewall: Firewall
  readonly tables: Tables
  readonly owned: Owned
}

/** Begins the alias of every device that we make. */
export const ALIAS_PREFIX = 'vnet '

/** Our own mark on the device, which outlives the record: a bridge or the tunnel by name, kind and alias. */
const isMarked = ({ name, kind, alias }: Interface): boolean =>
  alias?.startsWith(ALIAS_PREFIX) === true &&
  ((kind === 'vxlan' && name.startsWith('vnet')) || (kind === 'bridge' && name.startsWith('vn')))

/**
 * Whether the device is one that the agent made, and not another of the same name: by the record, or by its mark where the record was
 * lost. Of one that was about to be made when the agent ended, only what is not up yet, or marked.
 */
export const isOwned = ({ owned }: Pick<ObservedState, 'owned'>, device: Interface): boolean => {
  const recorded = owned.devices[device.name]
  if (isMarked(device)) return true
  return recorded !== undefined && (recorded === device.ifindex || (recorded === 0 && !device.isUp))
}

export const filterKey = (device: string, direction: Direction): string => `${device}/${direction}`
