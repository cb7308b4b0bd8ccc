// The chart as Helm renders it; what it does in a cluster is shown by test/e2e.
import { execFileSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAllDocuments } from 'yaml'

type Manifest = {
  kind: string
  metadata: { name: string; annotations?: Record<string, string> }
  rules?: { verbs: string[]; resources: string[]; apiGroups: string[] }[]
  spec?: { template?: { spec: { containers: { args?: string[]; image: string }[] } } }
}

const CHART = import.meta.dirname
const helm = (...args: string[]): string =>
  execFileSync('helm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const render = (...args: string[]): string => helm('template', 'vnet', CHART, '--namespace', 'vnet-system', ...args)
const manifests = (...args: string[]): Manifest[] =>
  parseAllDocuments(render('--set', 'cluster.name=east', ...args)).map((document) => document.toJS() as Manifest)
const named = (list: Manifest[], kind: string): string[] =>
  list.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name)
const failure = (...args: string[]): string => {
  try {
    render(...args)
  } catch (error) {
    return String((error as { stderr: string }).stderr)
  }
  return 'rendered'
}

test('passes helm lint', () => {
  assert.match(helm('lint', '--strict', CHART, '--set', 'cluster.name=east'), '0 chart(s) failed')
})

test('renders to the same bytes each time', () => {
  assert.is(render('--set', 'cluster.name=east'), render('--set', 'cluster.name=east'))
})

for (const [args, message] of [
  [[], 'cluster.name is required: --set cluster.name=east'],
  [['--set', 'cluster.name=East'], "at '/cluster/name'"],
  [['--set', 'cluster.name=east', '--set', 'agent.udpPort=70000'], "at '/agent/udpPort'"],
  [['--set', 'cluster.name=east', '--set', 'agnet.udpPort=1'], "'agnet'"],
  [['--set', 'cluster.name=east', '--set', 'operator.logLevel=loud'], "at '/operator/logLevel'"],
  [['--set', 'cluster.name=east', '--set', 'agent.cniDirectory=cni'], "at '/agent/cniDirectory'"],
] as [string[], string][])
  test(`refuses ${args.filter((arg) => arg !== '--set').join(' ') || 'no values'}`, () => {
    assert.match(failure(...args), message)
  })

test('a hub has both roles, a member one, and the way to the hub', () => {
  const argsOf = (list: Manifest[]): string[] =>
    list.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec.containers[0]?.args ?? []
  assert.ok(argsOf(manifests()).includes('--roles=hub,member'))
  const member = manifests('--set', 'hub.enabled=false')
  assert.ok(argsOf(member).includes('--roles=member'))
  assert.ok(argsOf(member).includes('--hub-kubeconfig-secret=vnet-hub'))
  assert.not.ok(named(member, 'ClusterRole').includes('vnet-operator-hub'))
})

test('CRDs come with the chart and stay when it goes, unless values say otherwise', () => {
  const crds = manifests().filter(({ kind }) => kind === 'CustomResourceDefinition')
  assert.is(crds.length, 6)
  for (const { metadata } of crds) assert.is(metadata.annotations?.['helm.sh/resource-policy'], 'keep')
  const fleeting = manifests('--set', 'crds.keep=false').find(({ kind }) => kind === 'CustomResourceDefinition')
  assert.is(fleeting?.metadata.annotations?.['helm.sh/resource-policy'], undefined)
  assert.equal(named(manifests('--set', 'crds.enabled=false'), 'CustomResourceDefinition'), [])
})

test('no role has a wildcard, and none but the hub makes namespaces or roles', () => {
  for (const { kind, metadata, rules = [] } of manifests()) {
    for (const { verbs, resources, apiGroups } of rules) {
      assert.not.ok([...verbs, ...resources, ...apiGroups].includes('*'), `${kind} ${metadata.name}`)
      if (metadata.name !== 'vnet-operator-hub')
        assert.not.ok(
          resources.some((resource) => ['roles', 'rolebindings', 'serviceaccounts'].includes(resource)),
          metadata.name,
        )
    }
  }
})

test('each admission policy is bound, and they can be left out', () => {
  const all = manifests()
  assert.equal(named(all, 'ValidatingAdmissionPolicy').sort(), named(all, 'ValidatingAdmissionPolicyBinding').sort())
  assert.is(named(all, 'ValidatingAdmissionPolicy').length, 5)
  assert.equal(named(manifests('--set', 'admissionPolicies.enabled=false'), 'ValidatingAdmissionPolicy'), [])
})

test('one operator needs no disruption budget', () => {
  assert.is(named(manifests(), 'PodDisruptionBudget').length, 1)
  assert.is(named(manifests('--set', 'operator.replicas=1'), 'PodDisruptionBudget').length, 0)
})

test.run()
