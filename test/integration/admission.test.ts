// Good and bad objects against the real API server, with our CRDs and the chart's admission policies: what users see when they err.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { until } from '#runtime/until.ts'
import { ControlPlane, freePort } from '#test/lab/control-plane.ts'
import { run, runOrThrow } from '#test/lab/processes.ts'
import { RunState } from '#test/lab/run-state.ts'
import { removeRun } from '#test/lab/sweep.ts'
import { checkout } from '#test/lab/tools.ts'
import { badObjects, badUpdates, goodObjects } from './admission-table.ts'

type World = {
  plane: ControlPlane
  state: RunState
  kubectl: (args: string[], input?: string) => Promise<{ code: number; stdout: string; stderr: string }>
}

const admission = suite<World>('admission')

admission.before(async (world) => {
  const state = RunState.create()
  const plane = new ControlPlane(state, { cluster: 'east', port: await freePort(new Set()) })
  plane.apiServer.start()
  await plane.ready()
  const kubectl: World['kubectl'] = (args, input) =>
    run(['kubectl', '--kubeconfig', plane.kubeconfig, ...args], { input })
  const chart = await runOrThrow(
    [
      'helm',
      'template',
      'vnet',
      'charts/vnet',
      '-n',
      'vnet-system',
      '--set',
      'cluster.name=east',
      '--show-only',
      'templates/crds.yaml',
      '--show-only',
      'templates/admission-policies.yaml',
      '--show-only',
      'templates/operator-rbac.yaml',
    ],
    { cwd: checkout },
  )
  await kubectl(['create', 'namespace', 'vnet-system'])
  assert.is((await kubectl(['apply', '-f', '-'], chart)).code, 0)
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  Object.assign(world, { plane, state, kubectl })
  await until(async () => (await kubectl(['get', 'vnet,olink,mcluster,netclass,nbridge,neps'])).code === 0, {
    timeoutMs: 60_000,
  })
})
admission.after(async ({ plane, state }) => {
  await plane.stop()
  await removeRun(state)
})

const apply = ({ kubectl }: World, object: object) =>
  kubectl(['apply', '--server-side', '--field-manager=user', '-f', '-'], JSON.stringify(object))

for (const [what, object] of goodObjects)
  admission(`takes ${what}`, async (world) => {
    const { code, stderr } = await apply(world, object)
    assert.is(code, 0, stderr)
  })

for (const [what, object, ...messages] of badObjects)
  admission(`refuses ${what}`, async (world) => {
    const { code, stderr } = await apply(world, object)
    assert.is.not(code, 0, 'the object was accepted')
    for (const message of messages) assert.match(stderr, message)
  })

for (const [what, object, patch, message] of badUpdates)
  admission(`refuses to change ${what}`, async (world) => {
    assert.is((await apply(world, object)).code, 0)
    const { kind, metadata } = object as { kind: string; metadata: { name: string; namespace?: string } }
    const namespace = metadata.namespace ? ['-n', metadata.namespace] : []
    const { code, stderr } = await world.kubectl([
      'patch',
      kind,
      metadata.name,
      ...namespace,
      '--type=merge',
      '-p',
      JSON.stringify(patch),
    ])
    assert.is.not(code, 0, 'the change was accepted')
    assert.match(stderr, message)
  })

admission('fills in the defaults', async (world) => {
  await apply(world, {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'plain', namespace: 'default' },
    spec: {},
  })
  const { stdout } = await world.kubectl([
    'get',
    'vnet',
    'plain',
    '-o',
    'jsonpath={.spec.className} {.spec.topology.type}',
  ])
  assert.is(stdout, 'default Mesh')
})

admission('explains each kind', async ({ kubectl }) => {
  for (const field of [
    'vnet.spec',
    'vnet.spec.topology.star.hubs',
    'olink.spec',
    'mcluster.spec.sites',
    'netclass.spec',
  ])
    assert.match((await kubectl(['explain', field])).stdout, /DESCRIPTION:\s+\S+/, field)
})

admission('the short name lists networks alone, the category everything', async ({ kubectl }) => {
  assert.not.match((await kubectl(['get', 'vnet', '-A', '-o', 'name'])).stdout, 'overlaylink')
  assert.match((await kubectl(['get', 'overlay', '-A', '-o', 'name'])).stdout, 'overlaylink')
})

admission('a member speaks for its own VMs alone, and leaves what the hub says of others', async ({ kubectl }) => {
  const member = ['--as=system:serviceaccount:vnet-cluster-west:member', '--as-group=system:masters']
  const mailbox = ['-n', 'vnet-cluster-west']
  assert.is((await kubectl(['create', 'namespace', 'vnet-cluster-west'])).code, 0)
  const slice = (cluster: string): string =>
    JSON.stringify({
      apiVersion: 'internal.vnet.dev/v1alpha1',
      kind: 'NetworkEndpointSlice',
      metadata: { name: `team-a.blue.${cluster}.0`, namespace: 'vnet-cluster-west' },
      spec: { network: 'team-a/blue', cluster, endpoints: [] },
    })
  const made = await kubectl(['create', '-f', '-'], slice('east'))
  assert.is(made.code, 0, made.stderr)
  const refused = 'may speak for its own VMs alone'
  assert.match((await kubectl(['create', ...member, '-f', '-'], slice('north'))).stderr, refused)
  assert.match((await kubectl(['delete', 'neps', 'team-a.blue.east.0', ...mailbox, ...member])).stderr, refused)
  const patch = ['patch', 'neps', 'team-a.blue.east.0', '--type=merge', '-p', '{"spec":{"cluster":"west"}}']
  assert.match((await kubectl([...patch, ...mailbox, ...member])).stderr, refused)
  const own = await kubectl(['create', ...member, '-f', '-'], slice('west'))
  assert.is(own.code, 0, own.stderr)
  assert.is((await kubectl(['delete', 'neps', 'team-a.blue.west.0', ...mailbox, ...member])).code, 0)
})

admission('a copy of a network cannot be changed by users', async (world) => {
  const labels = { 'vnet.dev/projected': 'true' }
  const { stderr } = await apply(world, {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'copy', namespace: 'default', labels },
    spec: {},
  })
  assert.match(stderr, 'change the original in its own namespace')
})

admission('what a copy says stays, but others may have to do with its finalizers', async (world) => {
  const labels = { 'vnet.dev/projected': 'true' }
  const object = {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'held', namespace: 'default', labels, finalizers: ['example.org/held'] },
    spec: { clusters: ['east'] },
  }
  const asOperator = ['--as=system:serviceaccount:vnet-system:vnet-operator', '--as-group=system:masters']
  const created = await world.kubectl([...asOperator, 'create', '-f', '-'], JSON.stringify(object))
  assert.is(created.code, 0, created.stderr)
  const patch = (change: object) =>
    world.kubectl(['patch', 'vnet', 'held', '--type=merge', '-p', JSON.stringify(change)])
  for (const change of [
    { spec: { clusters: ['west'] } },
    { metadata: { labels: { 'vnet.dev/projected': null } } },
    { metadata: { annotations: { 'internal.vnet.dev/origin-uid': 'another' } } },
  ])
    assert.match((await patch(change)).stderr, 'change the original', JSON.stringify(change))
  assert.is((await patch({ metadata: { labels: { mine: 'yes' } } })).code, 0)
  assert.is((await world.kubectl(['delete', 'vnet', 'held', '--wait=false'])).code, 0)
  const released = await patch({ metadata: { finalizers: null } })
  assert.is(released.code, 0, released.stderr)
  assert.match((await world.kubectl(['get', 'vnet', 'held'])).stderr, 'not found')
})

admission('nobody makes a copy of a network that is not one', async (world) => {
  const spec = {}
  const metadata = { name: 'own-network', namespace: 'default' }
  await apply(world, { apiVersion: 'vnet.dev/v1alpha1', kind: 'VirtualNetwork', metadata, spec })
  const change = JSON.stringify({ metadata: { labels: { 'vnet.dev/projected': 'true' } } })
  const { stderr } = await world.kubectl(['patch', 'vnet', 'own-network', '--type=merge', '-p', change])
  assert.match(stderr, 'change the original')
})

admission("the operator keeps its token for the hub, and leaves the user's alone", async ({ kubectl }) => {
  const asOperator = ['-n', 'vnet-system', '--as=system:serviceaccount:vnet-system:vnet-operator']
  const apply = (name: string, token: string) => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { token } }
    return kubectl([...asOperator, 'apply', '--server-side', '-f', '-'], JSON.stringify(secret))
  }
  for (const token of ['first', 'second']) {
    const { code, stderr } = await apply('vnet-hub-token', token)
    assert.is(code, 0, stderr)
  }
  assert.match((await apply('vnet-hub', 'another')).stderr, 'forbidden')
  assert.match((await apply('else', 'another')).stderr, 'forbidden')
  assert.is((await kubectl([...asOperator, 'get', 'secret', 'vnet-hub-token'])).code, 0)
})

admission.run()
