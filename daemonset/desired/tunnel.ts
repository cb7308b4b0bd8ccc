import { SOURCE_PORT_END, SOURCE_PORT_FIRST } from '../wire/vxlan-header.ts'
import type { VxlanSettings } from './observed-state.ts'

/** The VXLAN device of the node; one for all networks. */
export const TUNNEL_DEVICE = 'vnet0'
/** So large that the device never refuses: whether a frame fits is asked of the link. */
export const TUNNEL_MTU_BYTES = 65_000
/** Where NodeBridge names none. */
export const DEFAULT_UDP_PORT = 14789
/**
 * skb mark of our own datagrams: the underlay guard lets only these out to the overlay's port. It shares no bit that kube-proxy (0x4000, 0x8000),
 * Calico (0xffff0000), Cilium (0x0f00) or the AWS CNI (0x80) give a meaning.
 */
export const TUNNEL_MARK = 0x3076

/** How the VXLAN device is made. */
export const tunnelSettings = (udpPort: number): VxlanSettings => ({
  udpPort,
  external: true,
  groupPolicy: true,
  sourcePortFirst: SOURCE_PORT_FIRST,
  sourcePortEnd: SOURCE_PORT_END,
  zeroChecksum6: true,
})

/** Outer IP, UDP and VXLAN headers: what the underlay's MTU must hold beside the inner frame. */
export const overheadBytes = (isIpv6: boolean): number => (isIpv6 ? 40 : 20) + 8 + 8
