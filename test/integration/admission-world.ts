// For tests: the real API server with our CRDs, and the chart's admission policies and roles of the operator.
import * as assert from 'uvu/assert'
import { until } from '#runtime/until.ts'
import { ControlPlane, freePort } from '#test/lab/control-plane.ts'
import { run, runOrThrow } from '#test/lab/processes.ts'
import { RunState } from '#test/lab/run-state.ts'
import { removeRun } from '#test/lab/sweep.ts'
import { checkout } from '#test/lab/tools.ts'

export type World = {
  kubeconfig: string
  kubectl: (args: string[], input?: string) => Promise<{ code: number; stdout: string; stderr: string }>
  end: () => Promise<void>
}

export const renderChart = (template: string, ...args: string[]): Promise<string> =>
  runOrThrow(
    ['helm', 'template', 'vnet', 'charts/vnet', '-n', 'vnet-system', '--set', 'cluster.name=east', ...args].concat([
      '--show-only',
      template,
    ]),
    { cwd: checkout },
  )

/** What only the operator may make. */
const copy = JSON.stringify({
  apiVersion: 'vnet.dev/v1alpha1',
  kind: 'VirtualNetwork',
  metadata: { name: 'copy', namespace: 'default', labels: { 'vnet.dev/projected': 'true' } },
  spec: {},
})

export const startWorld = async (): Promise<World> => {
  const state = RunState.create()
  const plane = new ControlPlane(state, { cluster: 'east', port: await freePort(new Set()) })
  plane.apiServer.start()
  await plane.ready()
  const kubectl: World['kubectl'] = (args, input) =>
    run(['kubectl', '--kubeconfig', plane.kubeconfig, ...args], { input })
  const templates = ['crds', 'admission-policies', 'operator-rbac'].map((name) => `templates/${name}.yaml`)
  const chart = (await Promise.all(templates.map((template) => renderChart(template)))).join('---\n')
  await kubectl(['create', 'namespace', 'vnet-system'])
  assert.is((await kubectl(['apply', '-f', '-'], chart)).code, 0)
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  await until(async () => (await kubectl(['get', 'vnet,olink,mcluster,netclass,nbridge,neps'])).code === 0, {
    timeoutMs: 60_000,
  })
  // Policies take effect a moment after they are there.
  await until(async () => (await kubectl(['create', '--dry-run=server', '-f', '-'], copy)).code !== 0)
  const end = async (): Promise<void> => {
    await plane.stop()
    await removeRun(state)
  }
  return { kubeconfig: plane.kubeconfig, kubectl, end }
}

/** With all rights, so that admission alone decides. */
export const as = (account: string): string[] => [`--as=system:serviceaccount:${account}`, '--as-group=system:masters']

export const apply = ({ kubectl }: World, object: object) =>
  kubectl(['apply', '--server-side', '--field-manager=user', '-f', '-'], JSON.stringify(object))
