// The path and the programs change under load: nothing is lost, nothing comes twice.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Node, until } from '#daemonset/bpf/test-laboratory.ts'
import { built } from '#daemonset/bpf/test-maps.ts'
import { mapLayouts } from '#daemonset/wire/map-layouts.ts'
import { FrameReceiver, FrameSender } from '#test/lab/frames.ts'
import { pathsOf, Street } from './street.ts'

const IPV4 = 0x0800
const CHANGES = 40
const PERIOD_MS = 25

const test = suite('handover')
const street = new Street()
const { west, east, a, c } = street
const nodes = [west, east]
test.after(() => street.close())

/** Frames every 200 µs both ways, and TCP beside them, while `change` is called again and again. */
const underLoad = async (change: (turn: number) => void) => {
  const ends = [
    { from: a, to: c },
    { from: c, to: a },
  ]
  const server = street.laboratory.child(c.spawn('iperf3', '-s', '-1', '--forceflush'))
  await new Promise<void>((resolve) =>
    server.stdout!.on('data', (text) => String(text).includes('listening') && resolve()),
  )
  const client = a.spawn('iperf3', '-c', '10.8.0.3', '-b', '200M', '-t', String((CHANGES * PERIOD_MS) / 1000 + 1), '-J')
  let report = ''
  client.stdout!.on('data', (chunk: Buffer) => (report += chunk))
  const done = new Promise((resolve) => client.once('close', resolve))
  const streams = await Promise.all(
    ends.map(async ({ from, to }) => {
      const options = { device: 'eth0', etherType: IPV4 }
      const receiver = await FrameReceiver.start(to.name, options)
      const sender = await FrameSender.start(from.name, { ...options, to: to.mac, periodMicroseconds: 200 })
      return { receiver, sender }
    }),
  )
  for (let turn = 0; turn < CHANGES; turn++) {
    change(turn)
    await delay(PERIOD_MS)
  }
  const sent = await Promise.all(streams.map(({ sender }) => sender.stop()))
  await done
  const seen = await Promise.all(streams.map(({ receiver }) => receiver.stop()))
  return { seen, sent, tcp: JSON.parse(report) as { end: { sum_received: { bytes: number } } } }
}

const assertUnharmed = ({ seen, sent, tcp }: Awaited<ReturnType<typeof underLoad>>): void => {
  for (const [index, stream] of seen.entries()) {
    const summary = JSON.stringify({ ...stream, ...sent[index] })
    assert.is(stream.overruns, 0, summary)
    assert.is(stream.lost, 0, summary)
    assert.is(stream.duplicated, 0, summary)
    assert.ok(stream.received > 1000, summary)
  }
  assert.ok(tcp.end.sum_received.bytes > 10_000_000, JSON.stringify(tcp.end.sum_received))
}

test('from the slow path to the fast one and back, under load', async () => {
  const outcome = await underLoad((turn) => {
    for (const { maps } of nodes) maps.fastPath = turn % 2 === 0
  })
  assertUnharmed(outcome)
  for (const node of nodes) {
    const { sentFast, sentSlow, receivedFast, receivedSlow } = pathsOf(node)
    assert.ok(Math.min(sentFast, sentSlow, receivedFast, receivedSlow) > 100, JSON.stringify(pathsOf(node)))
  }
})

test('with the inlet and without, under load', async () => {
  for (const { maps } of nodes) maps.fastPath = true
  assertUnharmed(
    await underLoad((turn) => {
      for (const { maps } of nodes) maps.inlet = turn % 2 === 0
    }),
  )
  for (const { maps } of nodes) maps.inlet = true
})

/** Loads the object once more, on the maps of the node: as a newer version of the agent does. */
const loadAgain = ({ maps }: Node): string => {
  const folder = join(maps.pins, 'newer')
  mkdirSync(folder)
  const reused = Object.keys(mapLayouts).flatMap((name) => ['map', 'name', name, 'pinned', `${maps.pins}/maps/${name}`])
  execFileSync('bpftool', ['prog', 'loadall', built('vnet.bpf.o'), folder, ...reused])
  return folder
}

test('from one version of the programs to another and back, under load', async () => {
  const versions = nodes.map((node) => [`${node.maps.pins}/prog`, loadAgain(node)] as const)
  const places = [
    ['u0', 'ingress', 'underlay_entry'],
    ['u0', 'egress', 'underlay_egress'],
    ['vnet0', 'ingress', 'tunnel_ingress'],
    ['vnet0in', 'ingress', 'inlet_ingress'],
  ] as const
  const replace = (index: number, turn: number): void => {
    const node = nodes[index]!
    for (const [device, direction, program] of [...places, [node === west ? 'p1' : 'p3', 'ingress', 'port_ingress']])
      node.exec(
        'tc',
        ...['filter', 'replace', 'dev', device!, direction!, 'prio', '1', 'handle', '1', 'protocol', 'all'],
        ...['bpf', 'da', 'pinned', `${versions[index]![turn % 2]}/${program}`],
      )
  }
  const before = pathsOf(east)
  assertUnharmed(
    await underLoad((turn) => {
      if (turn % 4 === 0) for (const index of nodes.keys()) replace(index, turn / 4 + 1)
    }),
  )
  await until('frames to have been fast', () => pathsOf(east).receivedFast > before.receivedFast)
})

test.run()
