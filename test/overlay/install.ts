// vnet in a laboratory, installed as a user would: the real Helm, the chart, `kubectl vnet join`, and no administrator's token inside.

import type { Laboratory } from '#test/lab/lab.ts'
import type { LabCluster } from '#test/lab/lab-cluster.ts'
import { waitUntil } from '#test/lab/wait-until.ts'

export const SYSTEM_NAMESPACE = 'vnet-system'

export type InstallOptions = {
  /** Cluster that is the hub; the first one when omitted. */
  hub?: string
  onProgress?: (line: string) => void
  /** Further values, as `--set` takes them. */
  values?: string[]
}

/** Installs the chart in one cluster. */
export const installChart = (
  cluster: LabCluster,
  { isHub, values = [] }: { isHub: boolean; values?: string[] },
): Promise<string> =>
  cluster.helm([
    'install',
    'vnet',
    'charts/vnet',
    '--namespace',
    SYSTEM_NAMESPACE,
    '--create-namespace',
    ...[`cluster.name=${cluster.name}`, `hub.enabled=${isHub}`, ...values].flatMap((value) => ['--set', value]),
  ])

/** Lets `member` join the hub: `kubectl vnet join` there, `kubectl apply` here. */
export const joinCluster = async (hub: LabCluster, member: LabCluster): Promise<void> => {
  const secret = await hub.kubectl(['vnet', 'join', member.name, '--timeout', '120s'])
  await member.kubectl(['apply', '-f', '-'], { input: secret })
}

/** Resolves when `kubectl vnet status` says that everything is ready. */
export const waitForOverlay = async (hub: LabCluster, timeout = '180s'): Promise<string> =>
  hub.kubectl(['vnet', 'status', '--wait', '--timeout', timeout], { timeoutMs: 400_000 })

/** The chart in all clusters, all joined to the hub and ready. */
export const installOverlay = async (
  lab: Laboratory,
  { hub: hubName, onProgress = () => {}, values }: InstallOptions = {},
): Promise<LabCluster> => {
  const hub = hubName === undefined ? lab.clusters[0]! : lab.cluster(hubName)
  const members = lab.clusters.filter((cluster) => cluster !== hub)
  await Promise.all(
    lab.clusters.map((cluster) => installChart(cluster, { isHub: cluster === hub, ...(values ? { values } : {}) })),
  )
  onProgress(`helm install in ${lab.clusters.map(({ name }) => name).join(' and ')}`)
  for (const member of members) {
    await joinCluster(hub, member)
    onProgress(`${member.name} joined the hub ${hub.name}`)
  }
  const nodes = lab.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0)
  await waitUntil(async () => (await bridgeCount(hub)) === nodes, {
    what: `${nodes} bridges are known to the hub`,
    timeoutMs: 180_000,
    intervalMs: 500,
  })
  await waitForOverlay(hub)
  onProgress(`${nodes} bridges are ready`)
  return hub
}

const bridgeCount = async (hub: LabCluster): Promise<number> =>
  (await hub.kubectl(['get', 'nodebridges', '-A', '-l', 'kubernetes.io/hostname', '-o', 'name']))
    .split('\n')
    .filter(Boolean).length
