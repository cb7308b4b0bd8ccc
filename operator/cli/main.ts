#!/usr/bin/env node
// `kubectl vnet`: options → client → one command.
import { parseArgs } from 'node:util'
import { systemClock } from '#runtime/clock.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import { join } from './join.ts'
import { readOverlay } from './overlay.ts'
import { pathText } from './path.ts'
import { isReady, statusText } from './status.ts'
import { topologyText } from './topology.ts'

const USAGE = `Usage: kubectl vnet COMMAND

  status [--wait] [--timeout 60s]      whether the overlay is well, and if not, what is the matter
  topology [NETWORK]                   a picture of the overlay: clusters, bridges, links, VMs
  path VM VM [-n NAMESPACE]            the way of frames between two VMs, hop by hop (VM: a name, or CLUSTER/NAME)
       [--network NAME]
  join CLUSTER [--server URL]          let a cluster in; prints the Secret to apply in that cluster
       [--expiry 30d]                it must be applied before it expires; the member renews it by itself

Options of all commands
  --kubeconfig FILE, --context NAME    as for kubectl
  --system-namespace NAME              namespace of the release (default vnet-system)
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wait: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '60s' },
    namespace: { type: 'string', short: 'n', default: 'default' },
    network: { type: 'string' },
    server: { type: 'string' },
    expiry: { type: 'string', default: '30d' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    'system-namespace': { type: 'string', default: 'vnet-system' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const seconds = (text: string): number => {
  const [, amount, unit = 's'] = /^(\d+)([smhd])?$/.exec(text) ?? []
  if (!amount) throw new Error(`"${text}" is no duration: write 30s, 5m, 24h or 30d`)
  return Number(amount) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's' | 'm' | 'h' | 'd']
}

const run = async (): Promise<void> => {
  const [command, ...names] = positionals
  if (values.help || !command) return console.log(USAGE)
  const config = loadKubeConfig({
    ...(values.kubeconfig ? { path: values.kubeconfig } : {}),
    ...(values.context ? { context: values.context } : {}),
  })
  const client = new KubeClient({ config, fieldManager: 'kubectl-vnet' })
  const overlay = () => readOverlay(client, values['system-namespace'])
  const deadline = AbortSignal.timeout(seconds(values.timeout) * 1000)
  const waitUntil = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    while (!(await condition())) {
      if (deadline.aborted) throw new Error(`waited ${values.timeout} for ${what}`)
      await systemClock.sleep(500)
    }
  }
  if (command === 'status') {
    let last = await overlay()
    while (values.wait && !isReady(last) && !deadline.aborted) {
      await systemClock.sleep(1000)
      last = await overlay()
    }
    console.log(statusText(last))
    process.exitCode = isReady(last) ? 0 : 1
  } else if (command === 'topology') {
    console.log(topologyText(await overlay(), names[0]))
  } else if (command === 'path') {
    const [from, to] = names
    if (!from || !to) throw new Error('path needs two VMs: kubectl vnet path db web -n team-a')
    console.log(pathText(await overlay(), { from, to, namespace: values.namespace, network: values.network }))
  } else if (command === 'join') {
    const [cluster] = names
    if (!cluster) throw new Error('join needs the name of the cluster: kubectl vnet join west')
    const hub = config.getCurrentCluster()
    const server = values.server ?? hub?.server ?? ''
    const tokenSeconds = seconds(values.expiry)
    console.log(
      await join({
        client,
        cluster,
        server,
        certificateAuthority: hub?.caData,
        tokenSeconds,
        namespace: values['system-namespace'],
        waitUntil,
      }),
    )
  } else {
    throw new Error(`there is no command "${command}"\n\n${USAGE}`)
  }
}

try {
  await run()
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
