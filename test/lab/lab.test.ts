import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readDescription } from './description.ts'
import { type Laboratory, startLaboratory } from './lab.ts'
import { namespacePrefix } from './run-state.ts'
import { mountsUnder } from './sweep.ts'
import { checkout } from './tools.ts'
import { waitUntil } from './wait-until.ts'

let lab: Laboratory

test.before(async () => {
  const began = performance.now()
  lab = await startLaboratory(await readDescription(join(checkout, 'test/lab/labs/two-clusters.yaml')))
  console.log(`two clusters of two nodes started in ${((performance.now() - began) / 1000).toFixed(1)} s`)
})

test.after(async () => {
  await lab?.stop()
})

const workloads = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: default}
data: {colour: green}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 5
      volumes: [{name: settings, configMap: {name: settings}}]
      containers:
        - name: web
          image: vnet.dev/lab-shell:1
          command: [python3, -m, http.server, --directory, /srv/settings, "8080"]
          env:
            - {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
            - {name: GREETING, value: "at $(ADDRESS)"}
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /colour, port: http}}
          volumeMounts: [{name: settings, mountPath: /srv/settings, readOnly: true}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: default}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      hostNetwork: true
      terminationGracePeriodSeconds: 5
      volumes:
        - {name: state, hostPath: {path: /run/vnet, type: DirectoryOrCreate}}
        - {name: bpf, hostPath: {path: /sys/fs/bpf, type: Directory}}
      containers:
        - name: agent
          image: vnet.dev/lab-shell:1
          command: [bash, -c, 'trap "exit 0" TERM; echo "$NODE" >/run/vnet/node; touch /left-behind; sleep infinity & wait']
          env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          volumeMounts:
            - {name: state, mountPath: /run/vnet}
            - {name: bpf, mountPath: /sys/fs/bpf}
`

test('rolls out a Deployment and a DaemonSet', async () => {
  const east = lab.cluster('east')
  await east.apply(workloads)
  const [web] = await east.waitForPods('default', { labelSelector: 'app=web', count: 2 })
  const agents = await east.waitForPods('default', { labelSelector: 'app=agent', count: 2 })
  assert.equal(agents.map(({ spec }) => spec?.nodeName).sort(), ['node-1', 'node-2'])
  assert.is(agents[0]!.status?.podIP, lab.node(`east/${agents[0]!.spec?.nodeName}`).addresses.ipv4)

  const pod = `default/${web!.metadata?.name}`
  const node = lab.node(`east/${web!.spec?.nodeName}`)
  const { stdout } = await node.runners(pod)[0]!.exec(['printenv', 'GREETING'])
  assert.is(stdout.trim(), `at ${web!.status?.podIP}`)
  // The default network: from the other cluster's node no route leads to a pod, from the pod one leads there.
  const far = lab.node('west/node-1')
  const ping = await node.runners(pod)[0]!.exec(['ping', '-c1', '-W2', far.addresses.ipv4])
  assert.is(ping.code, 0, ping.stdout)
  assert.match(await east.kubectl(['logs', web!.metadata?.name ?? '']), 'GET /colour')
})

test('gives each node its own hostPath, and keeps what a container writes elsewhere to itself', () => {
  for (const name of ['node-1', 'node-2']) {
    assert.is(readFileSync(lab.node(`east/${name}`).file('run/vnet/node'), 'utf8').trim(), name)
  }
  assert.not(existsSync('/left-behind'))
})

test('restarts a container that is killed, and rolls a DaemonSet over', async () => {
  const east = lab.cluster('east')
  const [agent] = await east.pods('default', 'app=agent')
  const node = lab.node(`east/${agent!.spec?.nodeName}`)
  node.kill(`default/${agent!.metadata?.name}`, 'agent')
  await waitUntil(
    async () => {
      const pods = await east.pods('default', 'app=agent')
      const status = pods.find(({ metadata }) => metadata?.uid === agent!.metadata?.uid)?.status?.containerStatuses?.[0]
      return status?.ready && status.restartCount === 1 && status.lastState?.terminated?.exitCode === 137
    },
    { what: 'the killed container runs again' },
  )
  await east.kubectl(['rollout', 'restart', 'daemonset/agent'])
  await east.kubectl(['rollout', 'status', 'daemonset/agent', '--timeout=90s'])
  const after = await east.pods('default', 'app=agent')
  assert.not(after.some(({ metadata }) => metadata?.uid === agent!.metadata?.uid && !metadata?.deletionTimestamp))
})

test('mounts a token that names the pod and its node', async () => {
  const east = lab.cluster('east')
  const [pod] = await east.pods('default', 'app=web')
  const runner = lab.node(`east/${pod!.spec?.nodeName}`).runners(`default/${pod!.metadata?.name}`)[0]!
  const account = '/var/run/secrets/kubernetes.io/serviceaccount'
  const script = `kubectl --server https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT \
    --certificate-authority ${account}/ca.crt --token "$(cat ${account}/token)" auth whoami -o json`
  const { stdout, stderr, code } = await runner.exec(['bash', '-c', script])
  assert.is(code, 0, stderr)
  const { userInfo } = (JSON.parse(stdout) as { status: { userInfo: UserInfo } }).status
  assert.is(userInfo.username, 'system:serviceaccount:default:default')
  assert.equal(userInfo.extra['authentication.kubernetes.io/pod-name'], [pod!.metadata?.name])
  assert.equal(userInfo.extra['authentication.kubernetes.io/node-name'], [pod!.spec?.nodeName])
})

type UserInfo = { username: string; extra: Record<string, string[]> }

test('runs a Job to completion and reports one that fails', async () => {
  const east = lab.cluster('east')
  const job = (name: string, script: string): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}, namespace: default}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      initContainers: [{name: first, image: vnet.dev/lab-shell, command: ["true"]}]
      containers: [{name: only, image: vnet.dev/lab-shell, command: [bash, -c, "${script}"]}]
---`
  await east.apply(job('good', 'echo done') + job('bad', 'exit 3'))
  await east.kubectl(['wait', '--for=condition=Complete', 'job/good', '--timeout=60s'])
  await east.kubectl(['wait', '--for=condition=Failed', 'job/bad', '--timeout=60s'])
  const [bad] = await east.pods('default', 'job-name=bad')
  assert.is(bad!.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3)
  const [good] = await east.pods('default', 'job-name=good')
  assert.is(await east.logs(`default/${good!.metadata?.name}`, 'only'), 'done\n')
})

test('says which images it knows when it does not know one', async () => {
  const east = lab.cluster('east')
  await east.kubectl(['run', 'stranger', '--image=example.com/unknown:1', '--restart=Never'])
  const message = await waitUntil(
    async () => {
      const pods = await east.pods('default')
      const stranger = pods.find(({ metadata }) => metadata?.name === 'stranger')
      const waiting = stranger?.status?.containerStatuses?.[0]?.state?.waiting
      return waiting?.reason === 'ErrImagePull' && waiting.message
    },
    { what: 'the unknown image is reported' },
  )
  assert.match(message, /example\.com\/unknown:1; the laboratory knows .*vnet\.dev\/lab-vm/)
  await east.kubectl(['delete', 'pod', 'stranger', '--timeout=30s'])
})

test('joins nodes of different sites by the underlay, which can be cut silently', async () => {
  const [here, there] = [lab.node('east/node-1'), lab.node('west/node-2')]
  const ping = async (address: string): Promise<boolean> =>
    (await here.exec(['ping', '-n', '-c1', '-W1', address])).code === 0
  assert.ok(await ping(there.addresses.ipv4))
  assert.ok(await ping(there.addresses.ipv6))
  await lab.underlay.faults.cut('east/node-1', 'west/node-2')
  assert.not(await ping(there.addresses.ipv4))
  assert.not(await ping(there.addresses.ipv6))
  assert.ok(await ping(lab.node('west/node-1').addresses.ipv4), 'other nodes are not affected')
  await lab.underlay.faults.restore('east/node-1', 'west/node-2')
  assert.ok(await ping(there.addresses.ipv4))
})

test('cuts a cluster off from an API server and lets it back', async () => {
  const server = `https://127.0.0.1:${lab.cluster('east').controlPlane.port}/readyz`
  const curl = ['curl', '-sk', '-m', '2', '-o', '/dev/null', server]
  const reaches = async (node: string): Promise<boolean> => (await lab.node(node).exec(curl)).code === 0
  assert.ok(await reaches('west/node-1'))
  for (const how of ['silent', 'reset'] as const) {
    await lab.access.cut({ cluster: 'west', server: 'east', how })
    assert.not(await reaches('west/node-1'))
    assert.ok(await reaches('east/node-1'))
    await lab.access.restore({ cluster: 'west', server: 'east' })
    assert.ok(await reaches('west/node-1'))
  }
})

test('keeps pods running while the API server is killed, and goes on when it is back', async () => {
  const east = lab.cluster('east')
  const [pod] = await east.pods('default', 'app=web')
  const runner = lab.node(`east/${pod!.spec?.nodeName}`).runners(`default/${pod!.metadata?.name}`)[0]!
  await east.apiServer.kill()
  assert.is((await runner.exec(['true'])).code, 0)
  east.apiServer.start()
  await east.controlPlane.ready()
  await east.kubectl(['scale', 'deployment/web', '--replicas=1'])
  await waitUntil(async () => (await east.pods('default', 'app=web')).length === 1, { what: 'the Deployment shrank' })
})

test('leaves no namespace, process or mount behind', async () => {
  const { id, folder, processes } = lab.state
  assert.ok(processes.length > 10)
  await lab.stop()
  assert.not(existsSync(folder))
  assert.equal(
    readdirSync('/run/netns').filter((name) => name.startsWith(namespacePrefix(id))),
    [],
  )
  assert.equal(mountsUnder(folder), [])
  assert.equal(processesNaming(folder), [])
})

// Programs of the laboratory have its folder on their command line.
const processesNaming = (folder: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((command) => command.includes(folder))

test.run()
