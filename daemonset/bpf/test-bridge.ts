import { type BpfProgram, openProgram } from '#daemonset/native/index.ts'
import type { Bpffs } from '#daemonset/native/test-bpffs.ts'
import { hostIsLittleEndian } from '#daemonset/wire/byte-order.ts'
import { struct, u32, u64 } from '#daemonset/wire/codec.ts'
import { type IpAddress, ipAddressBytes, isIpv6 } from '#daemonset/wire/ip-address.ts'
import { type Drops, dropsSince, TestMaps } from './test-maps.ts'

/** Verdicts of tc programs, as the test run shows them. */
/** `stolen`, for a copied frame, is of the tests alone: real programs say `shot`. */
export const verdicts = { unspec: 0xffffffff, shot: 2, stolen: 4, redirect: 7 } as const

const outputKinds = { 1: 'port', 2: 'peer', 3: 'link', 4: 'underlay', 5: 'neighbour', 6: 'socket' } as const
const FIRST = u32.emit(0)
const outputCodec = struct({ kind: u32, target: u32, vni: u32, gbp: u32, ttl: u32, mark: u32, bytes: u32, device: u32 })

/** A frame wrapped over a link. */
export type LinkOutput = {
  kind: 'link'
  link: number
  vni: number
  gbp: number
  ttl: number
  mark: number
  device: number
  bytes: number
}

/** A whole datagram for an underlay device: as it is, or with Ethernet addresses of the kernel's choice (`neighbour`). */
export type UnderlayOutput = { kind: 'underlay' | 'neighbour'; ifindex: number; mark: number; bytes: number }

/** A datagram given to the socket of a UDP port of this host. */
export type SocketOutput = { kind: 'socket'; port: number; bytes: number }

/** What the program would have sent: to a port's device (`port`), to its other end (`peer`), over a link, or by the underlay. */
export type Output =
  | { kind: 'port' | 'peer'; ifindex: number; bytes: number }
  | LinkOutput
  | UnderlayOutput
  | SocketOutput

export const isDelivery = (output: Output): output is Extract<Output, { kind: 'port' | 'peer' }> =>
  output.kind === 'port' || output.kind === 'peer'

/** What is beside the frame afterwards. */
export type Beside = { mark: number; cb: number[] }

/** What one frame led to: the verdict, what was sent, and how often each drop reason was counted. */
export type Outcome = { verdict: number; outputs: Output[]; drops: Drops }

/** What a received frame's tunnel header said. `remote` null: no tunnel information at all. */
export type Arrival = { remote: IpAddress | null; vni: number; gbp?: number; ttl?: number }

export type SkbFields = { cb?: readonly number[]; mark?: number; gsoSegments?: number; gsoSize?: number }

const offsets = { mark: 8, cb: 48, gsoSegments: 164, gsoSize: 176 }
const CB_WORDS = 5

/** A `struct __sk_buff` for a test run. */
const skbContext = ({ cb = [], mark = 0, gsoSegments = 0, gsoSize = 0 }: SkbFields): Uint8Array => {
  const bytes = new Uint8Array(192)
  const view = new DataView(bytes.buffer)
  view.setUint32(offsets.mark, mark, hostIsLittleEndian)
  for (const [index, word] of cb.entries()) view.setUint32(offsets.cb + 4 * index, word, hostIsLittleEndian)
  view.setUint32(offsets.gsoSegments, gsoSegments, hostIsLittleEndian)
  view.setUint32(offsets.gsoSize, gsoSize, hostIsLittleEndian)
  return bytes
}

const besideOf = (context: Uint8Array): Beside => {
  const view = new DataView(context.buffer, context.byteOffset)
  const word = (offset: number): number => view.getUint32(offset, hostIsLittleEndian)
  return { mark: word(offsets.mark), cb: Array.from({ length: CB_WORDS }, (_, index) => word(offsets.cb + 4 * index)) }
}

const toOutput = (record: Uint8Array): Output => {
  const { kind, target, bytes, ...wrapping } = outputCodec.parse(record)
  const name = outputKinds[kind as keyof typeof outputKinds]
  if (name === 'link') return { kind: name, link: target, ...wrapping, bytes }
  if (name === 'socket') return { kind: name, port: target, bytes }
  const output = { ifindex: target, bytes }
  return name === 'port' || name === 'peer' ? { kind: name, ...output } : { kind: name, ...output, mark: wrapping.mark }
}

/** The programs of one bridge with maps of their own, run without devices (test.bpf.o). */
export class TestBridge extends TestMaps {
  readonly #programs = new Map<string, BpfProgram>()
  readonly #countsDrops: boolean
  #outputs = 0

  /** `countsDrops: false` leaves `drops` of every outcome empty, which is ten times faster. */
  constructor(bpffs: Bpffs, name: string, { countsDrops = true } = {}) {
    super(bpffs, name, 'test.bpf.o')
    this.#countsDrops = countsDrops
  }

  /** A frame that the guest behind `ifindex` sends. */
  fromPort(ifindex: number, data: Uint8Array, skb: SkbFields = {}): Outcome {
    return this.run('port_ingress', data, { ...skb, cb: [ifindex] })
  }

  /** A frame that comes out of the tunnel. IPv6 peers must be fd00::/96: the context has room for 32 bits. */
  fromTunnel({ remote, vni, gbp = 0, ttl = 255 }: Arrival, data: Uint8Array): Outcome {
    const low = remote === null ? 0 : new DataView(ipAddressBytes(remote).buffer).getUint32(12)
    const family = remote === null ? 2 : isIpv6(remote) ? 1 : 0
    return this.run('tunnel_ingress', data, { cb: [vni, gbp, low, ttl, family] })
  }

  /** Runs one program on one frame. */
  run(program: string, data: Uint8Array, skb: SkbFields): Outcome {
    const before = this.#countsDrops ? this.drops() : {}
    const { verdict, outputs } = this.observe(program, data, skb)
    return { verdict, outputs, drops: this.#countsDrops ? dropsSince(before, this.drops()) : {} }
  }

  /** The same without drops, but with the frame as the program left it, and what is beside it. */
  observe(program: string, data: Uint8Array, skb: SkbFields): Omit<Outcome, 'drops'> & Beside & { data: Uint8Array } {
    const counter = this.raw('output_count')
    if (this.#outputs > 0) counter.update(FIRST, u32.emit(0))
    const { returnValue, data: left, context } = this.#program(program).testRun({ data, context: skbContext(skb) })
    this.#outputs = u32.parse(counter.lookup(FIRST)!)
    const output = (_: unknown, index: number) => toOutput(this.raw('outputs').lookup(u32.emit(index))!)
    return {
      verdict: returnValue,
      outputs: Array.from({ length: this.#outputs }, output),
      data: left,
      ...besideOf(context!),
    }
  }

  /** What the programs take for the time, in nanoseconds. */
  set clock(now: bigint) {
    this.raw('test_clock').update(FIRST, u64.emit(now))
  }

  override close(): void {
    super.close()
    for (const program of this.#programs.values()) program.close()
  }

  #program(name: string): BpfProgram {
    const program = this.#programs.get(name) ?? openProgram(`${this.pins}/prog/${name}`)
    this.#programs.set(name, program)
    return program
  }
}
