import type { DesiredBridge } from '../desired/desired-state.ts'
import { runCommand } from './command.ts'
import { deleteDevice, disableIpv6, ifindexOf } from './interfaces.ts'
import type { Ledger } from './ledger.ts'

// A network's Linux bridge, made down. In place: MTU, spanning tree, IPv6 switch, alias. Re-creation: nothing.

/** The bridge is only the socket that the CNI plugin knows: no address, no spanning tree, nothing of its own to say. */
export const configureBridge = async ({ device, mtuBytes, network }: Omit<DesiredBridge, 'type'>): Promise<void> => {
  disableIpv6(device)
  await runCommand(['ip', 'link', 'set', 'dev', device, 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0'])
  await runCommand(['ip', 'link', 'set', 'dev', device, 'mtu', String(mtuBytes), 'alias', `vnet ${network}`])
}

/** Makes the bridge; fails when an interface of the name exists. */
export const createBridge = async (ledger: Ledger, bridge: DesiredBridge): Promise<void> => {
  const { device } = bridge
  ledger.record('devices', device, 0)
  try {
    await runCommand(['ip', 'link', 'add', 'name', device, 'type', 'bridge', 'stp_state', '0'])
  } catch (error) {
    ledger.erase('devices', device)
    throw error
  }
  ledger.record('devices', device, await ifindexOf(device))
  await configureBridge(bridge)
}

/** Removes a device that we own; ports of it are left alone and lose their master. */
export const deleteOwnedDevice = async (ledger: Ledger, device: string): Promise<void> => {
  await deleteDevice(device)
  ledger.erase('devices', device)
  ledger.erase('qdiscs', device)
  for (const direction of ['ingress', 'egress']) ledger.erase('filters', `${device}/${direction}`)
}

/** Keeps a VM's port from reaching its neighbours past our program, as newer CNI plugins do themselves. */
export const isolatePort = async (device: string): Promise<void> => {
  await runCommand(['bridge', 'link', 'set', 'dev', device, 'isolated', 'on'])
}
