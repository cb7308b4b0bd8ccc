// `make demo`: two clusters, one Ethernet. Everything is real but the machines; everything is gone at the end.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readDescription } from '#test/lab/description.ts'
import { startLaboratory } from '#test/lab/lab.ts'
import { checkout } from '#test/lab/tools.ts'
import { installOverlay } from '#test/overlay/install.ts'
import { waitForNetwork } from '#test/overlay/network.ts'
import { playText } from './play-text.ts'
import { showOverlay } from './show-overlay.ts'
import { showTraffic } from './show-traffic.ts'

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
const began = performance.now()
const say = (line: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`)
const example = (...path: string[]): string => join(checkout, 'examples/two-clusters', ...path)

say('starting two Kubernetes clusters with two nodes each')
const lab = await startLaboratory(await readDescription(join(checkout, 'test/lab/labs/two-clusters.yaml')), {
  onProgress: say,
})
try {
  const hub = await installOverlay(lab, { onProgress: say })
  const [east, west] = [lab.cluster('east'), lab.cluster('west')]
  await east.kubectl(['apply', '-f', example('east/10-namespace.yaml'), '-f', example('east/20-network.yaml')])
  await west.kubectl(['apply', '-f', example('west/10-namespace.yaml')])
  say('applied the network team-a/blue: spec: {clusters: [east, west]}')
  await waitForNetwork(hub, 'team-a/blue')
  say('the network is ready in both clusters')
  await Promise.all(
    [east, west].map((cluster) => cluster.kubectl(['apply', '-f', example(cluster.name, '30-vms.yaml')])),
  )
  const vms = await Promise.all(
    [
      ['east', 'alice'],
      ['east', 'bob'],
      ['west', 'carol'],
      ['west', 'dave'],
    ].map(([cluster = '', name = '']) => lab.vm(cluster, `team-a/${name}`)),
  )
  say('four VMs run: alice and bob in east, carol and dave in west')
  const arrived = await showTraffic(vms, say)
  await showOverlay(hub)
  process.exitCode = arrived ? 0 : 1
  if (!values.once) {
    console.log(playText({ east: east.kubeconfig, west: west.kubeconfig, carol: vms[2]!.namespace }))
    // Until Ctrl-C, which the laboratory answers by removing everything.
    await new Promise(() => setInterval(() => {}, 2 ** 30))
  }
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  say('removing everything')
  await lab.stop()
}
