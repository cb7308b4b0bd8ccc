import type { BridgeNetwork, BridgeProblem } from '#crds/node-bridge.ts'
import type { DesiredBridge, DesiredFilter } from './desired-state.ts'
import { type Interface, isOwned, type ObservedState } from './observed-state.ts'
import { INLET_DEVICE, INLET_SUBJECT, TUNNEL_DEVICE } from './tunnel.ts'

export type DesiredDevicesInput = {
  readonly networks: readonly BridgeNetwork[]
  readonly observed: ObservedState
  readonly underlayDevice: string
  readonly wantsInlet: boolean
}

export type DesiredDevices = {
  readonly bridges: readonly DesiredBridge[]
  readonly keptBridges: readonly string[]
  /** Network by bridge, of all bridges whose ports are ours to guard; '' for a kept one. */
  readonly portBridges: ReadonlyMap<string, string>
  readonly filters: readonly DesiredFilter[]
  readonly isolatedPorts: readonly string[]
  readonly problems: readonly BridgeProblem[]
}

/** Host ends of VMs: the CNI plugin makes veth pairs. Anything else in our bridge was put there by somebody else. */
export const isGuestPort = ({ kind }: Interface): boolean => kind === 'veth'

/**
 * Why a bridge of a network's name cannot be ours, or undefined. One that the CNI plugin made before we came looks like this: a bridge,
 * no address, no ports but veths. Its name is a digest, so nobody else arrives at it by chance.
 */
const bridgeConflict = (observed: ObservedState, { device }: DesiredBridge): string | undefined => {
  const found = observed.interfaces.find(({ name }) => name === device)
  if (!found || isOwned(observed, found)) return undefined
  if (found.kind !== 'bridge') return `it is a ${found.kind || 'hardware'} device`
  if (found.addresses.length > 0) return `it has the address ${found.addresses[0]}`
  const foreign = observed.interfaces.find((it) => it.master === device && !isGuestPort(it))
  return foreign && `${foreign.name} is a port of it`
}

/** Also where no VM may attach: a bridge that was made there all the same needs its guards. */
const bridgesOf = (networks: readonly BridgeNetwork[], { interfaces }: ObservedState): DesiredBridge[] =>
  networks
    .filter(({ access, device }) => access || interfaces.some((it) => it.name === device && it.kind === 'bridge'))
    .map(({ device, mtuBytes, name }) => ({ device, mtuBytes, network: name }))

const guard = (device: string, subject: string): DesiredFilter[] =>
  (['ingress', 'egress'] as const).map((direction) => ({ device, direction, program: 'bridge_guard', subject }))

/** As long as nobody knows where the underlay is, its guards stay where they are. */
const underlayFilters = (underlayDevice: string, { filters }: ObservedState): DesiredFilter[] => {
  const subject = 'underlay'
  if (underlayDevice)
    return [
      { device: underlayDevice, direction: 'egress', program: 'underlay_egress', subject },
      { device: underlayDevice, direction: 'ingress', program: 'underlay_entry', subject },
    ]
  return filters.flatMap(({ device, direction, program }) =>
    program === 'underlay_egress' || program === 'underlay_entry' ? [{ device, direction, program, subject }] : [],
  )
}

/** Devices that the networks need, and the programs on them. Bridges in conflict are left out and named. */
export const desiredDevices = ({
  networks,
  observed,
  underlayDevice,
  wantsInlet,
}: DesiredDevicesInput): DesiredDevices => {
  const problems: BridgeProblem[] = []
  const owners = new Map<string, string>()
  const bridges = bridgesOf(networks, observed).filter((bridge) => {
    const other = owners.get(bridge.device)
    const conflict = other === undefined ? bridgeConflict(observed, bridge) : `it is the bridge of ${other}`
    if (conflict === undefined) owners.set(bridge.device, bridge.network)
    if (conflict !== undefined)
      problems.push({
        subject: bridge.network,
        reason: 'DeviceConflict',
        message: `interface ${bridge.device} exists, but ${conflict}, so it is not ours and is left alone; remove or rename it`,
      })
    return conflict === undefined
  })
  const named = new Set(bridges.map(({ device }) => device))
  const hasPorts = (device: string): boolean => observed.interfaces.some(({ master }) => master === device)
  const keptBridges = observed.interfaces
    .filter((it) => it.kind === 'bridge' && isOwned(observed, it) && !named.has(it.name) && hasPorts(it.name))
    .map(({ name }) => name)
  const portBridges = new Map([
    ...bridges.map(({ device, network }) => [device, network] as const),
    ...keptBridges.map((device) => [device, ''] as const),
  ])
  const members = observed.interfaces.filter(({ master }) => master !== undefined && portBridges.has(master))
  for (const { name, master, kind } of members.filter((member) => !isGuestPort(member)))
    problems.push({
      subject: portBridges.get(master!) || name,
      reason: 'ForeignPort',
      message: `${name} (${kind || 'hardware'}) is a port of ${master}, but not one of a VM: it carries no frame of the network; remove it from the bridge`,
    })
  const guests = members.filter(isGuestPort)
  // Its bridge is gone, or somebody took it out: without our program the guest would speak to the host's own IP stack.
  const orphans = observed.interfaces.filter(
    (it) =>
      isGuestPort(it) &&
      it.master === undefined &&
      observed.filters.some(({ device, program }) => device === it.name && program === 'port_ingress'),
  )
  const isForeign = (device: string): boolean =>
    observed.interfaces.some((found) => found.name === device && !isOwned(observed, found))
  const filters: DesiredFilter[] = [
    ...(isForeign(TUNNEL_DEVICE)
      ? []
      : [{ device: TUNNEL_DEVICE, direction: 'ingress', program: 'tunnel_ingress', subject: 'tunnel' } as const]),
    ...(isForeign(INLET_DEVICE) || !wantsInlet
      ? []
      : [{ device: INLET_DEVICE, direction: 'ingress', program: 'inlet_ingress', subject: INLET_SUBJECT } as const]),
    ...underlayFilters(underlayDevice, observed),
    ...[...portBridges].flatMap(([device, network]) => guard(device, network || device)),
    ...[...guests, ...orphans].map(
      ({ name }) => ({ device: name, direction: 'ingress', program: 'port_ingress', subject: name }) as const,
    ),
  ]
  const isolatedPorts = guests.map(({ name }) => name)
  return { bridges, keptBridges, portBridges, filters, isolatedPorts, problems }
}
