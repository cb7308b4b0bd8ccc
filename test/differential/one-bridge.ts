// One bridge with everything in its tables that a frame can meet, also what must never carry it; and a copy of them to judge by.
import { TestBridge } from '#daemonset/bpf/test-bridge.ts'
import { broadcast, ip, mac } from '#daemonset/bpf/test-frames.ts'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import type { IpAddress } from '#daemonset/wire/ip-address.ts'
import type { Mac } from '#daemonset/wire/mac.ts'
import { GENERATIONS, type Link, type Port } from '#daemonset/wire/map-layouts.ts'
import type { Random } from './random.ts'

/** The last two share a generation. */
export const VNIS = [77, 78, 77 + GENERATIONS - 1] as const
export const UNKNOWN_VNI = 99
export const TUNNEL = 9
export const PORTS = [10, 11, 12, 13, 14, 15, 16] as const
export const LINKS = [1, 2, 3, 4] as const
export const LABELS = [0, 1, 7, 16, 17, 18, 19, 40_000, 40_001] as const

/** The same addresses in every network: 0 to 2 are of ports, the others of bridges near and far, 6 of nobody, 7 of a foreign port. */
export const MACS: readonly Mac[] = [...Array(8).keys()].map((index) => mac(`02:00:00:00:00:0${index}`))
export const GROUPS: readonly Mac[] = [broadcast, mac('33:33:00:00:00:01'), mac('01:80:c2:00:00:0e')]

const remote = (link: number): IpAddress => ip(link === 2 ? 'fd00::2' : `192.0.2.${link}`)
const local = (link: number): IpAddress => ip(link === 2 ? 'fd00::64' : '192.0.2.100')

const SECOND = 1_000_000_000n

export class OneBridge extends TestBridge {
  /** What `ports`, `links`, `peers` and `peer_networks` hold. */
  readonly ports = new Map<number, Port>()
  readonly links = new Map<number, Link>()
  readonly permitted = new Set<string>()
  #now = SECOND

  constructor(bpffs: Bpffs, name: string) {
    super(bpffs, name, { countsDrops: false })
    this.restore()
    this.clock = this.#now
  }

  /** All tables as they were at first. */
  restore(): void {
    this.fastPath = true
    this.inlet = true
    for (const [index, ifindex] of PORTS.entries())
      this.setPort(ifindex, {
        vni: VNIS[index % 3]!,
        mac: MACS[Math.floor(index / 3)]!,
        open: index !== 5,
        peerNamespace: index !== 4,
      })
    for (const id of LINKS) this.#fillLink(id)
    for (const vni of VNIS) this.#fillNetwork(vni)
    this.put('labels', 16, { link: 2, nextLabel: 0 })
    this.put('labels', 17, { link: 1, nextLabel: 18 })
    this.put('labels', 18, { link: 3, nextLabel: 0 })
    this.put('labels', 19, { link: 4, nextLabel: 0 })
  }

  /** Time goes on: mostly by little, at times so far that everything is too old. */
  wait(random: Random): void {
    this.#now += random.oneIn(20) ? 2n * SECOND : 20_000_000n
    this.clock = this.#now
  }

  setPort(ifindex: number, port: Port): void {
    this.ports.set(ifindex, port)
    this.put('ports', ifindex, port)
  }

  setLink(id: number, change: Partial<Link>): void {
    const link = { ...this.links.get(id)!, ...change }
    this.links.set(id, link)
    this.put('links', id, link)
  }

  permit(link: number, vni: number, on: boolean): void {
    if (on === this.permitted.has(`${link} ${vni}`)) return
    if (on) this.put('peer_networks', { link, vni }, 1)
    else this.remove('peer_networks', { link, vni })
    if (on) this.permitted.add(`${link} ${vni}`)
    else this.permitted.delete(`${link} ${vni}`)
  }

  /** The link of a neighbour's address. */
  linkOf(address: IpAddress): number | undefined {
    return LINKS.find((id) => id !== 4 && remote(id) === address)
  }

  /** One write, as the agent would do it. */
  change(random: Random): void {
    const vni = random.of(VNIS)
    const ifindex = random.of(PORTS)
    const port = this.ports.get(ifindex)!
    const owners = [
      { bridge: 7n, ifindex: 0 },
      { bridge: 8n, ifindex: 0 },
      { bridge: 0n, ifindex },
    ]
    const changes: readonly (() => void)[] = [
      () => this.setPort(ifindex, { ...port, open: !port.open }),
      () => this.setPort(ifindex, { ...port, vni, open: true, mac: random.of(MACS.slice(0, 3)) }),
      () => this.put('macs', { vni, mac: random.of(MACS) }, random.of(owners)),
      () => this.setLink(random.of(LINKS), { up: !random.oneIn(4), frameBytes: random.of([0, 1464, 1514]) }),
      () =>
        this.put('paths', { bridge: random.of([7n, 8n]), vni }, { link: random.of(LINKS), label: random.of(LABELS) }),
      () => this.permit(random.of(LINKS), vni, !random.oneIn(3)),
      () => {
        this.fastPath = !random.oneIn(4)
      },
      () => {
        this.inlet = !random.oneIn(3)
      },
    ]
    random.of(changes)()
  }

  /** Where the underlay sends what is meant for a link: the bytes that the kernel would put before it. */
  outsideOf(link: number): { source: IpAddress; destination: IpAddress } {
    return { source: local(link), destination: remote(link) }
  }

  #fillLink(id: number): void {
    this.links.set(id, { remote: remote(id), local: local(id), tunnelIfindex: TUNNEL, up: true, frameBytes: 1514 })
    this.setLink(id, { up: id !== 3 })
    if (id !== 4) this.put('peers', { address: remote(id) }, id)
    for (const vni of VNIS) this.permit(id, vni, id === 1 || (id === 2 && vni !== VNIS[2]))
  }

  #fillNetwork(vni: number): void {
    const own = PORTS.filter((ifindex) => this.ports.get(ifindex)!.vni === vni)
    for (const ifindex of own) this.put('macs', { vni, mac: this.ports.get(ifindex)!.mac }, { bridge: 0n, ifindex })
    const foreign = PORTS.find((ifindex) => this.ports.get(ifindex)!.vni !== vni)!
    this.put('macs', { vni, mac: MACS[3]! }, { bridge: 7n, ifindex: 0 })
    this.put('macs', { vni, mac: MACS[4]! }, { bridge: 8n, ifindex: 0 })
    this.put('macs', { vni, mac: MACS[5]! }, { bridge: 9n, ifindex: 0 })
    this.put('macs', { vni, mac: MACS[7]! }, { bridge: 0n, ifindex: foreign })
    this.put('paths', { bridge: 7n, vni }, { link: 1, label: 0 })
    this.put('paths', { bridge: 8n, vni }, { link: 2, label: 16 })
    this.put('paths', { bridge: 9n, vni }, { link: 3, label: 0 })
    this.put('network_ports', vni, { stamp: vni, ifindexes: [...own, foreign] })
    this.put('networks', vni, { floodTree: vni === 77 ? 0 : 40_000 })
    this.put('trees', { vni, tree: 0 }, { stamp: vni + 1, links: [1, 2, 3] })
    this.put('trees', { vni, tree: 40_000 }, { stamp: vni + 2, links: [1, 2] })
  }
}
