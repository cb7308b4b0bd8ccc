// Frames through the overlay, against the kernel's own VXLAN and against no overlay at all, alternately in one run.
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { tableText, toRow, writeResults } from '../report.ts'
import { type Case, chooseCases, nameOf, type Overlay } from './cases.ts'
import { measureFlatness } from './flatness.ts'
import { comparisonsOf } from './goals.ts'
import { joinByKernel } from './kernel-vxlan.ts'
import { buildUdpRate } from './measure.ts'
import { parseOptions, USAGE } from './options.ts'
import { isPeer, PEERS } from './peers/index.ts'
import { joinByBridge } from './plain-bridge.ts'
import { runRounds } from './rounds.ts'
import { joinByVnet } from './vnet-overlay.ts'
import { sweep, World } from './world.ts'

const options = (() => {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    process.exit(2)
  }
})()
const VXLAN_OVERHEAD = 50

const abort = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort(new Error(`ended by ${name}`)))
const { signal } = abort

sweep()
const cases = chooseCases(options)
const program = buildUdpRate()
const bpffs = mountBpffs()

const overheadOf = (overlay: Overlay): number => {
  if (overlay === 'bridge') return 0
  return isPeer(overlay) ? PEERS[overlay].overhead : VXLAN_OVERHEAD
}

const join = async (world: World, overlay: Overlay): Promise<void> => {
  if (overlay === 'bridge') joinByBridge(world)
  else if (overlay === 'kernel') joinByKernel(world)
  else if (isPeer(overlay)) await PEERS[overlay].join(world)
  else joinByVnet(world, { path: overlay === 'vnet-fast' ? 'fast' : 'slow', bpffs, networks: 1, otherMacs: 0 })
}

const build = async ({ role, overlay, wire }: Case): Promise<World> => {
  const world = new World({ wire, relay: role === 'relay', overhead: overheadOf(overlay), pairs: 1, signal })
  try {
    await join(world, overlay)
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

try {
  const { rounds, quick } = options
  const { series, failures } = await runRounds({ cases, rounds, quick, program, build, signal, say: console.error })
  const comparisons = cases.flatMap((it) =>
    [...series.values()]
      .filter((entry) => entry.case === nameOf(it))
      .flatMap((entry) => comparisonsOf(it, entry, series)),
  )
  if (options.flatness)
    for (const path of options.paths) {
      const flat = await measureFlatness({ path, rounds, quick, program, bpffs, signal, say: console.error })
      comparisons.push(...flat.comparisons)
      failures.push(...flat.failures)
    }
  const rows = comparisons.map(toRow)
  console.log(tableText(rows))
  for (const { case: name, round, error } of failures) console.log(`FAILED in round ${round}: ${name}: ${error}`)
  console.log(`written: ${writeResults('dataplane', { rounds, rows, failures })}`)
  if (failures.length > 0) process.exitCode = 1
} catch (error) {
  if (!signal.aborted) throw error
  console.error((signal.reason as Error).message)
  process.exitCode = 130
} finally {
  bpffs.close()
}
