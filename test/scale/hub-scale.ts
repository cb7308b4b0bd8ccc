// The hub's publication and statuses at scale.
import { setImmediate } from 'node:timers/promises'
import { until } from '#runtime/until.ts'
import { watchBlocks } from './block-watch.ts'
import { type ScaleOptions, ScaleWorld } from './scale-world.ts'

export type ScaleResult = {
  /** From the start of the controllers until every bridge has programmed every network. */
  firstReconcileMs: number
  /** From a new node until all others have a link to it. */
  newNodeMs: number
  /** Longest time that the event loop did not turn because of us. */
  longestBlockMs: number
  /** Networks that were looked at because members were heard of. */
  heartbeatReconciles: number
  peakMegabytes: number
  specBytes: number
  writes: number
}

const HEARTBEATS = 3

const reconcilesOf = async ({ metrics }: ScaleWorld): Promise<number> => {
  const { values } = await metrics.reconcileSeconds.get()
  return values
    .filter(({ metricName, labels }) => metricName?.endsWith('_count') && labels.controller === 'hub.network')
    .reduce((sum, { value }) => sum + value, 0)
}

/** Resolves when nobody has done anything for a while. */
const quiet = async (world: ScaleWorld): Promise<void> => {
  let seen = -1
  await until(
    async () => {
      const count = world.writes + (await reconcilesOf(world))
      const isQuiet = count === seen
      seen = count
      await new Promise((resolve) => setTimeout(resolve, 200))
      return isQuiet
    },
    { timeoutMs: 60_000 },
  )
}

/** Runs one world: all from nothing, then one more node, then heartbeats alone. */
export const measureHub = async (options: ScaleOptions): Promise<ScaleResult> => {
  let peakMegabytes = 0
  const world = new ScaleWorld(options)
  const converge = async (): Promise<number> => {
    const startedMs = performance.now()
    await until(
      () => {
        peakMegabytes = Math.max(peakMegabytes, process.memoryUsage.rss() / 2 ** 20)
        return world.isConverged()
      },
      { timeoutMs: 600_000 },
    )
    return performance.now() - startedMs
  }
  const blocks = watchBlocks()
  world.start()
  const firstReconcileMs = await converge()
  world.addNode()
  const newNodeMs = await converge()
  await quiet(world)
  const before = await reconcilesOf(world)
  for (let beat = 0; beat < HEARTBEATS; beat++)
    for (const cluster of world.clusters()) {
      world.beat(cluster)
      await setImmediate()
    }
  const heartbeatReconciles = (await reconcilesOf(world)) - before
  const longestBlockMs = blocks.end()
  const { writes } = world
  const specBytes = world.specBytes()
  await world.end()
  return { firstReconcileMs, newNodeMs, longestBlockMs, heartbeatReconciles, peakMegabytes, specBytes, writes }
}
