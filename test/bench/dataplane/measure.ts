// One figure of one topology. Each takes a bounded time.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cacheFolder } from '#test/lab/tools.ts'
import type { Topology } from './topology.ts'

const TARGET = '10.88.0.2'
const SECONDS = 2
const DATAGRAM_PORT = 9000

/** Builds the sender and counter of datagrams. */
export const buildUdpRate = (): string => {
  const program = join(cacheFolder(), 'bin', 'udp-rate')
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, join(import.meta.dirname, 'udp-rate.c')])
  return program
}

/** TCP throughput in Gbit/s, and the segments that were sent again. */
export const tcp = async (
  { sender, receiver }: Topology,
  streams: number,
): Promise<{ gbps: number; retransmits: number }> => {
  const server = receiver.spawn('iperf3', '-s', '-1', '--forceflush')
  await new Promise<void>((resolve) =>
    createInterface({ input: server.stdout! }).on('line', (line) => line.includes('listening') && resolve()),
  )
  const ended = new Promise((resolve) => server.once('close', resolve))
  const report = JSON.parse(sender.exec('iperf3', '-c', TARGET, '-t', String(SECONDS), '-P', String(streams), '-J'))
  await ended
  return { gbps: report.end.sum_received.bits_per_second / 1e9, retransmits: report.end.sum_sent.retransmits }
}

/** Datagrams with 64 bytes of payload that arrive, per second. */
export const packets = async ({ sender, receiver }: Topology, program: string, flows: number): Promise<number> => {
  const counter = receiver.spawn(program, 'count', String(DATAGRAM_PORT), String(SECONDS * 1000))
  const lines: string[] = []
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: counter.stdout! }).on('line', (line) => (line === 'ready' ? resolve() : lines.push(line)))
  })
  const ended = new Promise((resolve) => counter.once('close', resolve))
  await ready
  sender.exec(program, 'send', TARGET, String(DATAGRAM_PORT), String(flows), String(SECONDS * 1000 + 200))
  await ended
  return Number(lines[0])
}

/** Median round-trip time in microseconds, at a ping each millisecond. */
export const roundTrip = ({ sender }: Topology): number => {
  const text = sender.exec('ping', '-i', '0.001', '-c', '600', '-W', '1', TARGET)
  const times = [...text.matchAll(/time=([\d.]+) ms/g)]
    .map(([, time]) => Number(time) * 1000)
    .sort((left, right) => left - right)
  return times[Math.floor(times.length / 2)] ?? Number.NaN
}
