import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Host, World } from '../world.ts'

/** Another overlay. */
export type Peer = {
  /** Bytes by which the VMs' MTU is smaller than the underlay's, so that no outer packet is fragmented. */
  overhead: number
  /** It cannot take frames whose checksum is still to be filled in: its manual says to switch that off in the VMs. */
  needsCompleteChecksums?: boolean
  /** Joins the two nodes of a world without a relay; its programs end with the world. */
  join(world: World): Promise<void>
}

/** The TAP device that user-space overlays read frames from and write them to. */
export const TAP = 'tap0'

/** A folder for configuration and keys, removed with the world. */
export const workFolder = (world: World): string => {
  const folder = mkdtempSync(join('/run', 'vnb-peer-'))
  world.onClose(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** One end as the configuration of a program needs it. */
export type Side = { name: 'near' | 'far'; host: Host; address: string; other: string }

/** Both ends, with their underlay addresses. */
export const sidesOf = ({ near, far }: World): [Side, Side] => {
  const a = near.underlays[0]!.address
  const b = far.underlays[0]!.address
  return [
    { name: 'near', host: near, address: a, other: b },
    { name: 'far', host: far, address: b, other: a },
  ]
}

/** Makes the TAP device a persistent one, and a port of the VMs' bridge. */
export const bridgedTap = (world: World, host: Host, mtu: number): void => {
  host.ip(`tuntap add dev ${TAP} mode tap`)
  host.ip(`link set ${TAP} mtu ${mtu}`)
  world.linuxBridge(host, TAP)
}
