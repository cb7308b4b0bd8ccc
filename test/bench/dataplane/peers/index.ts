// Other overlays, from Debian's packages, each set up as its manual recommends.
import { fastd } from './fastd.ts'
import { n2n } from './n2n.ts'
import { openVswitch } from './open-vswitch.ts'
import { openvpn } from './openvpn.ts'
import type { Peer } from './peer.ts'
import { tinc } from './tinc.ts'

export type PeerName = 'open-vswitch' | 'fastd-null' | 'fastd' | 'tinc' | 'n2n' | 'openvpn'

/** Each peer by the name that the table shows. `fastd-null` and `open-vswitch` do not encrypt; the others do. */
export const PEERS: Readonly<Record<PeerName, Peer>> = {
  'open-vswitch': openVswitch,
  'fastd-null': fastd('null'),
  fastd: fastd('salsa2012+umac'),
  tinc,
  n2n,
  openvpn,
}

export const isPeer = (name: string): name is PeerName => Object.hasOwn(PEERS, name)
