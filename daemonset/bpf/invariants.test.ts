// The invariants of the data plane while paths, flood trees and a MAC's home change: whatever the order of single map writes and of
// arrivals, no frame loops and none is delivered twice; in make-before-break order none is lost; when quiet each arrives once.
import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import type { Mac } from '#daemonset/wire/mac.ts'
import { changes, planWrites, type Write } from './test-change.ts'
import { broadcast } from './test-frames.ts'
import { guestMac, MOVING_PORT, movingMac, PORT, type Sent, TestOverlay } from './test-overlay.ts'

const BRIDGES = 4
const test = suite('invariants')
const bpffs = mountBpffs()
const overlay = new TestOverlay(bpffs, BRIDGES)
const numbers = [...overlay.bridges.keys()]
test.after(() => {
  overlay.close()
  bpffs.close()
})

/** Numbers that decide what comes next; 0 when they are used up. */
type Choose = () => number
const choices = fc.array(fc.nat(0xffff), { minLength: 40, maxLength: 240, size: 'max' })
const chooser = (list: readonly number[]): Choose => {
  let next = 0
  return () => list[next++] ?? 0
}
const take = <T>(list: T[], choose: Choose): T => list.splice(choose() % list.length, 1)[0]!

const targets = (from: number): Mac[] => [
  ...numbers.filter((bridge) => bridge !== from).map(guestMac),
  movingMac,
  broadcast,
]
const sendAny = (choose: Choose): Sent => {
  const from = choose() % BRIDGES
  const list = targets(from)
  return overlay.send(from, list[choose() % list.length]!)
}

/** Makes the writes that `nextWrite` gives one by one; between them frames are sent and copies arrive, as chosen. */
const play = (nextWrite: () => Write | undefined, choose: Choose): Sent[] => {
  const sent: Sent[] = []
  for (let write = nextWrite(); write; write = nextWrite()) {
    for (let step = choose() % 4; step > 0; step--) {
      if (overlay.flying > 0 && choose() % 2 === 0) overlay.arrive(choose())
      else sent.push(sendAny(choose))
    }
    write.apply()
  }
  return sent
}

/** Ports that a frame must reach when nothing changes, or may reach at all. */
const receivers = ({ from, destination }: Sent, homes: readonly number[]): string[] => {
  if (destination === broadcast) return numbers.filter((bridge) => bridge !== from).map((bridge) => `${bridge}/${PORT}`)
  if (destination === movingMac) return homes.map((home) => `${home}/${MOVING_PORT}`)
  return [`${numbers.find((bridge) => guestMac(bridge) === destination)}/${PORT}`]
}

const checkAtMostOnce = (sent: readonly Sent[], homes: readonly number[]): void => {
  for (const frame of sent) {
    const reached = overlay.deliveries.get(frame.id)!
    const allowed = receivers(frame, homes)
    assert.ok(
      reached.every((port) => allowed.includes(port)),
      `${frame.destination} reached ${reached}`,
    )
    if (frame.destination !== broadcast) assert.ok(reached.length <= 1, `${frame.destination} reached ${reached}`)
  }
}

const checkExactlyOnce = (sent: readonly Sent[], homes: readonly number[]): void => {
  checkAtMostOnce(sent, homes)
  for (const frame of sent)
    assert.is(
      overlay.deliveries.get(frame.id)!.length,
      frame.destination === movingMac ? 1 : receivers(frame, homes).length,
      `bridge ${frame.from} to ${frame.destination}`,
    )
}

/** Everybody sends to everybody while nothing changes. */
const checkQuiet = (home: number, choose: Choose): void => {
  const sent = numbers.flatMap((from) => targets(from).map((destination) => overlay.send(from, destination)))
  overlay.drain(choose)
  checkExactlyOnce(sent, [home])
}

test('in any order of writes, with any bridges frozen: no loop, at most one copy; exactly one when quiet', () => {
  fc.assert(
    fc.property(changes(BRIDGES), fc.subarray(numbers), choices, (change, frozen, list) => {
      const choose = chooser(list)
      const { prepare, supports, roots, moves, removals } = planWrites(overlay, change)
      prepare()
      const writes = [...supports, ...roots, ...moves, ...removals]
      const isLate = ({ bridge }: Write): boolean => frozen.includes(bridge)
      const [early, late] = [writes.filter((write) => !isLate(write)), writes.filter(isLate)]
      const next = (): Write | undefined => {
        const pending = early.length > 0 ? early : late
        return pending.length > 0 ? take(pending, choose) : undefined
      }
      const sent = play(next, choose)
      overlay.drain(choose)
      checkAtMostOnce(sent, [change.before.home, change.after.home])
      checkQuiet(change.after.home, choose)
    }),
    { numRuns: 200 },
  )
})

test('supports first, then roots, removals after the frames in flight: every frame arrives exactly once', () => {
  fc.assert(
    fc.property(changes(BRIDGES), choices, (change, list) => {
      const choose = chooser(list)
      const { prepare, supports, roots, moves, removals } = planWrites(overlay, change)
      prepare()
      const shuffled = (writes: Write[]) => (): Write | undefined =>
        writes.length > 0 ? take(writes, choose) : undefined
      const flip = (): Write | undefined =>
        moves.length > 0 && (roots.length === 0 || choose() % 2 === 0) ? moves.shift() : shuffled(roots)()
      const sent = [...play(shuffled(supports), choose), ...play(flip, choose)]
      overlay.drain(choose)
      sent.push(...play(shuffled(removals), choose))
      overlay.drain(choose)
      checkExactlyOnce(sent, [change.before.home, change.after.home])
      checkQuiet(change.after.home, choose)
    }),
    { numRuns: 200 },
  )
})

test.run()
