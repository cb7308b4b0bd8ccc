// One overlay on which the same frames are sent twice: with the fast path, and without.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { broadcast, frame, mac } from '#daemonset/bpf/test-frames.ts'
import { until } from '#daemonset/bpf/test-laboratory.ts'
import { dropsSince } from '#daemonset/bpf/test-maps.ts'
import { countsOf } from './counts.ts'
import type { Cast, GuestFrame } from './random-frames.ts'
import { RelayWorld, TAP, VNI } from './relay-world.ts'

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

/** Names of the guests: `a` and `b` on the west node, `c` and `router` on the east one. */
export type Sender = 'a' | 'c'
export type Observed = {
  /** What was sent and not refused by the kernel; our own markers, too. */
  sent: GuestFrame[]
  /** What each guest received, sorted: the order between flows is nobody's promise. */
  received: Record<string, string[]>
  /** Increments of everything that is counted, by name. */
  counted: Record<string, number>
  /** Frames by direction and path. */
  paths: Record<string, number>
}

/** The relay's world, and what comes of frames that are sent over it on either path. */
export class TwoPaths extends RelayWorld {
  readonly #socket = buildSocket()
  readonly #lines = new Map<string, string[]>()
  #tap: ChildProcess | undefined
  #round = 0

  /** Whom the sender can write to, and in whose name. */
  cast(sender: Sender): Cast {
    const { a, b, c, router } = this.guests
    const others = [broadcast, mac('01:00:5e:00:00:fb'), mac('01:80:c2:00:00:00'), mac('02:ff:00:00:00:01'), b.mac]
    return sender === 'a'
      ? { self: a.mac, targets: [c.mac, c.mac, router.mac], others }
      : { self: c.mac, targets: [a.mac, b.mac], others }
  }

  /** Listens at all guests. */
  async listen(): Promise<void> {
    const { a, b, router } = this.guests
    for (const [name, namespace, ...words] of [
      ['a', a, 'listen', 'eth0'],
      ['b', b, 'listen', 'eth0'],
      ['c', this.nodes[2], 'tap', TAP],
      ['router', router, 'listen', 'eth0'],
    ] as const) {
      const child = this.laboratory.child(namespace.spawn(this.#socket, ...words))
      if (name === 'c') this.#tap = child
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

  /** Sends frames on one path, and says what came of them. `meanwhile` is called over and over while they are sent. */
  async observe(
    frames: readonly GuestFrame[],
    path: 'fast' | 'slow',
    { sender = 'a', meanwhile }: { sender?: Sender; meanwhile?: () => void } = {},
  ): Promise<Observed> {
    for (const { maps } of this.nodes) maps.fastPath = path === 'fast'
    await this.#exchange(sender, [])
    for (const lines of this.#lines.values()) lines.length = 0
    const ports = { vni: VNI, ifindexes: Object.values(this.guests).map(({ ifindex }) => ifindex) }
    const before = countsOf(this.nodes, ports)
    const sent = await this.#exchange(sender, frames, meanwhile)
    const received = Object.fromEntries(
      [...this.#lines].map(([name, lines]) => [name, lines.filter((line) => !isMarker(line)).sort()]),
    )
    const after = countsOf(this.nodes, ports)
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

  /** Sends frames and then markers, on the slow path and as IP; resolves when all of them came, with all that was sent. */
  async #exchange(sender: Sender, frames: readonly GuestFrame[], meanwhile?: () => void): Promise<GuestFrame[]> {
    const receivers = sender === 'a' ? (['b', 'c', 'router'] as const) : (['a', 'b'] as const)
    const round = ++this.#round
    const payload = Uint8Array.from({ length: 46 }, (_, index) =>
      index < 4 ? 0xee : (round >> (index % 2 ? 0 : 8)) & 255,
    )
    const markers = receivers.flatMap((name) =>
      [MARKER_TYPE, 0x0800].map((etherType) =>
        frame(this.guests[sender].mac, this.guests[name].mac, { etherType, payload }),
      ),
    )
    // The first marker of a kind teaches the fast path, the second takes it.
    const twice = [...markers, ...markers].map((bytes) => ({ header: new Uint8Array(10), frame: bytes, packets: 1 }))
    const all = [...frames, ...twice]
    const lines = all.map(({ header, frame: bytes }) => hex(header) + hex(bytes))
    const refused = sender === 'a' ? await this.#send(lines, meanwhile) : await this.#sendFromTap(lines)
    const text = hex(payload)
    const arrived = (list: string[]): boolean => list.filter((line) => line.endsWith(text)).length >= 4
    await until(`marker ${round} at every guest`, () => receivers.every((name) => arrived(this.#lines.get(name)!)))
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

  /** The guest behind the TAP ends at a frame that the kernel refuses: there is none among sound ones. */
  async #sendFromTap(lines: readonly string[]): Promise<Set<number>> {
    await new Promise<void>((resolve) => this.#tap!.stdin!.write(`${lines.join('\n')}\n`, () => resolve()))
    return new Set()
  }
}

const isMarker = (line: string): boolean => /eeeeeeee(....)\1{20}$/.test(line)
