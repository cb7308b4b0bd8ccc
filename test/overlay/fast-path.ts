// Which data path a test runs on, and the proof that it does: VNET_FAST_PATH=Auto (the default) or Disabled.
import * as assert from 'uvu/assert'
import { NodeBridges } from '#runtime/overlay-resources.ts'
import type { LabCluster } from '#test/lab/lab-cluster.ts'
import type { LabNode } from '#test/lab/lab-node.ts'
import { waitUntil } from '#test/lab/wait-until.ts'

/** Value of `agent.fastPath` in the chart. */
export const fastPathUnderTest = process.env.VNET_FAST_PATH ?? 'Auto'

/** Every node says in its status that it is on the path under test, and why. */
export const assertFastPath = async (hub: LabCluster): Promise<void> => {
  const expected = fastPathUnderTest === 'Disabled' ? 'Off SwitchedOff Tunnel' : 'On InUse Inlet'
  const said = async (): Promise<string[]> =>
    (await hub.client.list(NodeBridges, {})).items.map(
      ({ status }) => `${status?.fastPath?.state} ${status?.fastPath?.reason} ${status?.fastPath?.receive}`,
    )
  await waitUntil(async () => (await said()).every((text) => text === expected), {
    what: `every NodeBridge has fastPath '${expected}'`,
    timeoutMs: 60_000,
  }).catch(async (cause) => {
    throw new Error(`fastPath of the NodeBridges: ${(await said()).join(', ')}`, { cause })
  })
}

const METRICS_PORT = 14790

/** `vnet_frames_total` of a node's agent, by `direction path`. */
const frameCounts = async (node: LabNode): Promise<Map<string, number>> => {
  const { stdout } = await node.exec(['curl', '-sS', '-m', '5', `http://127.0.0.1:${METRICS_PORT}/metrics`])
  const lines = stdout.matchAll(/^vnet_frames_total\{direction="(\w+)",path="(\w+)"\} (\d+)/gm)
  return new Map([...lines].map(([, direction, path, count]) => [`${direction} ${path}`, Number(count)]))
}

/** Frames in this direction have taken the path under test; with the fast path off, none was fast. */
export const assertFramesOn = async (node: LabNode, direction: 'sent' | 'received' | 'relayed'): Promise<void> => {
  const counts = await frameCounts(node)
  const summary = `${node.key}: ${JSON.stringify([...counts])}`
  const path = fastPathUnderTest === 'Disabled' ? 'slow' : 'fast'
  assert.ok((counts.get(`${direction} ${path}`) ?? 0) > 0, `no frame was ${direction} on the ${path} path; ${summary}`)
  if (path === 'slow') assert.is(counts.get(`${direction} fast`) ?? 0, 0, summary)
}
