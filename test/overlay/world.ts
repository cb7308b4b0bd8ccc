// The laboratory that an end-to-end test file shares: started once, with vnet installed, and removed at the end.
import { join } from 'node:path'
import { readDescription } from '#test/lab/description.ts'
import { type Laboratory, startLaboratory } from '#test/lab/lab.ts'
import type { LabCluster } from '#test/lab/lab-cluster.ts'
import { checkout } from '#test/lab/tools.ts'
import { assertFastPath, fastPathUnderTest } from './fast-path.ts'
import { installOverlay } from './install.ts'

export type World = { lab: Laboratory; hub: LabCluster }

const began = performance.now()
/** Steps of a long test, so that a run is never silent. */
export const say = (line: string): void =>
  console.error(`  ${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`)

export const startLab = async (): Promise<Laboratory> =>
  await startLaboratory(await readDescription(join(checkout, 'test/e2e/lab.yaml')), { onProgress: say })

/** A laboratory with vnet in it, on the path that is under test, and the site `core` that is the node without VMs. */
export const startWorld = async (): Promise<World> => {
  const lab = await startLab()
  try {
    const hub = await installOverlay(lab, { onProgress: say, values: [`agent.fastPath=${fastPathUnderTest}`] })
    await assertFastPath(hub)
    await hub.kubectl([
      'patch',
      'mcluster',
      'east',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { sites: [{ name: 'core', nodeSelector: { matchLabels: { role: 'hub' } } }] } }),
    ])
    return { lab, hub }
  } catch (error) {
    await lab.stop()
    throw error
  }
}
