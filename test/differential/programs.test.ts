// Random frames and datagrams to every program, while the tables change: nothing reaches a port or a neighbour of another network, what
// is not ours goes on as it came, nothing of a guest escapes, and every byte is counted once.
// VNET_FUZZ_FRAMES sets how many (20,000 by default), VNET_SEED which.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { fromTunnel, fromUnderlay } from './arrivals.ts'
import { Court } from './court.ts'
import { fromPort, toUnderlay } from './departures.ts'
import { OneBridge } from './one-bridge.ts'
import { Random } from './random.ts'

const total = Number(process.env.VNET_FUZZ_FRAMES ?? 20_000)
const seed = Number(process.env.VNET_SEED ?? Date.now() % 1_000_000)
/** Each as often as it stands here. */
const KINDS = [fromPort, fromPort, fromPort, fromPort, fromUnderlay, fromUnderlay, fromUnderlay, fromTunnel, toUnderlay]
const FRAMES_PER_CHANGE = 200
const FRAMES_PER_RESTORATION = 1000
const FRAMES_PER_BRIDGE = 100_000

const test = suite('programs')
const bpffs = mountBpffs()
test.after(() => bpffs.close())

test(`${total} frames (seed ${seed})`, () => {
  const random = new Random(seed)
  const paths = { sent: 0, received: 0, relayed: 0, inlet: 0 }
  for (let done = 0; done < total; done += FRAMES_PER_BRIDGE) {
    const bridge = new OneBridge(bpffs, `programs${done}`)
    const court = new Court(bridge, random)
    for (let index = 0; index < Math.min(FRAMES_PER_BRIDGE, total - done); index++) {
      if (random.oneIn(FRAMES_PER_CHANGE)) bridge.change(random)
      if (random.oneIn(FRAMES_PER_RESTORATION)) bridge.restore()
      if (random.oneIn(20)) bridge.wait(random)
      try {
        random.of(KINDS)(court)
      } catch (cause) {
        throw new Error(`seed ${seed}, frame ${done + index}: ${(cause as Error).stack}\n${court.last}`, { cause })
      }
    }
    court.accounts.check(bridge)
    for (const path of ['sent', 'received', 'relayed', 'inlet'] as const) paths[path] += court.fast[path]
    bridge.close()
  }
  for (const [path, count] of Object.entries(paths))
    assert.ok(count > total / 1000, `only ${count} of ${total} frames were ${path} on the fast path`)
})

test.run()
