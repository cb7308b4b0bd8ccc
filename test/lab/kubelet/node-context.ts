import type { KubeClient } from '#runtime/kube-client.ts'
import type { Access } from '../access.ts'
import type { RunState } from '../run-state.ts'
import type { Addresses } from '../underlay-plan.ts'
import type { Images } from './images.ts'

/** What the kubelet of one node knows about its place. */
export type NodeContext = {
  readonly state: RunState
  readonly access: Access
  readonly images: Images
  readonly client: KubeClient
  readonly cluster: string
  readonly node: string
  /** The node's network namespace. */
  readonly namespace: string
  /** Folder that stands for the node's root file system: hostPath volumes lie in it. */
  readonly root: string
  readonly addresses: Addresses
  /** Number of the node in the laboratory, which gives its pods' subnet. */
  readonly index: number
  /** Of the cluster's API server on 127.0.0.1. */
  readonly apiPort: number
  readonly kubeconfig: string
  /** Path of native/launch. */
  readonly launch: string
  readonly report: (message: string) => void
}
