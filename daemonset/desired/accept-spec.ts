import type { NodeBridgeSpec } from '#crds/node-bridge.ts'
import { isOlderSpec, specNumber } from '#crds/spec-order.ts'

/** What the node holds on to: from the local file, or from specs accepted since. */
export type Identity = {
  /** Highest epoch accepted. */
  readonly epoch: number
  /** The overlay that the node belongs to; empty before the first spec. */
  readonly overlayUID: string
  /** UID of the Node; empty while it could not be learned. */
  readonly nodeUID: string
}

export type Refusal = { readonly reason: string; readonly message: string }

type Check = (spec: NodeBridgeSpec, identity: Identity, inForce: NodeBridgeSpec | undefined) => Refusal | undefined

/** Reasons to refuse a spec; the first that applies. A refused spec changes nothing: the last accepted one stays in force. */
const checks: readonly Check[] = [
  ({ serial, bridge }) =>
    serial === undefined || bridge === undefined
      ? { reason: 'WaitingForHub', message: 'the hub has not written a spec for this node yet' }
      : undefined,
  // A machine made anew under the name of an earlier one may hear that one's spec before its own Node.
  ({ nodeUID }, identity, inForce) =>
    nodeUID !== undefined && identity.nodeUID === '' && inForce === undefined
      ? {
          reason: 'WaitingForNode',
          message: `the spec is for the Node with UID ${nodeUID}, and the Node object of this machine has not been read yet: see that the agent may get it, or give --node-uid`,
        }
      : undefined,
  ({ nodeUID }, identity) =>
    nodeUID !== undefined && identity.nodeUID !== '' && nodeUID !== identity.nodeUID
      ? {
          reason: 'ForeignNode',
          message: `the spec is for the Node with UID ${nodeUID}, this one has ${identity.nodeUID}: waiting for the hub to write one for this machine`,
        }
      : undefined,
  ({ overlayUID }, identity) =>
    identity.overlayUID !== '' && overlayUID !== identity.overlayUID
      ? {
          reason: 'ForeignOverlay',
          message: `the spec is of overlay ${overlayUID ?? 'without UID'}, the node belongs to ${identity.overlayUID}: run the agent with --cleanup on this node before it joins another hub`,
        }
      : undefined,
  ({ epoch = 0 }, identity) =>
    epoch < identity.epoch
      ? {
          reason: 'OldEpoch',
          message: `the spec is of epoch ${epoch}, epoch ${identity.epoch} was seen: a former leader of the hub wrote it, or the hub was restored without its Leases`,
        }
      : undefined,
  (spec, _, inForce) =>
    isOlderSpec(spec, inForce)
      ? {
          reason: 'OldSerial',
          message: `the spec is ${specNumber(spec)}, ${specNumber(inForce ?? {})} is in force: an older one was written again, or the hub was restored; the hub has to write a newer one`,
        }
      : undefined,
]

/** Undefined: the spec may be carried out in place of `inForce`. */
export const refusalOf = (
  spec: NodeBridgeSpec,
  identity: Identity,
  inForce: NodeBridgeSpec | undefined,
): Refusal | undefined => {
  for (const check of checks) {
    const refusal = check(spec, identity, inForce)
    if (refusal) return refusal
  }
  return undefined
}
