#!/usr/bin/env node
// `vnet-uninstall`: what the chart runs before it is removed.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { systemClock } from '#runtime/clock.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import { createLogger } from '#runtime/logging.ts'
import { defineOptions, optionsOrExit } from '#runtime/options.ts'
import { uninstall } from './uninstall.ts'

const options = optionsOrExit(
  defineOptions({
    command: 'vnet-uninstall',
    description: 'Ends the operator and the agents of this cluster and returns each node to what it was.',
    flags: {
      namespace: {
        type: 'string',
        env: 'POD_NAMESPACE',
        default: 'vnet-system',
        description: 'Namespace of the release.',
      },
      manifest: { type: 'string', required: true, description: 'File with the DaemonSet that cleans a node.' },
      timeout: { type: 'duration', default: '120s', description: 'How long to wait for each step.' },
      hub: { type: 'boolean', description: 'This is the hub: leave VirtualNetworks alone, remove the mailboxes.' },
    },
  }),
)

const logger = createLogger({ level: 'info', name: 'uninstall' })
const signal = AbortSignal.timeout(2 * options.timeout)
const waitUntil = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
  logger.info({ operation: what }, 'waiting')
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.timeout)])
  while (!(await condition())) await systemClock.sleep(500, deadline)
}

await uninstall({
  client: new KubeClient({ config: loadKubeConfig(), fieldManager: 'vnet-uninstall' }),
  namespace: options.namespace,
  cleanup: parse(readFileSync(options.manifest, 'utf8')),
  isHub: options.hub ?? false,
  logger,
  signal,
  waitUntil,
})
logger.info('the cluster is as it was')
process.exit(0)
