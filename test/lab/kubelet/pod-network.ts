import { ipBatch, run, runOrThrow } from '../processes.ts'
import { createNamespace } from '../underlay.ts'
import { podAddress } from '../underlay-plan.ts'
import type { NodeContext } from './node-context.ts'

/**
 * The default network of a pod: a namespace with `eth0`, routed through the node. Towards other nodes the pod's packets bear
 * the node's address, as with most network plugins.
 */
export class PodNetwork {
  readonly namespace: string
  readonly address: string
  readonly #context: NodeContext
  readonly #port: string

  constructor(context: NodeContext, { uid, host }: { uid: string; host: number }) {
    const short = uid.replaceAll('-', '').slice(0, 8)
    this.#context = context
    this.namespace = context.state.namespace(`p-${short}`)
    this.#port = `pod${short}`
    this.address = podAddress(context.index, host)
  }

  async create(): Promise<void> {
    const { namespace: node, index, cluster, access } = this.#context
    const gateway = podAddress(index, 1)
    await createNamespace(this.namespace)
    await ipBatch(node, [
      `link add name ${this.#port} type veth peer name eth0 netns ${this.namespace}`,
      // On the node each pod's interface has the same address: the gateway of all.
      `address add ${gateway}/32 dev ${this.#port}`,
      `link set dev ${this.#port} up`,
      `route add ${this.address}/32 dev ${this.#port}`,
    ])
    await ipBatch(this.namespace, [
      `address add ${this.address}/32 dev eth0`,
      'link set dev eth0 up',
      `route add default via ${gateway} dev eth0 onlink`,
    ])
    await access.open(cluster, this.namespace)
  }

  /** Removing the absent is success. */
  async remove(): Promise<void> {
    await this.#context.access.close(this.namespace).catch(() => {})
    // With the namespace its end of the pair goes, but only when its last process has: so the node's end first.
    await run(['ip', '-n', this.#context.namespace, 'link', 'delete', this.#port])
    await run(['ip', 'netns', 'delete', this.namespace])
  }
}

/** What a node needs once for its pods: forwarding and address translation. */
export const preparePodNetwork = async (namespace: string, subnet: string): Promise<void> => {
  await runOrThrow(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'], { namespace })
  await runOrThrow(['nft', '-f', '-'], {
    namespace,
    input: `table ip lab-pods {
      chain postrouting {
        type nat hook postrouting priority 100;
        ip saddr ${subnet} oifname "eth0" masquerade
      }
    }\n`,
  })
}
