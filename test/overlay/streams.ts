// Streams of numbered frames, and what of them arrived.
import * as assert from 'uvu/assert'
import type { Received } from '#test/lab/frames.ts'
import type { Vm } from '#test/lab/vm.ts'

/** The fast path carries IP alone; the programs look no further into these frames than at their EtherType and protocol (0 here). */
const IPV4 = 0x0800

/** Frames each millisecond from one VM to another while `action` runs: what the receiver saw. */
export const during = async (
  from: Vm,
  to: Vm,
  action: () => Promise<unknown>,
): Promise<Received & { sent: number }> => {
  const receiver = await to.receiveFrames({ etherType: IPV4 })
  const sender = await from.sendFrames({ etherType: IPV4, to: await to.mac(), periodMicroseconds: 1000 })
  let sent = 0
  try {
    await action()
  } finally {
    sent = (await sender.stop()).sent
    await pushThrough(from, await to.mac())
  }
  return { ...(await receiver.stop()), sent }
}

/** Sends frames of another stream after those that matter: when they have left, the earlier ones have been delivered, or never will be. */
const pushThrough = async (from: Vm, to?: string): Promise<void> => {
  const marker = await from.sendFrames({ ...(to ? { to } : {}), stream: 99, count: 100, periodMicroseconds: 3000 })
  await marker.ended()
}

/** Nothing lost, nothing twice; the stream went on to its end. */
export const assertUnharmed = (seen: Received & { sent: number }, what: string): void => {
  const summary = `${what}: ${JSON.stringify(seen)}`
  assert.is(seen.overruns, 0, summary)
  assert.ok(seen.received > 100, summary)
  assert.is(seen.lost, 0, summary)
  assert.is(seen.duplicated, 0, summary)
  assert.is(seen.first, 1, summary)
  assert.ok(seen.last >= seen.sent - 5, summary)
}

/** How often each of the others received each of `count` frames that one VM sent to a group address or to all. */
export const copies = async (
  from: Vm,
  others: Vm[],
  { to, count = 50 }: { to?: string; count?: number } = {},
): Promise<Received[]> => {
  const receivers = await Promise.all(others.map((vm) => vm.receiveFrames()))
  const sender = await from.sendFrames({ ...(to ? { to } : {}), count, periodMicroseconds: 2000 })
  await sender.ended()
  await pushThrough(from, to)
  return await Promise.all(receivers.map((receiver) => receiver.stop()))
}

/** Each VM's broadcasts reach each other VM exactly once. */
export const assertOneCopyEach = async (vms: Vm[], options: { to?: string } = {}): Promise<void> => {
  const count = 50
  for (const from of vms) {
    const others = vms.filter((vm) => vm !== from)
    for (const [index, seen] of (await copies(from, others, { ...options, count })).entries()) {
      const summary = `${from.pod} to ${others[index]?.pod}: ${JSON.stringify(seen)}`
      assert.is(seen.received - seen.duplicated, count, summary)
      assert.is(seen.duplicated, 0, summary)
    }
  }
}
