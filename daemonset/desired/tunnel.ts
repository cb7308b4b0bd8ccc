import { SOURCE_PORT_END, SOURCE_PORT_FIRST } from '../wire/vxlan-header.ts'
import { isOwned, type ObservedState, type VxlanSettings } from './observed-state.ts'
import { textOf } from './tables.ts'

/** The VXLAN device of the node; one for all networks. */
export const TUNNEL_DEVICE = 'vnet0'
/** A second one, without metadata, for what the fast path has decided about and the kernel is to unwrap (../bpf/inlet.h). */
export const INLET_DEVICE = 'vnet0in'
export const INLET_SUBJECT = 'inlet'
/** So large that the device never refuses: whether a frame fits is asked of the link. */
export const TUNNEL_MTU_BYTES = 65_000
/** Where NodeBridge names none. */
export const DEFAULT_UDP_PORT = 14789
/**
 * skb mark of our own datagrams: the underlay guard lets only these out to the overlay's port. It shares no bit that kube-proxy (0x4000, 0x8000),
 * Calico (0xffff0000), Cilium (0x0f00) or the AWS CNI (0x80) give a meaning.
 */
export const TUNNEL_MARK = 0x3076

/** Of the inlet. Nobody on the wire is asked to use it. */
const inletPort = (udpPort: number): number => udpPort + 1
export const hasInletPort = (udpPort: number): boolean => inletPort(udpPort) <= 65_535
export const INLET_VNI = 1

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

/** How the inlet is made. */
export const inletSettings = (udpPort: number): VxlanSettings => ({
  ...tunnelSettings(inletPort(udpPort)),
  external: false,
  groupPolicy: false,
})

/** The device that unwraps TCP and super-frames over IPv4. */
export type Receive = 'Inlet' | 'Tunnel'

/** Whether what the fast path gives to the inlet comes out of it: it is ours, as it should be, up, and has its program. */
export const isInletReady = ({ interfaces, filters, owned }: ObservedState, udpPort: number): boolean => {
  const found = interfaces.find(({ name }) => name === INLET_DEVICE)
  const isGuarded = filters.some(({ device, program }) => device === INLET_DEVICE && program === 'inlet_ingress')
  return (
    found !== undefined &&
    isOwned({ owned }, found) &&
    found.isUp &&
    isGuarded &&
    textOf(found.vxlan) === textOf(inletSettings(udpPort))
  )
}
