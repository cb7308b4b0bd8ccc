// Descriptors of our own kinds, for the client: from the same definitions that the CRDs are generated from.
import { type MemberCluster, memberCluster } from '#crds/member-cluster.ts'
import { type NetworkClass, networkClass } from '#crds/network-class.ts'
import { type NetworkEndpointSlice, networkEndpointSlice } from '#crds/network-endpoint-slice.ts'
import { type NodeBridge, nodeBridge } from '#crds/node-bridge.ts'
import { type OverlayLink, overlayLink } from '#crds/overlay-link.ts'
import { type VirtualNetwork, virtualNetwork } from '#crds/virtual-network.ts'
import { defineResource } from './kube-object.ts'

type Kind = { group: string; version: string; plural: string; kind: string; scope: 'Namespaced' | 'Cluster' }

const descriptorOf = ({ group, version, plural, kind, scope }: Kind) => ({
  group,
  version,
  plural,
  kind,
  namespaced: scope === 'Namespaced',
})

export const VirtualNetworks = defineResource<VirtualNetwork>(descriptorOf(virtualNetwork))
export const OverlayLinks = defineResource<OverlayLink>(descriptorOf(overlayLink))
export const MemberClusters = defineResource<MemberCluster>(descriptorOf(memberCluster))
export const NetworkClasses = defineResource<NetworkClass>(descriptorOf(networkClass))
export const NodeBridges = defineResource<NodeBridge>(descriptorOf(nodeBridge))
export const NetworkEndpointSlices = defineResource<NetworkEndpointSlice>(descriptorOf(networkEndpointSlice))
