// What mailboxes say of bridges, checked: a member is believed about its own nodes, and about nothing else.
import { isIP } from 'node:net'
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
  address: string | undefined
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
const isUnusableV6 = (address: string): boolean => /^(::1?$|ff|fe[89ab])/i.test(address)

/** An address that a neighbour can send to: no loopback, multicast, link-local or unspecified one. */
export const isUsableAddress = (address: string): boolean => {
  const family = isIP(address)
  return family === 4 ? !isUnusableV4(address) : family === 6 && !isUnusableV6(address)
}

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
  address: string | undefined,
): string | undefined => {
  if (!isTrue(cluster.status?.conditions, 'Ready')) return `cluster ${cluster.metadata.name} is not connected`
  if (address === undefined) return 'its agent has not reported an address'
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
  const address = status.addresses?.find(isUsableAddress)
  const nodeUID = status.nodeUID || spec.nodeUID
  const problem = problemOf(cluster, status, address) ?? foreignOverlay(status, overlayUID)
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
    address,
    nodeUID,
    programmed: isOfSpec ? programmedOf(status) : undefined,
    isReady: problem === undefined,
    problem,
  }
}

/** Addresses by which neighbours reach the bridges of `wanted`. */
const knownAddresses = (reports: readonly BridgeReport[], wanted: ReadonlySet<string>): Map<string, string> => {
  const known = new Map<string, string>()
  for (const { bridge, spec } of reports)
    for (const link of spec.links ?? [])
      if (wanted.has(link.bridge) && link.bridge !== bridge) known.set(link.bridge, link.address)
  return known
}

/** Bridges without an address, and all that report one which another reports as well. */
const doubtfulOf = (reports: readonly BridgeReport[]): Set<string> => {
  const owners = new Map<string, string>()
  const doubtful = new Set<string>()
  for (const { address, bridge } of reports) {
    const owner = address === undefined ? bridge : owners.get(address)
    if (owner !== undefined) doubtful.add(owner).add(bridge)
    if (address !== undefined) owners.set(address, owner ?? bridge)
  }
  return doubtful
}

/**
 * Settles addresses: a bridge whose report is missing for the moment keeps the one that its neighbours use, and an address belongs to one bridge,
 * the one that was reached by it before, else the first by name.
 */
export const withAddresses = (reports: readonly BridgeReport[]): readonly BridgeReport[] => {
  const doubtful = doubtfulOf(reports)
  if (doubtful.size === 0) return reports
  const held = new Set(knownAddresses(reports, doubtful).values())
  for (const { bridge, address } of reports) if (address !== undefined && held.has(address)) doubtful.add(bridge)
  const known = knownAddresses(reports, doubtful)
  const settled = reports.map((report) =>
    doubtful.has(report.bridge) ? { ...report, address: report.address ?? known.get(report.bridge) } : report,
  )
  const owners = new Map<string, string>()
  const byRight = [...settled].sort((left, right) => {
    const isHeld = (report: BridgeReport): number => Number(known.get(report.bridge) === report.address)
    return isHeld(right) - isHeld(left) || (left.bridge < right.bridge ? -1 : 1)
  })
  for (const { address, bridge } of byRight)
    if (address !== undefined && !owners.has(address)) owners.set(address, bridge)
  return settled.map((report) => {
    const owner = report.address === undefined ? undefined : owners.get(report.address)
    if (owner === undefined || owner === report.bridge) return report
    const problem = `it reports address ${report.address}, which is that of ${owner}`
    return { ...report, address: undefined, isReady: false, problem }
  })
}
