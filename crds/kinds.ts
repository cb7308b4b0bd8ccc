// The public list of our kinds: what `generated/` and the reference documentation are made from.

import type { KindDefinition } from './kube-object.ts'
import { memberCluster } from './member-cluster.ts'
import { networkClass } from './network-class.ts'
import { networkEndpointSlice } from './network-endpoint-slice.ts'
import { nodeBridge } from './node-bridge.ts'
import { overlayLink } from './overlay-link.ts'
import { virtualNetwork } from './virtual-network.ts'

export const kinds: KindDefinition[] = [
  virtualNetwork,
  overlayLink,
  memberCluster,
  networkClass,
  nodeBridge,
  networkEndpointSlice,
]
