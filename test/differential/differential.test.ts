// The fast path against the slow one: the same random frames through both, compared byte by byte, and count by count.
// VNET_DIFFERENTIAL_FRAMES sets how many for each underlay (1,000 by default), VNET_SEED which.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type GuestFrame, guestFrames } from './random-frames.ts'
import { type Observed, TwoPaths, type Underlay } from './two-paths.ts'

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

const perSide = (underlay: Underlay) => {
  const test = suite<{ world: TwoPaths }>(`both paths over IPv${underlay}`)
  test.before(async (context) => {
    context.world = new TwoPaths(underlay)
    await context.world.listen()
  })
  test.after(({ world }) => world.close())

  const batches = (world: TwoPaths): GuestFrame[][] => {
    const frames = fc.sample(guestFrames(world.target), { seed: seed + underlay, numRuns: total })
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
      compare(await world.observe(batch, 'fast', world.forget), slow, `seed ${seed}, batch ${index}`)
    }
  })
  test.run()
}

for (const underlay of [4, 6] as const) perSide(underlay)
