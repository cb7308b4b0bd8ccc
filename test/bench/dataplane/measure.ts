// The figures of one world. Each takes a bounded time.
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cacheFolder } from '#test/lab/tools.ts'
import type { World } from './world.ts'

const TARGET = '10.88.0.2'
const DATAGRAM_PORT = 9000
/** The receiver's clock starts at the first datagram, so the sender goes on a little longer. */
const TAIL_MS = 50
const SENDER_CPU = 0
const RECEIVER_CPU = 1

/** Whether the guest's frames leave with their checksum still to be filled in, as most of a virtio guest's do. */
export type Checksums = 'partial' | 'complete'

/** Programs under measurement on CPUs of their own; else where the scheduler puts them. */
type Placement = { pinned: boolean }

/** Builds the sender and counter of datagrams, and returns its path. */
export const buildUdpRate = (): string => {
  const folder = join(cacheFolder(), 'bin')
  mkdirSync(folder, { recursive: true })
  const program = join(folder, 'udp-rate')
  const temporary = `${program}.${process.pid}`
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', temporary, join(import.meta.dirname, 'udp-rate.c')])
  renameSync(temporary, program)
  return program
}

/** Before other work on the machine. Not real time, which ksoftirqd has not: a program that waits for it would wait for itself. */
const FIRST = ['nice', '-n', '-20']
const onCpu = (cpu: number): string[] => ['taskset', '-c', String(cpu), 'chrt', '--fifo', '5']

/** Waits until the receiver answers; tells what is wrong when it never does. */
export const untilReachable = async (
  { sender, run }: Pick<World, 'sender' | 'run'>,
  limitMs = 20_000,
): Promise<void> => {
  // One ping after another: ping itself gives up at the first "host unreachable", which an overlay that still connects causes.
  for (const end = performance.now() + limitMs; ; ) {
    const answered = await run(sender, ['ping', '-c', '1', '-W', '1', TARGET]).output.then(
      () => true,
      () => false,
    )
    if (answered) return
    if (performance.now() > end) throw new Error(`${TARGET} does not answer within ${limitMs / 1000} s`)
  }
}

/** TCP throughput in Gbit/s, and the segments that were sent again. `seconds` is a whole number (iperf3 takes 0.5 for 0: without end). */
export const tcp = async (
  { sender, receiver, run }: Pick<World, 'sender' | 'receiver' | 'run'>,
  { streams, seconds, pinned }: Placement & { streams: number; seconds: number },
): Promise<{ gbps: number; retransmits: number }> => {
  const server = run(receiver, [...FIRST, 'iperf3', '-s', '-1', '--forceflush'])
  await server.line('listening')
  const affinity = pinned ? ['-A', `${SENDER_CPU},${RECEIVER_CPU}`] : []
  const client = [...FIRST, 'iperf3', '-c', TARGET, '-t', String(seconds), '-P', String(streams), '-J', ...affinity]
  const report = JSON.parse(await run(sender, client).output)
  await server.output
  return { gbps: report.end.sum_received.bits_per_second / 1e9, retransmits: report.end.sum_sent.retransmits }
}

export type PacketOptions = Placement & { flows: number; milliseconds: number; targets?: number }

/** Datagrams with 64 bytes of payload: how many arrive per second, and the sender's CPU time for each in ns. */
export const packets = async (
  { sender, receiver, run }: Pick<World, 'sender' | 'receiver' | 'run'>,
  program: string,
  { flows, milliseconds, pinned, targets = 1 }: PacketOptions,
): Promise<{ perSecond: number; senderNs: number }> => {
  const place = (cpu: number): string[] => (pinned ? onCpu(cpu) : FIRST)
  const port = String(DATAGRAM_PORT)
  const counter = run(receiver, [...place(RECEIVER_CPU), program, 'count', port, String(milliseconds)])
  await counter.line('ready')
  const send = ['send', TARGET, port, String(flows), String(targets), String(milliseconds + TAIL_MS)]
  const sent = await run(sender, [...place(SENDER_CPU), program, ...send]).output
  const counted = (await counter.output).split('\n').at(-1)
  return { perSecond: Number(counted), senderNs: Number(sent.split(' ')[1]) }
}

/** How many datagrams arrived in each millisecond from `first` (monotonic clock, ns) on, while `during` was run in the middle. */
export const packetsByMillisecond = async (
  { sender, receiver, run }: Pick<World, 'sender' | 'receiver' | 'run'>,
  program: string,
  { milliseconds, during }: { milliseconds: number; during: () => void },
): Promise<{ first: bigint; counts: number[] }> => {
  const port = String(DATAGRAM_PORT)
  const counting = ['count', port, String(milliseconds), '--buckets']
  const counter = run(receiver, [...onCpu(RECEIVER_CPU), program, ...counting])
  await counter.line('ready')
  const send = ['send', TARGET, port, '1', '1', String(milliseconds + TAIL_MS)]
  const sent = run(sender, [...onCpu(SENDER_CPU), program, ...send]).output
  await delay(milliseconds / 2)
  during()
  await sent
  const [first, ...counts] = (await counter.output).split('\n').at(-1)!.split(' ')
  return { first: BigInt(first!), counts: counts.map(Number) }
}

/** Median round-trip time in microseconds, at a ping each millisecond. */
export const roundTrip = async (
  { sender, run }: Pick<World, 'sender' | 'run'>,
  { count, pinned }: Placement & { count: number },
): Promise<number> => {
  const place = pinned ? ['taskset', '-c', String(SENDER_CPU), ...FIRST] : FIRST
  const text = await run(sender, [...place, 'ping', '-i', '0.001', '-c', String(count), '-W', '1', TARGET]).output
  const times = [...text.matchAll(/time=([\d.]+) ms/g)]
    .map(([, time]) => Number(time) * 1000)
    .sort((left, right) => left - right)
  const middle = times[Math.floor(times.length / 2)]
  if (middle === undefined) throw new Error(`no answer to ${count} pings`)
  return middle
}

/** Chooses how the guests' frames leave, and proves it by one of the sender's. */
export const setChecksums = async (
  { sender, receiver, run }: Pick<World, 'sender' | 'receiver' | 'run'>,
  program: string,
  checksums: Checksums,
): Promise<void> => {
  for (const guest of [sender, receiver])
    guest.exec('ethtool', '-K', 'eth0', 'tx', checksums === 'partial' ? 'on' : 'off')
  const look = run(sender, [program, 'checksum', 'eth0'])
  await look.line('ready')
  await run(sender, [program, 'send', TARGET, String(DATAGRAM_PORT), '1', '1', '1']).output
  const seen = (await look.output).split('\n').at(-1)
  if (seen !== checksums) throw new Error(`the sender's frames have ${seen} checksums, not ${checksums} ones`)
}
