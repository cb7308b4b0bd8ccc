// The fast path against the slow one: the same random frames through both, compared byte by byte, and count by count.
// VNET_DIFFERENTIAL_FRAMES sets how many for each underlay (1,000 by default), VNET_SEED which.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { macAt } from '#daemonset/wire/mac.ts'
import { acceptedBytes } from './accounts.ts'
import { type GuestFrame, guestFrames, soundFrames } from './random-frames.ts'
import type { Underlay } from './relay-world.ts'
import { MARKER_BYTES, type Observed, TwoPaths } from './two-paths.ts'

const BATCH = 250
const total = Number(process.env.VNET_DIFFERENTIAL_FRAMES ?? 1000)
const seed = Number(process.env.VNET_SEED ?? Date.now() % 1_000_000)

/** What one side has and the other lacks. */
const missing = (left: readonly string[], right: readonly string[]): string[] => {
  const rest = new Map<string, number>()
  for (const line of right) rest.set(line, (rest.get(line) ?? 0) + 1)
  return left.filter((line) => {
    const count = rest.get(line) ?? 0
    rest.set(line, count - 1)
    return count <= 0
  })
}

const compare = (fast: Observed, slow: Observed, what: string): void => {
  for (const [guest, lines] of Object.entries(slow.received)) {
    const others = fast.received[guest] ?? []
    const [lost, more] = [missing(lines, others), missing(others, lines)]
    const text = `${what}, guest ${guest}: ${lost.length} frames only on the slow path, ${more.length} only on the fast one`
    assert.is(lost.length + more.length, 0, [text, ...lost.slice(0, 3), '---', ...more.slice(0, 3)].join('\n'))
  }
  assert.equal(fast.counted, slow.counted, `${what}: counts differ`)
}

/** What `a` sent is counted once, to the byte: at its port, and for each pair of addresses. */
const checkAccounts = ({ sent, counted }: Observed, { guests }: TwoPaths, what: string): void => {
  const expected: Record<string, number> = {}
  const add = (name: string, value: number): void => {
    if (value > 0) expected[name] = (expected[name] ?? 0) + value
  }
  const { mac: own, ifindex } = guests.a
  for (const { frame, packets } of sent) {
    const bytes = acceptedBytes(frame, own)
    for (const name of [`port 1 ${ifindex}`, `flow 1 ${ifindex} ${own} ${macAt(frame)}`]) {
      add(`${name} packets`, bytes > 0 ? packets : 0)
      add(`${name} bytes`, bytes)
    }
  }
  const own1 = Object.entries(counted).filter(([name]) => /^(port|flow) 1 (\d+)/.exec(name)?.[2] === String(ifindex))
  assert.equal(Object.fromEntries(own1), expected, `${what}: counted otherwise than sent`)
}

/** Sound frames on their way over the relay: each node counts what the one before it sent, and the guests got it. */
const checkChain = ({ counted, received }: Observed, what: string): void => {
  const link = (name: string, figure: string): number => counted[`link ${name} ${figure}`] ?? 0
  for (const figure of ['Packets', 'Bytes']) {
    const sent = link('1-2', `tx${figure}`)
    for (const [name, direction] of [
      ['2-1', 'rx'],
      ['2-3', 'tx'],
      ['3-2', 'rx'],
    ] as const)
      assert.is(link(name, direction + figure), sent, `${what}: ${direction}${figure} of link ${name}`)
  }
  const bytesOf = (line: string): number => line.slice(line.lastIndexOf(' ') + 1).length / 2
  const arrived = [...received.c!, ...received.router!].reduce((sum, line) => sum + bytesOf(line), 0)
  assert.is(arrived + MARKER_BYTES, link('1-2', 'txBytes'), `${what}: bytes that the guests received`)
}

const perSide = (underlay: Underlay) => {
  const test = suite<{ world: TwoPaths }>(`both paths over IPv${underlay}`)
  test.before(async (context) => {
    context.world = new TwoPaths(underlay)
    await context.world.listen()
  })
  test.after(({ world }) => world.close())

  const batches = (world: TwoPaths, kind = guestFrames): GuestFrame[][] => {
    const frames = fc.sample(kind(world.cast('a')), { seed: seed + underlay, numRuns: total })
    return Array.from({ length: Math.ceil(total / BATCH) }, (_, index) =>
      frames.slice(index * BATCH, (index + 1) * BATCH),
    )
  }

  for (const offloads of [true, false])
    test(`the same bytes arrive, the same is counted, ${offloads ? 'with' : 'without'} offloads (seed ${seed})`, async ({
      world,
    }) => {
      world.offloads = offloads
      for (const [index, batch] of batches(world).entries()) {
        const slow = await world.observe(batch, 'slow')
        const fast = await world.observe(batch, 'fast')
        compare(fast, slow, `seed ${seed}, batch ${index}`)
        for (const [path, seen] of Object.entries({ slow, fast }))
          checkAccounts(seen, world, `seed ${seed}, batch ${index}, ${path} path`)
        for (const path of ['sentFast', 'receivedFast', 'relayedFast'])
          assert.ok(
            Object.keys(fast.paths).some((name) => name.endsWith(path)),
            `no frame was ${path}`,
          )
        assert.not.ok(
          Object.keys(slow.paths).some((name) => name.endsWith('Fast')),
          'a frame was fast where it must not',
        )
      }
    })

  test('nothing is lost or counted twice while all that the fast path knows is made void', async ({ world }) => {
    world.offloads = true
    for (const [index, batch] of batches(world).entries()) {
      const slow = await world.observe(batch, 'slow')
      const fast = await world.observe(batch, 'fast', { meanwhile: world.forget })
      compare(fast, slow, `seed ${seed}, batch ${index}`)
      checkAccounts(fast, world, `seed ${seed}, batch ${index}`)
    }
  })

  test('every byte of sound frames is counted by each node on the way, on both paths and while flows become void', async ({
    world,
  }) => {
    world.offloads = true
    for (const [index, batch] of batches(world, soundFrames).entries())
      for (const [path, meanwhile] of [['slow'], ['fast'], ['fast', world.forget]] as const)
        checkChain(
          await world.observe(batch, path, meanwhile ? { meanwhile } : {}),
          `seed ${seed}, batch ${index}, ${path} path`,
        )
  })

  test('what a guest behind a TAP sends', async ({ world }) => {
    const sender = 'c'
    world.offloads = true
    const frames = fc.sample(soundFrames(world.cast(sender)), { seed: seed + underlay, numRuns: total })
    const slow = await world.observe(frames, 'slow', { sender })
    const fast = await world.observe(frames, 'fast', { sender })
    compare(fast, slow, `seed ${seed}`)
    assert.ok(slow.received.a!.length > 0)
    assert.ok(fast.paths['path 3 sentFast']! > total / 2, JSON.stringify(fast.paths))
  })
  test.run()
}

for (const underlay of [4, 6] as const) perSide(underlay)
