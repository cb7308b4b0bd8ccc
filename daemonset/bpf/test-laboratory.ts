// Nodes, VMs and an intruder as network namespaces on one underlay, wired by hand with iproute2.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { INLET_DEVICE } from '#daemonset/desired/tunnel.ts'
import { type Bpffs, mountBpffs } from '#daemonset/native/test-bpffs.ts'
import type { Mac } from '#daemonset/wire/mac.ts'
import { mac } from './test-frames.ts'
import { built, INLET_OPTIONS, TestMaps, UDP_PORT, VXLAN_OPTIONS } from './test-maps.ts'

const LIMIT_MS = 20_000

/** Waits until `condition` holds; fails after 20 s, naming `what`. */
export const until = async (what: string, condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + LIMIT_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${LIMIT_MS / 1000} s`)
    await delay(10)
  }
}

const run = (command: string, args: string[]): string =>
  execFileSync(command, args, { timeout: 60_000, stdio: ['ignore', 'pipe', 'inherit'] }).toString()

/** A network namespace that is removed with its devices. */
export class Namespace {
  readonly name: string

  constructor(name: string) {
    this.name = name
    run('ip', ['netns', 'add', name])
    this.ip('link set lo up')
  }

  ip(command: string): string {
    return run('ip', ['-n', this.name, ...command.split(' ')])
  }

  exec(command: string, ...args: string[]): string {
    return run('ip', ['netns', 'exec', this.name, command, ...args])
  }

  spawn(command: string, ...args: string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  }

  device(name: string): { ifindex: number; mac: Mac } {
    const [link] = JSON.parse(run('ip', ['-n', this.name, '-j', 'link', 'show', name])) as [
      { ifindex: number; address: string },
    ]
    return { ifindex: link.ifindex, mac: mac(link.address) }
  }

  /** Sends raw frames out of a device. */
  send(device: string, ...frames: Uint8Array[]): void {
    this.exec(built('test-socket'), 'send', device, ...frames.map((frame) => Buffer.from(frame).toString('hex')))
  }

  delete(): void {
    run('ip', ['netns', 'del', this.name])
  }
}

/** A VM: a namespace with `eth0`, whose other end is a port of its node. */
export type Guest = Namespace & { readonly mac: Mac; readonly ifindex: number }

/** Frames of one EtherType that a guest received, from now on. */
export type Listener = { frames: Uint8Array[]; close(): void }

export type PortOptions = { vni: number; mac: Mac; peerNamespace: boolean }

/** A node: its namespace with underlay `u0`, tunnel `vnet0`, programs attached; and its maps. */
export type Node = Namespace & { readonly maps: TestMaps; readonly tunnelIfindex: number; readonly index: number }

/** Everything that a test makes; `close` removes it, also after a failure. */
export class Laboratory {
  readonly #prefix = `vnt-${randomBytes(3).toString('hex')}`
  readonly #namespaces: Namespace[] = []
  readonly #children: ChildProcess[] = []
  readonly #nodes: Node[] = []
  readonly #bpffs: Bpffs
  readonly #switch: Namespace

  constructor() {
    this.#bpffs = mountBpffs()
    process.once('exit', this.close)
    this.#switch = this.#namespace('sw')
    this.#switch.ip('link add br0 mtu 1600 type bridge mcast_snooping 0')
    this.#switch.ip('link set br0 up')
  }

  /** A host on the underlay with the addresses 10.9.0.`index` and fd09::`index`. */
  host(index: number): Namespace {
    const host = this.#namespace(`n${index}`)
    host.ip(`link add u0 mtu 1600 type veth peer name u${index} mtu 1600 netns ${this.#switch.name}`)
    this.#switch.ip(`link set u${index} master br0 up`)
    host.ip(`addr add 10.9.0.${index}/24 dev u0`)
    host.ip(`addr add fd09::${index}/64 dev u0 nodad`)
    host.ip('link set u0 up')
    return host
  }

  node(index: number): Node {
    const host = this.host(index)
    const maps = new TestMaps(this.#bpffs, `n${index}`, 'vnet.bpf.o')
    host.ip(`link add vnet0 type vxlan external gbp ${VXLAN_OPTIONS} dstport ${UDP_PORT}`)
    host.ip('link set vnet0 mtu 1500 up')
    const node = Object.assign(host, { maps, index, tunnelIfindex: host.device('vnet0').ifindex })
    this.attach(node, 'vnet0', 'ingress', 'tunnel_ingress')
    host.ip(`link add ${INLET_DEVICE} type vxlan ${INLET_OPTIONS}`)
    this.attach(node, INLET_DEVICE, 'ingress', 'inlet_ingress')
    host.ip(`link set ${INLET_DEVICE} mtu 1500 up`)
    maps.inlet = true
    this.attach(node, 'u0', 'egress', 'underlay_egress')
    this.attach(node, 'u0', 'ingress', 'underlay_entry')
    this.#nodes.push(node)
    return node
  }

  attach(node: Node, device: string, direction: 'ingress' | 'egress', program: string): void {
    node.exec('tc', 'qdisc', 'replace', 'dev', device, 'clsact')
    const filter = [
      'prio',
      '1',
      'handle',
      '1',
      'protocol',
      'all',
      'bpf',
      'da',
      'pinned',
      `${node.maps.pins}/prog/${program}`,
    ]
    node.exec('tc', 'filter', 'replace', 'dev', device, direction, ...filter)
  }

  /** A VM on a node with the addresses 10.8.0.`index` and fd08::`index`, in a network. Its port is open at once. */
  guest(node: Node, index: number, { vni, peerNamespace }: { vni: number; peerNamespace: boolean }): Guest {
    const guest = this.#namespace(`v${index}`)
    guest.exec('sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0')
    guest.ip(`link add eth0 mtu 1500 type veth peer name p${index} mtu 1500 netns ${node.name}`)
    node.ip(`link set p${index} up`)
    const port = this.port(node, `p${index}`, { vni, mac: guest.device('eth0').mac, peerNamespace })
    guest.ip(`addr add 10.8.0.${index}/24 dev eth0`)
    guest.ip('link set eth0 up')
    guest.ip(`addr add fd08::${index}/64 dev eth0 nodad`)
    return Object.assign(guest, port)
  }

  /** Makes a device of a node the port of a VM; it is open at once. */
  port(node: Node, device: string, { vni, mac: address, peerNamespace }: PortOptions): { mac: Mac; ifindex: number } {
    const { ifindex } = node.device(device)
    this.attach(node, device, 'ingress', 'port_ingress')
    node.maps.put('ports', ifindex, { vni, mac: address, open: true, peerNamespace })
    node.maps.put('macs', { vni, mac: address }, { bridge: 0n, ifindex })
    return { mac: address, ifindex }
  }

  /** Listens in a guest; resolves when frames are being received. */
  async listen(guest: Guest, etherType: number): Promise<Listener> {
    const child = this.child(guest.spawn(built('test-socket'), 'listen', 'eth0', etherType.toString(16)))
    const frames: Uint8Array[] = []
    const lines = createInterface({ input: child.stdout! })
    await new Promise((resolve) => lines.once('line', resolve))
    lines.on('line', (line) => frames.push(Uint8Array.from(Buffer.from(line, 'hex'))))
    return { frames, close: () => child.kill() }
  }

  /** Has the process ended with the laboratory. */
  child(process: ChildProcess): ChildProcess {
    this.#children.push(process)
    return process
  }

  close = (): void => {
    process.removeListener('exit', this.close)
    for (const child of this.#children.splice(0)) child.kill()
    for (const namespace of this.#namespaces.splice(0)) namespace.delete()
    for (const node of this.#nodes.splice(0)) node.maps.close()
    this.#bpffs.close()
  }

  #namespace(name: string): Namespace {
    const namespace = new Namespace(`${this.#prefix}-${name}`)
    this.#namespaces.push(namespace)
    return namespace
  }
}
