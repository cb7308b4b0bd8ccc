// The operator: options → dependencies → roles → run.
import { hostname } from 'node:os'
import { FIELD_MANAGERS } from '#crds/group.ts'
import { systemClock } from '#runtime/clock.ts'
import { EventRecorder } from '#runtime/events.ts'
import { HealthServer } from '#runtime/health.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import { createLogger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import { optionsOrExit } from '#runtime/options.ts'
import { runAll } from '#runtime/run-all.ts'
import { shutdownSignal } from '#runtime/shutdown.ts'
import packageJson from '../package.json' with { type: 'json' }
import { operatorOptions } from './options.ts'
import { type Role, roleReadiness, runRole } from './role.ts'
import { hubRole, memberRole } from './roles.ts'

const options = optionsOrExit(operatorOptions)
const logger = createLogger({ level: options.logLevel, name: 'vnet-operator' }).child({ cluster: options.cluster })
const metrics = createMetrics({ processMetrics: true })
const signal = shutdownSignal({ logger })
const config = loadKubeConfig({ path: options.kubeconfig })
const events = new EventRecorder({
  client: new KubeClient({ config, fieldManager: FIELD_MANAGERS.member }),
  reportingController: 'vnet.dev/operator',
  reportingInstance: options.identity ?? hostname(),
  logger,
})
const health = new HealthServer({
  port: options.healthPort,
  host: options.healthHost,
  registry: metrics.registry,
  logger,
})
const deps = { config, options, version: packageJson.version, clock: systemClock, logger, metrics, events }

const run = async (name: string, role: Role, stop: AbortSignal): Promise<void> => {
  health.addReadinessCheck(name, roleReadiness(role))
  await runRole(role, stop)
}

await runAll(signal, {
  events: (stop) => events.run(stop),
  health: (stop) => health.run(stop),
  ...(options.roles.includes('hub') ? { hub: (stop) => run('hub', hubRole(deps), stop) } : {}),
  ...(options.roles.includes('member')
    ? { member: async (stop) => run('member', await memberRole(deps, stop), stop) }
    : {}),
})
