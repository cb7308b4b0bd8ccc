// What mailboxes say of bridges, checked: a member is believed about its own nodes, and about nothing else.
import { isIP, SocketAddress } from 'node:net'
import type { MemberCluster } from '#crds/member-cluster.ts'
import { bridgeKey } from '#crds/names.ts'
import type { NodeBridge, NodeBridgeSpec, NodeBridgeStatus } from '#crds/node-bridge.ts'
import type { ProgrammedSpec } from '#operator/publish/situation.ts'
import type { SeenObject } from '#operator/publish/spec-writer.ts'
import { findCondition, isTrue } from '#runtime/conditions.ts'

export type BridgeReport = {
  bridge: string
  cluster: string
  /** The object in the mailbox, as it was seen. */
  object: SeenObject
  labels: Record<string, string>
  spec: NodeBridgeSpec
  status: NodeBridgeStatus
  /** Underlay addresses that neighbours may send to, the preferred one first; at most one of a family. */
  addresses: readonly string[]
  nodeUID: string | undefined
  /** The spec that the present Node has programmed. */
  programmed: ProgrammedSpec | undefined
  isReady: boolean
  /** Why it is not used, or not ready. */
  problem: string | undefined
}

const isUnusableV4 = (address: string): boolean => {
  const first = Number(address.split('.')[0])
  return first === 0 || first === 127 || first >= 224
}
/** Global unicast (RFC 4291) and unique local (RFC 4193): neither mapped IPv4 nor link-local, loopback or multicast. */
const isUsableV6 = (address: string): boolean => /^([23][0-9a-f]{3}|f[cd][0-9a-f]{2}):/.test(address)

/**
 * An address that a neighbour can send to, in its one canonical text (RFC 5952), so that nobody takes over the address of another by writing it
 * differently; undefined for loopback, multicast, link-local and unspecified ones, and for what is no address.
 */
export const usableAddress = (text: string): string | undefined => {
  if (isIP(text) === 4) return isUnusableV4(text) ? undefined : text
  if (isIP(text) !== 6 || text.includes('%')) return undefined
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return isUsableV6(address) ? address : undefined
}

const onePerFamily = (addresses: readonly string[]): string[] =>
  [4, 6]
    .flatMap((family) => addresses.find((address) => isIP(address) === family) ?? [])
    .sort((left, right) => addresses.indexOf(left) - addresses.indexOf(right))

/** Whether the hub may write to the mailbox of a cluster. */
export const isWritable = (cluster: MemberCluster | undefined): boolean =>
  cluster !== undefined &&
  cluster.metadata.deletionTimestamp === undefined &&
  findCondition(cluster.status?.conditions, 'Ready')?.reason !== 'ClusterUIDMismatch'

export const isOfOverlay = ({ overlayUID }: NodeBridgeStatus, own: string | undefined): boolean =>
  overlayUID === undefined || own === undefined || overlayUID === own

const foreignOverlay = (status: NodeBridgeStatus, own: string | undefined): string | undefined =>
  isOfOverlay(status, own)
    ? undefined
    : `its node belongs to overlay ${status.overlayUID}, not ${own}: run the agent with --cleanup there`

const problemOf = (
  cluster: MemberCluster,
  status: NodeBridgeStatus,
  addresses: readonly string[],
): string | undefined => {
  if (!isTrue(cluster.status?.conditions, 'Ready')) return `cluster ${cluster.metadata.name} is not connected`
  if (addresses.length === 0) return 'its agent has not reported an address'
  const node = findCondition(status.conditions, 'NodeReady')
  if (node?.status !== 'True') return `its node is not ready: ${node?.message ?? 'unknown'}`
  const preflight = findCondition(status.conditions, 'Preflight')
  return preflight?.status === 'False' ? `${preflight.reason}: ${preflight.message}` : undefined
}

const programmedOf = ({ programmedEpoch: epoch, programmedSerial: serial }: NodeBridgeStatus) =>
  epoch === undefined || serial === undefined ? undefined : { epoch, serial }

/** What an agent says for this overlay; one that belongs to another one (or a forger) has nothing in its kernel that counts here. */
const statusFor = (status: NodeBridgeStatus, overlayUID: string | undefined): NodeBridgeStatus => {
  if (isOfOverlay(status, overlayUID)) return status
  const { programmedSerial: _, programmedEpoch: __, networks: ___, ...rest } = status
  return rest
}

/** One object, so that a bridge without a spec is the same each time. */
const NO_SPEC: NodeBridgeSpec = {}

type Made = { cluster: MemberCluster; overlayUID: string | undefined; report: BridgeReport }

const made = new WeakMap<NodeBridge, Made>()

/** Objects of a view are never changed, so each is judged once. */
export const reportOf = (object: NodeBridge, cluster: MemberCluster, overlayUID?: string): BridgeReport => {
  const known = made.get(object)
  if (known?.cluster === cluster && known.overlayUID === overlayUID) return known.report
  const report = makeReport(object, cluster, overlayUID)
  made.set(object, { cluster, overlayUID, report })
  return report
}

const makeReport = (object: NodeBridge, cluster: MemberCluster, overlayUID: string | undefined): BridgeReport => {
  const { metadata, spec = NO_SPEC } = object
  const status = statusFor(object.status ?? {}, overlayUID)
  const addresses = onePerFamily((status.addresses ?? []).flatMap((text) => usableAddress(text) ?? []))
  const nodeUID = status.nodeUID || spec.nodeUID
  const problem = problemOf(cluster, status, addresses) ?? foreignOverlay(status, overlayUID)
  // A machine that came in place of another speaks for itself alone, and for this overlay alone.
  const isOfSpec = status.nodeUID === undefined || spec.nodeUID === undefined || status.nodeUID === spec.nodeUID
  return {
    bridge: bridgeKey(cluster.metadata.name, metadata.name),
    cluster: cluster.metadata.name,
    object: {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid: metadata.uid ?? '',
      generation: metadata.generation,
      resourceVersion: metadata.resourceVersion,
    },
    labels: { ...metadata.labels },
    spec,
    status,
    addresses,
    nodeUID,
    programmed: isOfSpec ? programmedOf(status) : undefined,
    isReady: problem === undefined,
    problem,
  }
}

/** Addresses by which neighbours reach the bridges of `wanted`; one for each family at most. */
const knownAddresses = (reports: readonly BridgeReport[], wanted: ReadonlySet<string>): Map<string, string[]> => {
  const known = new Map<string, string[]>()
  for (const { bridge, spec } of reports)
    for (const link of spec.links ?? [])
      if (wanted.has(link.bridge) && link.bridge !== bridge)
        known.set(link.bridge, onePerFamily([...(known.get(link.bridge) ?? []), link.address]))
  return known
}

/** Bridges without an address, and all that report one which another reports as well. */
const doubtfulOf = (reports: readonly BridgeReport[]): Set<string> => {
  const owners = new Map<string, string>()
  const doubtful = new Set<string>()
  for (const { addresses, bridge } of reports) {
    if (addresses.length === 0) doubtful.add(bridge)
    for (const address of addresses) {
      const owner = owners.get(address)
      if (owner !== undefined) doubtful.add(owner).add(bridge)
      owners.set(address, owner ?? bridge)
    }
  }
  return doubtful
}

/** What remains of a report when others own some of its addresses: with none left it is not used. */
const without = (report: BridgeReport, owners: ReadonlyMap<string, string>): BridgeReport => {
  const addresses = report.addresses.filter((address) => owners.get(address) === report.bridge)
  if (addresses.length === report.addresses.length) return report
  if (addresses.length > 0) return { ...report, addresses }
  const [lost = ''] = report.addresses
  const problem = `it reports address ${lost}, which is that of ${owners.get(lost)}`
  return { ...report, addresses, isReady: false, problem }
}

/**
 * Settles addresses: a bridge whose report is missing for the moment keeps those that its neighbours use, and an address belongs to one bridge,
 * the one that was reached by it before, else the first by name.
 */
export const withAddresses = (reports: readonly BridgeReport[]): readonly BridgeReport[] => {
  const doubtful = doubtfulOf(reports)
  if (doubtful.size === 0) return reports
  const held = new Set([...knownAddresses(reports, doubtful).values()].flat())
  for (const { bridge, addresses } of reports) if (addresses.some((address) => held.has(address))) doubtful.add(bridge)
  const known = knownAddresses(reports, doubtful)
  const settled = reports.map((report) =>
    report.addresses.length === 0 ? { ...report, addresses: known.get(report.bridge) ?? [] } : report,
  )
  const claims = settled.flatMap(({ bridge, addresses }) =>
    addresses.map((address) => ({ bridge, address, isHeld: known.get(bridge)?.includes(address) ?? false })),
  )
  claims.sort((left, right) => Number(right.isHeld) - Number(left.isHeld) || (left.bridge < right.bridge ? -1 : 1))
  const owners = new Map<string, string>()
  for (const { address, bridge } of claims) if (!owners.has(address)) owners.set(address, bridge)
  return settled.map((report) => without(report, owners))
}
