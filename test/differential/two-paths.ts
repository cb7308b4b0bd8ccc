// One overlay on which the same frames are sent twice: with the fast path, and without.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { broadcast, frame, ip, mac } from '#daemonset/bpf/test-frames.ts'
import { type Guest, Laboratory, type Node, until } from '#daemonset/bpf/test-laboratory.ts'
import { dropsSince } from '#daemonset/bpf/test-maps.ts'
import type { Mac } from '#daemonset/wire/mac.ts'
import { countsOf } from './counts.ts'
import type { GuestFrame } from './random-frames.ts'

const VNI = 77
const MARKER_TYPE = 0x88b6
/** Of the markers of one exchange over the relay: two kinds, twice, to two guests. */
export const MARKER_BYTES = 2 * 2 * 2 * 60
const buildFolder = join(import.meta.dirname, '../../build/differential')

const buildSocket = (): string => {
  mkdirSync(buildFolder, { recursive: true })
  const program = join(buildFolder, 'frame-socket')
  const source = join(import.meta.dirname, 'frame-socket.c')
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', `${program}.${process.pid}`, source])
  renameSync(`${program}.${process.pid}`, program)
  return program
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export type Underlay = 4 | 6
/** Names of the guests: `a` and `b` on the west node, `c` and `router` on the east one. */
export type Observed = {
  /** What `a` sent, and its kernel did not refuse; our own markers, too. */
  sent: GuestFrame[]
  /** What each guest received, sorted: the order between flows is nobody's promise. */
  received: Record<string, string[]>
  /** Increments of everything that is counted, by name. */
  counted: Record<string, number>
  /** Frames by direction and path. */
  paths: Record<string, number>
}

/** West and east with two guests each, joined through a relay by labels. The router sends what it gets back to `b`. */
export class TwoPaths {
  readonly laboratory = new Laboratory()
  readonly nodes: [Node, Node, Node]
  readonly guests: { a: Guest; b: Guest; c: Guest; router: Guest }
  readonly #socket = buildSocket()
  readonly #lines = new Map<string, string[]>()
  #round = 0

  constructor(underlay: Underlay) {
    const { laboratory } = this
    this.nodes = [1, 2, 3].map((index) => laboratory.node(index)) as [Node, Node, Node]
    const [west, , east] = this.nodes
    const guest = (node: Node, index: number) => laboratory.guest(node, index, { vni: VNI, peerNamespace: index !== 3 })
    this.guests = { a: guest(west, 1), b: guest(west, 2), c: guest(east, 3), router: guest(east, 4) }
    this.#silence()
    this.#join(underlay)
    this.#letRoute()
  }

  get target(): { self: Mac; targets: Mac[]; others: Mac[] } {
    const { a, b, c, router } = this.guests
    const others = [broadcast, mac('01:00:5e:00:00:fb'), mac('01:80:c2:00:00:00'), mac('02:ff:00:00:00:01'), b.mac]
    return { self: a.mac, targets: [c.mac, c.mac, router.mac], others }
  }

  /** Listens at all guests but the sender. */
  async listen(): Promise<void> {
    for (const [name, guest] of Object.entries(this.guests)) {
      if (name === 'a') continue
      const child = this.laboratory.child(guest.spawn(this.#socket, 'listen', 'eth0'))
      const reader = createInterface({ input: child.stdout! })
      await new Promise((resolve) => reader.once('line', resolve))
      const lines: string[] = []
      this.#lines.set(name, lines)
      reader.on('line', (line) => lines.push(line))
    }
  }

  /** Whether the wire takes super-frames, or frames of its MTU alone. */
  set offloads(on: boolean) {
    const state = on ? 'on' : 'off'
    const settings = ['tso', state, 'gso', state, 'tx-udp-segmentation', state, 'gro', 'off']
    for (const node of this.nodes) node.exec('ethtool', '-K', 'u0', ...settings)
  }

  /** Sends the frames from `a` on one path, and says what came of it. `meanwhile` is called over and over while they are sent. */
  async observe(frames: readonly GuestFrame[], path: 'fast' | 'slow', meanwhile?: () => void): Promise<Observed> {
    for (const { maps } of this.nodes) maps.fastPath = path === 'fast'
    await this.#exchange([])
    for (const lines of this.#lines.values()) lines.length = 0
    const before = countsOf(this.nodes, {
      vni: VNI,
      ifindexes: Object.values(this.guests).map(({ ifindex }) => ifindex),
    })
    const sent = await this.#exchange(frames, meanwhile)
    const received = Object.fromEntries(
      [...this.#lines].map(([name, lines]) => [name, lines.filter((line) => !isMarker(line)).sort()]),
    )
    const after = countsOf(this.nodes, {
      vni: VNI,
      ifindexes: Object.values(this.guests).map(({ ifindex }) => ifindex),
    })
    const differences = Object.entries(dropsSince(before, after) as Record<string, number>)
    return {
      sent,
      received,
      counted: Object.fromEntries(differences.filter(([name]) => !name.startsWith('path '))),
      paths: Object.fromEntries(differences.filter(([name]) => name.startsWith('path '))),
    }
  }

  forget = (): void => {
    for (const { maps } of this.nodes) maps.raiseGeneration()
  }

  /** Sends frames and then markers to every guest, on the slow path and as IP; resolves when all of them came, with all that was sent. */
  async #exchange(frames: readonly GuestFrame[], meanwhile?: () => void): Promise<GuestFrame[]> {
    const { a, b, c, router } = this.guests
    const round = ++this.#round
    const payload = Uint8Array.from({ length: 46 }, (_, index) =>
      index < 4 ? 0xee : (round >> (index % 2 ? 0 : 8)) & 255,
    )
    const markers = [b, c, router].flatMap((guest) =>
      [MARKER_TYPE, 0x0800].map((etherType) => frame(a.mac, guest.mac, { etherType, payload })),
    )
    // The first marker of a kind teaches the fast path, the second takes it.
    const twice = [...markers, ...markers].map((bytes) => ({ header: new Uint8Array(10), frame: bytes, packets: 1 }))
    const all = [...frames, ...twice]
    const refused = await this.#send(
      all.map(({ header, frame: bytes }) => hex(header) + hex(bytes)),
      meanwhile,
    )
    const text = hex(payload)
    const arrived = (list: string[]): boolean => list.filter((line) => line.endsWith(text)).length >= 4
    await until(`marker ${round} at every guest`, () => [...this.#lines.values()].every(arrived))
    return all.filter((_, index) => !refused.has(index))
  }

  /** Resolves with the numbers of the lines that the kernel refused. */
  #send(lines: readonly string[], meanwhile?: () => void): Promise<Set<number>> {
    const inGuest = ['netns', 'exec', this.guests.a.name, this.#socket, 'send', 'eth0']
    const child = spawn('ip', inGuest, { stdio: ['pipe', 'pipe', 'inherit'] })
    let refused = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      refused += chunk
    })
    return new Promise((resolve, reject) => {
      const timer = meanwhile ? setInterval(meanwhile, 1) : undefined
      child.once('error', reject)
      child.once('close', (code) => {
        clearInterval(timer)
        if (code === 0) resolve(new Set(refused.split('\n').filter(Boolean).map(Number)))
        else reject(new Error(`frame-socket send ended with code ${code}`))
      })
      child.stdin!.end(`${lines.join('\n')}\n`)
    })
  }

  /** Guests have no IP stack of their own to speak with, and take frames of any length. */
  #silence(): void {
    for (const [position, guest] of Object.values(this.guests).entries()) {
      guest.exec('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1')
      guest.ip('addr flush dev eth0')
      guest.ip('link set eth0 mtu 9000')
      guest.exec('ethtool', '-K', 'eth0', 'gro', 'off')
      const port = `p${position + 1}`
      const node = this.nodes[position < 2 ? 0 : 2]
      node.ip(`link set ${port} mtu 9000`)
      node.exec('sysctl', '-qw', `net.ipv6.conf.${port}.disable_ipv6=1`)
    }
    // What is aggregated depends on when frames come.
    for (const node of this.nodes) node.exec('ethtool', '-K', 'vnet0', 'gro', 'off')
  }

  #join(underlay: Underlay): void {
    const [west, relay, east] = this.nodes
    const { a, b, c, router } = this.guests
    const address = (node: Node) => ip(underlay === 4 ? `10.9.0.${node.index}` : `fd09::${node.index}`)
    for (const from of this.nodes)
      for (const to of this.nodes.filter((node) => node !== from)) {
        const { tunnelIfindex } = from
        const ends = { remote: address(to), local: address(from) }
        from.maps.put('links', to.index, { ...ends, tunnelIfindex, up: true, frameBytes: 1514 })
        from.maps.put('peers', { address: address(to) }, to.index)
        from.maps.put('peer_networks', { link: to.index, vni: VNI }, 1)
      }
    for (const [node, own, others, far, label] of [
      [west, [a, b], [c, router], east, 500],
      [east, [c, router], [a, b], west, 501],
    ] as const) {
      const bridge = BigInt(far.index)
      node.maps.put('network_ports', VNI, { stamp: 1, ifindexes: own.map(({ ifindex }) => ifindex) })
      for (const guest of others) node.maps.put('macs', { vni: VNI, mac: guest.mac }, { bridge, ifindex: 0 })
      node.maps.put('networks', VNI, { floodTree: 0 })
      node.maps.put('trees', { vni: VNI, tree: 0 }, { stamp: 2, links: [far.index] })
      node.maps.put('paths', { bridge, vni: VNI }, { link: relay.index, label })
      relay.maps.put('labels', label, { link: far.index, nextLabel: 0 })
    }
  }

  /** What comes in for 10.99.0.6 and fd99::6 leaves again for `b`: with the marks of the first journey still on it. */
  #letRoute(): void {
    const { router, b } = this.guests
    router.exec(
      'sysctl',
      '-qw',
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.eth0.rp_filter=0',
    )
    router.exec('sysctl', '-qw', 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.eth0.send_redirects=0')
    router.exec('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0', 'net.ipv6.conf.all.forwarding=1')
    router.exec('sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_ratemask=0')
    router.ip('addr add 10.9.9.1/24 dev eth0')
    router.ip('addr add fd99::fe/128 dev eth0 nodad')
    router.ip('route add fd99::6/128 dev eth0')
    for (const via of ['10.99.0.6', 'fd99::6']) router.ip(`neigh replace ${via} lladdr ${b.mac} dev eth0 nud permanent`)
    router.ip('route add 10.99.0.6/32 dev eth0')
    // It sends on, and says nothing by itself.
    router.exec(
      'nft',
      'add table inet quiet; add chain inet quiet out { type filter hook output priority 0; policy drop; }',
    )
  }

  close(): void {
    this.laboratory.close()
  }
}

const isMarker = (line: string): boolean => /eeeeeeee(....)\1{20}$/.test(line)
