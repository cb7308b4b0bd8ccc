import { readdirSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkDescription } from './description.ts'
import { type Laboratory, startLaboratory } from './lab.ts'
import { waitUntil } from './wait-until.ts'

const description = checkDescription(
  { sites: [{ name: 'here' }], clusters: [{ name: 'solo', nodes: [{ name: 'node-1' }] }] },
  'vm.test.ts',
)
const vmObjects = [1, 2]
  .map(
    (number) => `
apiVersion: v1
kind: Pod
metadata:
  name: vm-${number}
  namespace: default
  annotations:
    k8s.v1.cni.cncf.io/networks: '[{"name": "blue", "mac": "02:00:00:00:00:0${number}"}]'
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: vm
      image: vnet.dev/lab-vm
      env: [{name: VM_ADDRESSES, value: 10.20.0.${number}/24 fd00:20::${number}/64}]
`,
  )
  .join('---')
const network = `
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: blue, namespace: default}
spec:
  config: '{"cniVersion": "0.3.1", "name": "blue", "type": "bridge", "bridge": "vnblue", "mtu": 1400,
    "disableContainerInterface": true, "ipam": {}}'
`

let lab: Laboratory

test.before(async () => {
  lab = await startLaboratory(description)
})
test.after(async () => {
  await lab?.stop()
})

test('attaches VMs by Multus and the bridge plugin, which report and record it', async () => {
  const solo = lab.cluster('solo')
  await solo.apply(network)
  await solo.apply(vmObjects)
  const vm = await lab.vm('solo', 'default/vm-1')
  const status = (await vm.object()).metadata?.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]'
  const attached = (JSON.parse(status) as { name: string; interface?: string; mac?: string }[]).find(
    ({ name }) => name === 'default/blue',
  )
  assert.is(attached?.interface, 'net1')
  assert.is(attached?.mac, '02:00:00:00:00:01')
  assert.is(await vm.mac(), '02:00:00:00:00:01')
  const results = readdirSync(lab.node('solo/node-1').file('var/lib/cni/multus/results'))
  assert.is(results.filter((name) => name.startsWith('blue-')).length, 2)
})

test('VMs ping each other and count frames', async () => {
  const [one, two] = [await lab.vm('solo', 'default/vm-1'), await lab.vm('solo', 'default/vm-2')]
  assert.is(await one.ping('10.20.0.2', 3), 3)
  assert.is(await one.ping('fd00:20::2', 1), 1)
  const receiver = await two.receiveFrames()
  const sender = await one.sendFrames({ count: 300 })
  assert.equal(await sender.ended(), { sent: 300, refused: 0 })
  const seen = await receiver.stop()
  assert.is(seen.overruns, 0)
  assert.is(seen.received, 300)
  assert.is(seen.lost + seen.duplicated + seen.reordered, 0)
  const stopped = new AbortController()
  two.spawn(['iperf3', '-s'], stopped.signal)
  const listening = ['bash', '-c', 'until ss -Hltn sport = 5201 | grep -q .; do sleep 0.1; done']
  assert.is((await two.exec(listening, { timeoutMs: 10_000 })).code, 0)
  assert.ok((await one.iperf3('10.20.0.2', ['-t', '1'])) > 1e6)
  stopped.abort()
  await waitUntil(async () => (await two.exec(['pgrep', '-x', 'iperf3'])).code === 1, { what: 'iperf3 has ended' })
})

test('a node looks as before once its pods are gone, except for the bridge that the plugin leaves', async () => {
  const node = lab.node('solo/node-1')
  await lab.cluster('solo').kubectl(['delete', 'pod', 'vm-1', 'vm-2', '--timeout=60s'])
  const before = await node.snapshot()
  await lab.cluster('solo').apply(vmObjects)
  await Promise.all([lab.vm('solo', 'default/vm-1'), lab.vm('solo', 'default/vm-2')])
  await lab.cluster('solo').kubectl(['delete', 'pod', 'vm-1', 'vm-2', '--timeout=60s'])
  assert.equal(await node.snapshot(), before)
  assert.is((before.links as { ifname: string }[]).filter(({ ifname }) => ifname === 'vnblue').length, 1)
  await node.exec(['ip', 'link', 'delete', 'vnblue'])
  assert.not.equal(await node.snapshot(), before)
})

test.run()
