// Whether this cluster can serve a network, as a named list of checks; the first that fails is what the user reads. Pure.

import { LABELS } from '#crds/group.ts'
import type { VirtualNetwork } from '#crds/virtual-network.ts'

export type NetworkView = {
  network: string
  cluster: string
  /** UID of the user's network on the hub. */
  origin: string | undefined
  /** Whether the network was created here: then its namespace needs no consent. */
  isHome: boolean
  namespace: { labels: Record<string, string>; terminating: boolean } | undefined
  status: NonNullable<VirtualNetwork['status']>
  /** An attachment of that name that is not ours. */
  foreignAttachment: boolean
  /** A VirtualNetwork of that name that a user made in this cluster. */
  foreignNetwork: boolean
  bridges: { name: string; nodeReady: boolean; carries: boolean; programmed: boolean; problem?: string | undefined }[]
}

export type Verdict = { reason: string; message: string }
type Check = (view: NetworkView) => Verdict | undefined

const namespaceOf = ({ network }: NetworkView): string => network.slice(0, network.indexOf('/'))

const namespaceMissing: Check = (view) =>
  view.namespace && !view.namespace.terminating
    ? undefined
    : {
        reason: 'NamespaceMissing',
        message: `cluster ${view.cluster} has no namespace ${namespaceOf(view)}: create it, with the label ${LABELS.stretch}=allow`,
      }

const namespaceNotStretched: Check = (view) =>
  view.isHome || view.namespace?.labels[LABELS.stretch] === 'allow'
    ? undefined
    : {
        reason: 'NamespaceNotStretched',
        message: `namespace ${namespaceOf(view)} of cluster ${view.cluster} does not let networks in: kubectl label namespace ${namespaceOf(view)} ${LABELS.stretch}=allow`,
      }

const networkConflict: Check = (view) =>
  view.foreignNetwork
    ? {
        reason: 'NetworkConflict',
        message: `cluster ${view.cluster} has a VirtualNetwork ${view.network} of its own: delete it; networks are made on the hub`,
      }
    : undefined

const attachmentConflict: Check = (view) =>
  view.foreignAttachment
    ? {
        reason: 'AttachmentConflict',
        message: `cluster ${view.cluster} has a NetworkAttachmentDefinition ${view.network} that vnet did not make: delete or rename it`,
      }
    : undefined

const notAllocated: Check = ({ status }) =>
  status.vni && status.mtuBytes && status.bridgeDevice
    ? undefined
    : { reason: 'Pending', message: 'the hub has not given the network its number and MTU yet' }

const noBridges: Check = (view) =>
  view.bridges.some(({ carries }) => carries)
    ? undefined
    : {
        reason: 'NoBridges',
        message: `no node of cluster ${view.cluster} carries the network: is the DaemonSet vnet-agent running there?`,
      }

const bridgeProblem: Check = (view) => {
  const broken = view.bridges.find(({ problem }) => problem)
  return broken ? { reason: 'NodeProblem', message: `node ${broken.name}: ${broken.problem}` } : undefined
}

const notProgrammed: Check = (view) => {
  const missing = view.bridges
    .filter(({ carries, nodeReady, programmed }) => carries && nodeReady && !programmed)
    .map(({ name }) => name)
  return missing.length > 0
    ? {
        reason: 'NotProgrammed',
        message: `waiting for ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}`,
      }
    : undefined
}

/** Checks that keep VMs from attaching at all. */
export const admissionChecks: Check[] = [
  networkConflict,
  namespaceMissing,
  namespaceNotStretched,
  attachmentConflict,
  notAllocated,
]
/** Checks that hold up readiness. */
export const readinessChecks: Check[] = [noBridges, bridgeProblem, notProgrammed]

/** The first objection of a list of checks. */
export const firstObjection = (checks: Check[], view: NetworkView): Verdict | undefined => {
  for (const check of checks) {
    const verdict = check(view)
    if (verdict) return verdict
  }
  return undefined
}
