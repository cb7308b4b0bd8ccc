// Two nodes with a VM each, and the wire between them: what every overlay under comparison is put upon. All of it is in network
// namespaces of its own, whose names carry the process that made them.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Namespace } from '#daemonset/bpf/test-laboratory.ts'
import { Command, type CommandOptions } from './command.ts'

/** `ideal` carries 64 KiB super-frames unsegmented, as a perfect offload card; the others only frames of the MTU, without and with receive aggregation. */
export type Wire = 'ideal' | 'wire' | 'wire-gro'

export type WorldOptions = {
  wire: Wire
  /** A third node between the two, which has no VM. */
  relay: boolean
  /** Bytes that an overlay adds to a frame: the VMs' MTU is smaller by as much. */
  overhead: number
  /** VMs of each node; the n-th one of the sender speaks with the n-th one of the receiver. */
  pairs: number
  signal: AbortSignal
}

/** One end of a wire: `neighbour` is the address of the other end. */
export type Underlay = { device: string; address: string; neighbour: string }
export type Host = Namespace & { readonly underlays: Underlay[] }

const UNDERLAY_MTU = 1500
const PREFIX = 'vnb-'
let serial = 0

/** Removes namespaces of benchmark processes that are no more (killed before they could). */
export const sweep = (): void => {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).matchAll(/^vnb-(\d+)-\S+/gm)
  for (const [name, pid] of names) if (!existsSync(`/proc/${pid}`)) execFileSync('ip', ['netns', 'del', name])
}

export class World {
  readonly near: Host
  readonly far: Host
  readonly relay: Host | undefined
  /** Namespace of the sending VMs: devices eth0, eth1, …, addresses 10.88.n.1. */
  readonly sender: Namespace
  /** Namespace of the receiving VMs: 10.88.n.2. */
  readonly receiver: Namespace
  readonly options: WorldOptions
  readonly mtu: number
  readonly #prefix = `${PREFIX}${process.pid}-${++serial}-`
  readonly #namespaces: Namespace[] = []
  readonly #daemons: Command[] = []
  readonly #closers: (() => void)[] = []

  constructor(options: WorldOptions) {
    this.options = options
    this.mtu = UNDERLAY_MTU - options.overhead
    process.once('exit', this.#removeAll)
    this.near = this.#host('n1')
    this.far = this.#host('n2')
    this.relay = options.relay ? this.#host('n3') : undefined
    if (this.relay) {
      this.#connect(this.near, this.relay, 1)
      this.#connect(this.relay, this.far, 2)
    } else {
      this.#connect(this.near, this.far, 1)
    }
    this.sender = this.#guests(this.near, 1)
    this.receiver = this.#guests(this.far, 2)
  }

  get hosts(): Host[] {
    return this.relay ? [this.near, this.relay, this.far] : [this.near, this.far]
  }

  /** Numbers of the pairs: VM n is behind port `p<n>` of its node. */
  get pairs(): number[] {
    return [...Array(this.options.pairs).keys()]
  }

  /** Starts a program that belongs to the overlay, and ends with the world. */
  daemon(host: Namespace, argv: readonly string[], options: Partial<CommandOptions> = {}): Command {
    const command = new Command(host.name, argv, { signal: this.options.signal, limitMs: 0, ...options })
    this.#daemons.push(command)
    return command
  }

  /** Runs a command that ends by itself. */
  run = (host: Namespace, argv: readonly string[], limitMs?: number): Command =>
    new Command(host.name, argv, { signal: this.options.signal, ...(limitMs ? { limitMs } : {}) })

  /** Has `close` called when the world ends. */
  onClose(close: () => void): void {
    this.#closers.push(close)
  }

  /** A Linux bridge `br0` with the VMs' ports and `members`. */
  linuxBridge(host: Host, ...members: string[]): void {
    host.ip(`link add br0 mtu ${this.mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`)
    host.ip('link set br0 up')
    const ports = host === this.relay ? [] : this.pairs.map((pair) => `p${pair}`)
    for (const device of [...ports, ...members]) host.ip(`link set ${device} master br0 up`)
    if (ports.length > 0) this.#reserveHeadroom(host)
  }

  async close(): Promise<void> {
    await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.stop()))
    this.#removeAll()
  }

  #removeAll = (): void => {
    process.removeListener('exit', this.#removeAll)
    for (const close of this.#closers.splice(0).reverse()) close()
    for (const namespace of this.#namespaces.splice(0)) namespace.delete()
  }

  #namespace(name: string): Namespace {
    const namespace = new Namespace(`${this.#prefix}${name}`)
    this.#namespaces.push(namespace)
    // Bridge filtering (on in every new namespace) costs a tenth to a third of the packets, in every overlay that uses a bridge.
    const off = ['iptables', 'ip6tables', 'arptables'].map((table) => `net.bridge.bridge-nf-call-${table}=0`)
    namespace.exec('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', ...off)
    return namespace
  }

  #host(name: string): Host {
    return Object.assign(this.#namespace(name), { underlays: [] as Underlay[] })
  }

  #connect(left: Host, right: Host, subnet: number): void {
    const ends = [left, right].map((host, index) => ({
      host,
      device: `u${host.underlays.length}`,
      address: `10.77.${subnet}.${index + 1}`,
    }))
    const [a, b] = ends as [(typeof ends)[number], (typeof ends)[number]]
    const veth = (device: string): string => `${device} mtu ${UNDERLAY_MTU} numtxqueues 1 numrxqueues 1`
    left.ip(`link add ${veth(a.device)} type veth peer name ${veth(b.device)} netns ${right.name}`)
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      end.host.underlays.push({ device: end.device, address: end.address, neighbour: other.address })
      end.host.ip(`addr add ${end.address}/24 dev ${end.device}`)
      end.host.ip(`link set ${end.device} up`)
      this.#limitOffloads(end.host, end.device)
    }
  }

  /**
   * A frame that a VM sends has 64 bytes before it (`tun_build_skb`), one from a veth 2: an overlay would have to move each to a larger
   * buffer. A bridge has its ports reserve what its largest member adds, so one that is never up will do.
   */
  #reserveHeadroom(host: Host): void {
    host.ip('link add headroom master br0 type vxlan id 1 dstport 9')
  }

  /** `tso off` leaves UDP segmentation on: both go. */
  #limitOffloads(host: Host, device: string): void {
    const { wire } = this.options
    if (wire === 'ideal') return
    const off = ['tso', 'off', 'gso', 'off', 'tx-udp-segmentation', 'off']
    host.exec('ethtool', '-K', device, ...off, 'gro', wire === 'wire-gro' ? 'on' : 'off')
  }

  #guests(host: Host, index: number): Namespace {
    const guest = this.#namespace(`v${index}`)
    // Many VMs share this namespace: each answers for its own address alone.
    guest.exec('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2')
    const { mtu } = this
    for (const pair of this.pairs) {
      const end = (device: string): string => `${device} mtu ${mtu} numtxqueues 1 numrxqueues 1`
      guest.ip(`link add ${end(`eth${pair}`)} type veth peer name ${end(`p${pair}`)} netns ${host.name}`)
      guest.ip(`addr add 10.88.${pair}.${index}/24 dev eth${pair}`)
      guest.ip(`link set eth${pair} up`)
      host.ip(`link set p${pair} up`)
    }
    return guest
  }
}
