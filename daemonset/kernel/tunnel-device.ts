import type { DesiredTunnel } from '../desired/desired-state.ts'
import { INLET_VNI } from '../desired/tunnel.ts'
import { KernelError, runCommand } from './command.ts'
import { disableIpv6, ifindexOf } from './interfaces.ts'
import type { Ledger } from './ledger.ts'

// A VXLAN device, made down. In place: MTU. Re-creation: everything in `VxlanSettings`.

/** Names the cause where the UDP port is not ours to have. */
export const portTaken = (owner: string, cause: unknown): KernelError => {
  const hint = 'find the owner (`ss -lunp`, `ip -d link show type vxlan`), or choose another port for the overlay'
  return new KernelError(`opening ${owner}`, 'it is in use', { reason: 'UDPPortInUse', hint, cause })
}

export const isPortTaken = (error: unknown): boolean =>
  error instanceof KernelError && /Address already in use|VNI already exists/.test(error.output)

export const configureTunnel = async ({
  device,
  mtuBytes,
}: Pick<DesiredTunnel, 'device' | 'mtuBytes'>): Promise<void> => {
  disableIpv6(device)
  await runCommand(['ip', 'link', 'set', 'dev', device, 'mtu', String(mtuBytes), 'alias', 'vnet tunnel'])
}

const add = async ({ device, vxlan }: DesiredTunnel): Promise<void> => {
  const { udpPort, external, groupPolicy, sourcePortFirst, sourcePortEnd, zeroChecksum6 } = vxlan
  const options = [
    ...(external ? ['external'] : ['id', String(INLET_VNI)]),
    ...(groupPolicy ? ['gbp'] : []),
    ...(zeroChecksum6 ? ['udp6zerocsumrx'] : []),
    ...['nolearning', 'srcport', String(sourcePortFirst), String(sourcePortEnd), 'dstport', String(udpPort)],
  ]
  await runCommand(['ip', 'link', 'add', 'name', device, 'type', 'vxlan', ...options])
}

/** Makes the device, down: the kernel opens the UDP port when it is raised. */
export const createTunnel = async (ledger: Ledger, tunnel: DesiredTunnel): Promise<void> => {
  const { device, vxlan } = tunnel
  ledger.record('devices', device, 0)
  try {
    await add(tunnel)
  } catch (error) {
    ledger.erase('devices', device)
    throw isPortTaken(error) ? portTaken(`UDP port ${vxlan.udpPort}`, error) : error
  }
  ledger.record('devices', device, await ifindexOf(device))
  await configureTunnel(tunnel)
}
