// From options and clients to the roles of this process.
import { FIELD_MANAGERS } from '#crds/group.ts'
import type { Clock } from '#runtime/clock.ts'
import type { EventRecorder } from '#runtime/events.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import type { KubeConfig } from '#runtime/kube-config.ts'
import { LeaderElector } from '#runtime/leader-election.ts'
import type { Logger } from '#runtime/logging.ts'
import type { Metrics } from '#runtime/metrics.ts'
import type { Options } from '#runtime/options.ts'
import { hubControllers } from './hub/controllers.ts'
import { epochFloor } from './hub/epoch-floor.ts'
import { hubInformers } from './hub/informers.ts'
import { memberControllers } from './member/controllers.ts'
import { type HubAccess, hubSecretInformers, readHubAccess } from './member/hub-access.ts'
import { HubGate } from './member/hub-gate.ts'
import { memberInformers } from './member/informers.ts'
import type { operatorOptions } from './options.ts'
import type { Role } from './role.ts'

export type OperatorOptions = Options<(typeof operatorOptions)['flags']>

export type OperatorDeps = {
  config: KubeConfig
  options: OperatorOptions
  version: string
  clock: Clock
  logger: Logger
  metrics: Metrics
  events: EventRecorder
}

const HUB_RETRY_MS = 5_000

const electorOf = (
  { options, logger, metrics, clock }: OperatorDeps,
  client: KubeClient,
  { name, floor }: { name: string; floor?: () => number },
): LeaderElector =>
  new LeaderElector({
    client,
    name,
    namespace: options.namespace,
    leaseDurationMs: options.leaseDuration,
    renewDeadlineMs: (options.leaseDuration * 2) / 3,
    retryPeriodMs: options.leaseDuration / 8,
    clock,
    logger,
    metrics,
    ...(options.identity ? { identity: options.identity } : {}),
    ...(floor ? { epochFloor: floor } : {}),
  })

export const hubRole = (deps: OperatorDeps): Role => {
  const { config, options, clock, logger, metrics, events } = deps
  const client = new KubeClient({ config, fieldManager: FIELD_MANAGERS.hub })
  const { cluster, udpPort } = options
  const hubDeps = { client, cluster, udpPort, clock, logger, metrics, events }
  const informers = hubInformers(hubDeps)
  return {
    informers,
    elector: electorOf(deps, client, { name: 'vnet-hub', floor: () => epochFloor(informers) }),
    controllers: (epoch) => hubControllers(hubDeps, { informers, epoch }),
  }
}

/** A cluster that has not been joined yet waits for its Secret. */
const waitForHubAccess = async (deps: OperatorDeps, local: KubeClient, signal: AbortSignal): Promise<HubAccess> => {
  let said = ''
  for (;;)
    try {
      return await readHubAccess(local, deps.options.namespace, deps.options.cluster, signal)
    } catch (error) {
      signal.throwIfAborted()
      const { message } = error as Error
      if (message !== said) deps.logger.warn({ reason: message }, 'there is no access to the hub yet; waiting for it')
      said = message
      await deps.clock.sleep(HUB_RETRY_MS, signal)
    }
}

export const memberRole = async (deps: OperatorDeps, signal: AbortSignal): Promise<Role> => {
  const { config, options, version, clock, logger, metrics, events } = deps
  const { cluster, namespace } = options
  const local = new KubeClient({ config, fieldManager: FIELD_MANAGERS.member })
  const access = options.hubKubeconfigSecret ? await waitForHubAccess(deps, local, signal) : undefined
  const hub = access ? new KubeClient({ config: access.config, fieldManager: FIELD_MANAGERS.member }) : local
  const gate = new HubGate({ local, hub, cluster, clock, logger, metrics, access })
  const memberDeps = { local, hub, cluster, namespace, clock, logger, metrics, events, gate }
  const informers = memberInformers(memberDeps)
  const { mailboxNetworks, mailboxBridges, mailboxSlices, ...essential } = informers
  const hubSecrets = access ? hubSecretInformers(memberDeps, access) : {}
  return {
    informers: { ...informers, ...hubSecrets, hubGate: gate },
    // While the hub is away, a member that starts anew serves its own cluster.
    essential: Object.values(essential),
    checks: [() => gate.readiness],
    elector: electorOf(deps, local, { name: 'vnet-member' }),
    controllers: () => memberControllers(memberDeps, { informers, version, access }),
  }
}
