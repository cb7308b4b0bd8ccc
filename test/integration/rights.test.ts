// Who may do what, by the chart's admission policies and roles, against the real API server.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { IN_USE_FINALIZER } from '#crds/group.ts'
import { until } from '#runtime/until.ts'
import { run } from '#test/lab/processes.ts'
import { checkout } from '#test/lab/tools.ts'
import { apply, as, renderChart, startWorld, type World } from './admission-world.ts'

const rights = suite<World>('rights')
rights.before(async (world) => {
  Object.assign(world, await startWorld())
})
rights.after(({ end }) => end())

rights('a member speaks for its own VMs alone, and leaves what the hub says of others', async ({ kubectl }) => {
  const member = as('vnet-cluster-west:member')
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

rights('a copy of a network cannot be changed by users', async (world) => {
  const labels = { 'vnet.dev/projected': 'true' }
  const { stderr } = await apply(world, {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'copy', namespace: 'default', labels },
    spec: {},
  })
  assert.match(stderr, 'change the original in its own namespace')
})

rights('what a copy says stays, but others may have to do with its finalizers', async (world) => {
  const labels = { 'vnet.dev/projected': 'true' }
  const object = {
    apiVersion: 'vnet.dev/v1alpha1',
    kind: 'VirtualNetwork',
    metadata: { name: 'held', namespace: 'default', labels, finalizers: ['example.org/held'] },
    spec: { clusters: ['east'] },
  }
  const created = await world.kubectl([...as('vnet-system:vnet-operator'), 'create', '-f', '-'], JSON.stringify(object))
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
  const deleted = await world.kubectl([...as('vnet-system:vnet-operator'), 'delete', 'vnet', 'held', '--wait=false'])
  assert.is(deleted.code, 0, deleted.stderr)
  const released = await patch({ metadata: { finalizers: null } })
  assert.is(released.code, 0, released.stderr)
  assert.match((await world.kubectl(['get', 'vnet', 'held'])).stderr, 'not found')
})

const vnetManifest = (name: string, namespace: string): string =>
  JSON.stringify({ apiVersion: 'vnet.dev/v1alpha1', kind: 'VirtualNetwork', metadata: { name, namespace }, spec: {} })

/** Who may delete copies: whoever makes them, whoever takes vnet away, and the cluster itself when their namespace goes. */
const deleters = [
  'vnet-system:vnet-operator',
  'vnet-system:vnet-uninstall',
  'kube-system:namespace-controller',
  'kube-system:generic-garbage-collector',
]

const copiesStay = async ({ kubectl }: World, message: string): Promise<void> => {
  const labels = { 'vnet.dev/projected': 'true' }
  const kind = { apiVersion: 'vnet.dev/v1alpha1', kind: 'VirtualNetwork' }
  const copy = JSON.stringify({ ...kind, metadata: { name: 'copied', namespace: 'default', labels }, spec: {} })
  const all = '/apis/vnet.dev/v1alpha1/namespaces/default/virtualnetworks?labelSelector=vnet.dev/projected'
  for (const deleter of deleters) {
    const created = await kubectl([...as('vnet-system:vnet-operator'), 'create', '-f', '-'], copy)
    assert.is(created.code, 0, created.stderr)
    assert.match((await kubectl(['delete', 'vnet', 'copied'])).stderr, message)
    assert.match((await kubectl(['delete', '--raw', all])).stderr, message)
    const deleted = await kubectl([...as(deleter), 'delete', 'vnet', 'copied'])
    assert.is(deleted.code, 0, deleted.stderr)
  }
}

rights('a copy of a network cannot be deleted by users', async (world) => {
  await copiesStay(world, 'change or delete the original in its own namespace')
  const mailbox = ['-n', 'vnet-cluster-west']
  const inMailbox = vnetManifest('team-a.blue', 'vnet-cluster-west')
  const created = await world.kubectl([...as('vnet-system:vnet-operator'), 'create', '-f', '-'], inMailbox)
  assert.is(created.code, 0, created.stderr)
  const refused = await world.kubectl(['delete', 'vnet', 'team-a.blue', ...mailbox])
  assert.match(refused.stderr, 'change or delete the original')
  await apply(world, JSON.parse(vnetManifest('users-own', 'default')))
  const own = await world.kubectl(['delete', 'vnet', 'users-own'])
  assert.is(own.code, 0, own.stderr)
})

rights('nobody makes a copy of a network that is not one', async (world) => {
  const spec = {}
  const metadata = { name: 'own-network', namespace: 'default' }
  await apply(world, { apiVersion: 'vnet.dev/v1alpha1', kind: 'VirtualNetwork', metadata, spec })
  const change = JSON.stringify({ metadata: { labels: { 'vnet.dev/projected': 'true' } } })
  const { stderr } = await world.kubectl(['patch', 'vnet', 'own-network', '--type=merge', '-p', change])
  assert.match(stderr, 'change the original')
})

rights('in a member, networks are neither made nor deleted, but for what is no copy', async (world) => {
  const { kubectl } = world
  await apply(world, JSON.parse(vnetManifest('from-before', 'default')))
  const policies = await renderChart('templates/admission-policies.yaml', '--set', 'hub.enabled=false')
  assert.is((await kubectl(['apply', '-f', '-'], policies)).code, 0)
  const attempt = ['create', '--dry-run=server', '-f', '-']
  await until(async () => (await kubectl(attempt, vnetManifest('new', 'default'))).stderr.includes('made on the hub'))
  await copiesStay(world, 'delete the original there')
  const own = await kubectl(['delete', 'vnet', 'from-before'])
  assert.is(own.code, 0, own.stderr)
})

rights("the operator keeps its token for the hub, and leaves the user's alone", async ({ kubectl }) => {
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

rights(
  'a network that nobody lets go of any more can be deleted as the guide says',
  async ({ kubectl, kubeconfig }) => {
    const guide = readFileSync(join(checkout, 'docs/getting-started.md'), 'utf8')
    const command = /```\n(kubectl get vnet -A [^`]*finalizers[^`]*)```/.exec(guide)?.[1] ?? ''
    const network = JSON.parse(vnetManifest('in-use', 'default'))
    network.metadata.finalizers = [IN_USE_FINALIZER]
    const asOperator = as('vnet-system:vnet-operator')
    assert.is((await kubectl([...asOperator, 'create', '-f', '-'], JSON.stringify(network))).code, 0)
    await kubectl(['delete', 'vnet', 'in-use', '--wait=false'])
    assert.is((await kubectl(['get', 'vnet', 'in-use'])).code, 0)
    const released = await run(['bash', '-euc', command], { env: { ...process.env, KUBECONFIG: kubeconfig } })
    assert.is(released.code, 0, released.stderr)
    assert.match((await kubectl(['get', 'vnet', 'in-use'])).stderr, 'not found')
  },
)

rights.run()
