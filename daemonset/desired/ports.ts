import { ownerOf } from '#crds/network-endpoint-slice.ts'
import type { BridgeNetwork, BridgePort, NodeBridgeSpec } from '#crds/node-bridge.ts'
import type { Mac } from '../wire/mac.ts'
import { MAX_NETWORK_PORTS } from '../wire/map-layouts.ts'
import type { Attachment } from './attachment.ts'
import { bridgeOfClaim, type Claims } from './claims.ts'
import { isGuestPort } from './desired-devices.ts'
import type { Interface, ObservedState } from './observed-state.ts'

/** A VM's interface on this node: what the maps say of it, and what the status says. */
export type PortDecision = {
  readonly ifindex: number
  readonly network: BridgeNetwork | undefined
  readonly mac: Mac | undefined
  readonly open: boolean
  readonly peerNamespace: boolean
  /** Absent as long as no pod is known for it. */
  readonly report: BridgePort | undefined
}

export type PortsInput = {
  readonly spec: NodeBridgeSpec
  readonly networks: readonly BridgeNetwork[]
  /** Network by bridge; '' for a bridge whose network is gone. */
  readonly bridges: ReadonlyMap<string, string>
  readonly claims: Claims
  readonly attachments: readonly Attachment[]
  readonly observed: ObservedState
}

type Subject = {
  readonly port: Interface
  readonly network: BridgeNetwork | undefined
  readonly attachment: Attachment
  readonly bridge: string
  readonly claims: Claims
  readonly observed: ObservedState
}

type Check = (subject: Subject) => string | undefined

const claimed = ({ claims, network, attachment }: Subject) => claims.get(network?.name ?? '')?.get(attachment.mac)

const ownClaim = (subject: Subject) =>
  claimed(subject)?.claims.find(
    (claim) => claim.podUID === subject.attachment.podUID && bridgeOfClaim(claim) === subject.bridge,
  )

/** Why a port stays closed: the first that applies. */
const checks: readonly Check[] = [
  ({ port }) => (port.master === undefined ? 'NotInBridge' : undefined),
  ({ network }) => (network ? undefined : 'NetworkRemoved'),
  ({ network }) => (network?.access ? undefined : 'AccessDenied'),
  ({ attachment, port }) => (attachment.bridge === port.master ? undefined : 'BridgeDiffers'),
  // Upstream Multus lets a pod of any namespace name any NetworkAttachmentDefinition.
  ({ attachment, network }) =>
    network?.name.startsWith(`${attachment.namespace}/`) ? undefined : 'NamespaceNotAllowed',
  (subject) => (ownClaim(subject) ? undefined : 'NotBound'),
  // Migration targets emit frames before they are the VM, and would play frames of the waiting time to the guest.
  (subject) => (ownClaim(subject)?.role === 'Target' ? 'MigrationTarget' : undefined),
  (subject) => {
    const winner = claimed(subject)?.winner
    if (winner?.podUID === subject.attachment.podUID && bridgeOfClaim(winner) === subject.bridge) return undefined
    const own = ownClaim(subject)
    return own && winner && own.cluster === winner.cluster && ownerOf(own) === ownerOf(winner)
      ? 'Moved'
      : 'DuplicateMAC'
  },
  // Somebody else's program sits at our place: without ours nothing would keep the VM to its MAC.
  ({ observed, port }) =>
    observed.filters.some(
      ({ device, direction, program }) => device === port.name && direction === 'ingress' && program === undefined,
    )
      ? 'FilterConflict'
      : undefined,
]

const decide = (input: PortsInput, port: Interface): PortDecision => {
  const found = input.attachments.filter(({ hostInterface }) => hostInterface === port.name)
  const network = input.networks.find(({ name, device }) =>
    port.master === undefined ? found[0]?.bridge === device : name === input.bridges.get(port.master),
  )
  const base = { ifindex: port.ifindex, network, peerNamespace: port.peerNamespace }
  const [attachment] = found
  // Two results for one interface: one of them is stale, and nothing tells which.
  if (!attachment || found.length > 1) return { ...base, mac: undefined, open: false, report: undefined }
  const { claims, observed } = input
  const subject = { port, network, attachment, bridge: input.spec.bridge ?? '', claims, observed }
  const reason = checks.map((check) => check(subject)).find((it) => it !== undefined)
  const { namespace, pod, mac } = attachment
  const networkName = network?.name ?? `unknown/${port.master ?? attachment.bridge}`
  const report = { device: port.name, network: networkName, pod: `${namespace}/${pod}`, mac }
  return reason === undefined
    ? { ...base, mac, open: true, report: { ...report, state: 'Open' } }
    : { ...base, mac, open: false, report: { ...report, state: 'Closed', reason } }
}

const closed = (decision: PortDecision, reason: string): PortDecision =>
  decision.report ? { ...decision, open: false, report: { ...decision.report, state: 'Closed', reason } } : decision

/** The flood list of a network has a limit; one pod may hold the same MAC on two interfaces. The earlier interface stays open. */
const limited = (decisions: readonly PortDecision[]): PortDecision[] => {
  const counts = new Map<string, number>()
  const macs = new Set<string>()
  return decisions.map((decision) => {
    if (!decision.open || !decision.network) return decision
    const { name } = decision.network
    const key = `${name} ${decision.mac}`
    if (macs.has(key)) return closed(decision, 'DuplicateMAC')
    const count = counts.get(name) ?? 0
    if (count >= MAX_NETWORK_PORTS) return closed(decision, 'TooManyPorts')
    macs.add(key)
    counts.set(name, count + 1)
    return decision
  })
}

/** Whether the interface sits in no bridge, though the CNI plugin put it into one of ours. */
const isTakenOut = ({ attachments, networks }: PortsInput, { name, master }: Interface): boolean =>
  master === undefined &&
  attachments.some(
    ({ hostInterface, bridge }) => hostInterface === name && networks.some(({ device }) => device === bridge),
  )

/** Decides every VM interface in our bridges, or taken out of them, in the order in which they were made. */
export const portsOf = (input: PortsInput): PortDecision[] => {
  const isIn = ({ master }: Interface): boolean => master !== undefined && input.bridges.has(master)
  const ports = input.observed.interfaces
    .filter((it) => isGuestPort(it) && (isIn(it) || isTakenOut(input, it)))
    .sort((a, b) => a.ifindex - b.ifindex)
  return limited(ports.map((port) => decide(input, port)))
}
