// Frames through the overlay, against the kernel's own VXLAN and against no overlay at all, alternately in one run.
import { join as joinPath } from 'node:path'
import { mountBpffs } from '#daemonset/native/test-bpffs.ts'
import { tableText, toRow, writeResults } from '../report.ts'
import { type Case, chooseCases, nameOf, type Overlay } from './cases.ts'
import { flatnessComparisons, measureFlatness } from './flatness.ts'
import { comparisonsOf } from './goals.ts'
import { joinByKernel } from './kernel-vxlan.ts'
import { buildUdpRate } from './measure.ts'
import { parseOptions, USAGE } from './options.ts'
import { isPeer, PEERS } from './peers/index.ts'
import { joinByBridge } from './plain-bridge.ts'
import { measurePrograms, programComparisons } from './program-times.ts'
import { Recorded } from './recorded.ts'
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
const roundsFile = joinPath(import.meta.dirname, '../results/dataplane-rounds.json')

const abort = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort(new Error(`ended by ${name}`)))
const { signal } = abort

sweep()
const cases = chooseCases(options)
const allCases = chooseCases({ paths: ['slow', 'fast'], peers: true, only: [] })
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
  else {
    const path = overlay === 'vnet-slow' ? 'slow' : 'fast'
    joinByVnet(world, { path, counts: overlay !== 'vnet-uncounted', bpffs, networks: 1, otherMacs: 0 })
  }
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
  const recorded = options.more ? Recorded.read(roundsFile) : new Recorded()
  const failures = await runRounds({ cases, rounds, recorded, quick, program, build, signal, say: console.error })
  if (options.flatness)
    for (const path of options.paths)
      failures.push(
        ...(await measureFlatness({ path, rounds, recorded, quick, program, bpffs, signal, say: console.error })),
      )
  if (options.programs)
    failures.push(...(await measurePrograms({ rounds, recorded, quick, program, build, signal, say: console.error })))
  recorded.write(roundsFile)
  const comparisons = allCases.flatMap((it) =>
    recorded.ofCase(nameOf(it)).flatMap((series) => comparisonsOf(it, series, recorded)),
  )
  const rows = [...comparisons, ...flatnessComparisons(recorded), ...programComparisons(recorded)].map(toRow)
  console.log(tableText(rows))
  for (const { case: name, round, error } of failures) console.log(`FAILED in round ${round}: ${name}: ${error}`)
  const allRounds = recorded.lastRound((name) => /^(link|relay) /.test(name))
  console.log(`written: ${writeResults('dataplane', { rounds: allRounds, rows, failures })}`)
  if (failures.length > 0) process.exitCode = 1
} catch (error) {
  if (!signal.aborted) throw error
  console.error((signal.reason as Error).message)
  process.exitCode = 130
} finally {
  bpffs.close()
}
