import type { Digest } from '#crds/names.ts'
import type { BridgeNetwork, BridgePort, BridgeProblem, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { Attachment } from './attachment.ts'
import type { Claims } from './claims.ts'
import { desiredDevices } from './desired-devices.ts'
import { desiredTables } from './desired-tables.ts'
import { type FastPath, type FastPathMode, fastPathOf } from './fast-path.ts'
import type { Direction, ObservedState, ProgramName, VxlanSettings } from './observed-state.ts'
import { entryStep, filterStep } from './operation.ts'
import { portsOf } from './ports.ts'
import { type Tables, textOf } from './tables.ts'
import {
  DEFAULT_UDP_PORT,
  hasInletPort,
  INLET_DEVICE,
  inletSettings,
  isInletReady,
  type Receive,
  TUNNEL_DEVICE,
  TUNNEL_MTU_BYTES,
  tunnelSettings,
} from './tunnel.ts'

/** What the node is, apart from the overlay. */
export type NodeFacts = {
  readonly nodeUID: string
  /** Interface towards the other nodes. */
  readonly underlayDevice: string
  readonly underlayMTUBytes: number
  /** Underlay addresses, the preferred one first. */
  readonly addresses: readonly string[]
}

export type DesiredInput = {
  /** An accepted spec (`admission.ts`). */
  readonly spec: NodeBridgeSpec
  readonly claims: Claims
  readonly attachments: readonly Attachment[]
  readonly facts: NodeFacts
  readonly observed: ObservedState
  /** Digest of the eBPF object that this agent brings. */
  readonly programs: string
  readonly fastPath: FastPathMode
  readonly digest: Digest
}

export type DesiredFilter = {
  readonly device: string
  readonly direction: Direction
  readonly program: ProgramName
  /** Network, or part, that a failure concerns. */
  readonly subject: string
}

export type DesiredBridge = { readonly device: string; readonly mtuBytes: number; readonly network: string }
export type DesiredTunnel = { readonly device: string; readonly vxlan: VxlanSettings; readonly mtuBytes: number }

/** Everything that the agent wants to see in the kernel, and what stands in the way of more. */
export type DesiredState = {
  readonly programs: string
  readonly tunnel: DesiredTunnel
  /** The fast path can do without, at a price. */
  readonly inlet: DesiredTunnel | undefined
  readonly bridges: readonly DesiredBridge[]
  /** Owned bridges that no spec names, which stay until their last VM is gone. */
  readonly keptBridges: readonly string[]
  readonly filters: readonly DesiredFilter[]
  /** Bridge ports that must not reach their neighbours past our program. */
  readonly isolatedPorts: readonly string[]
  readonly notrack: number
  readonly fastPath: FastPath
  readonly receive: Receive
  readonly tables: Tables
  readonly ports: readonly BridgePort[]
  /** The steps that open a port, by its device. */
  readonly portSteps: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly BridgeProblem[]
}

/**
 * What the node should look like. Pure: the same input gives the same state. What the kernel numbers by itself (interfaces) comes in by
 * `observed`, so a state for a kernel that lacks a device is provisional: after the device is made, ask again.
 */
export const desiredState = (input: DesiredInput): DesiredState => {
  const { spec, observed, facts, programs } = input
  const networks: readonly BridgeNetwork[] = spec.networks ?? []
  const udpPort = spec.udpPort ?? DEFAULT_UDP_PORT
  const fastPath = fastPathOf({ mode: input.fastPath, underlayDevice: facts.underlayDevice, observed })
  const wantsInlet = fastPath.isOn && hasInletPort(udpPort)
  const devices = desiredDevices({ networks, observed, underlayDevice: facts.underlayDevice, wantsInlet })
  const ports = portsOf({ ...input, networks, bridges: devices.portBridges })
  const receive = wantsInlet && isInletReady(observed, udpPort) ? 'Inlet' : 'Tunnel'
  const tables = desiredTables({ ...input, networks, udpPort, ports, fastPath: fastPath.isOn, receive })
  return Object.freeze({
    programs,
    tunnel: { device: TUNNEL_DEVICE, vxlan: tunnelSettings(udpPort), mtuBytes: TUNNEL_MTU_BYTES },
    inlet: wantsInlet ? { device: INLET_DEVICE, vxlan: inletSettings(udpPort), mtuBytes: TUNNEL_MTU_BYTES } : undefined,
    bridges: devices.bridges,
    keptBridges: devices.keptBridges,
    filters: devices.filters,
    isolatedPorts: devices.isolatedPorts,
    notrack: udpPort,
    fastPath,
    receive,
    tables: tables.tables,
    ports: ports.flatMap(({ report }) => (report ? [report] : [])),
    portSteps: new Map(
      ports.flatMap(({ ifindex, report }) =>
        report ? [[report.device, [filterStep(report.device, 'ingress'), entryStep('ports', textOf(ifindex))]]] : [],
      ),
    ),
    problems: [...devices.problems, ...tables.problems],
  })
}
