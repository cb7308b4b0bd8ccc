// Puts the agent together: options → kernel, client, informers → the parts that run.
import { release } from 'node:os'
import { FIELD_MANAGERS } from '#crds/group.ts'
import { systemClock } from '#runtime/clock.ts'
import { EventRecorder } from '#runtime/events.ts'
import { HealthServer } from '#runtime/health.ts'
import { Informer } from '#runtime/informer.ts'
import { KubeClient } from '#runtime/kube-client.ts'
import { loadKubeConfig } from '#runtime/kube-config.ts'
import type { Logger } from '#runtime/logging.ts'
import { createMetrics } from '#runtime/metrics.ts'
import type { Options } from '#runtime/options.ts'
import { NetworkEndpointSlices, NodeBridges } from '#runtime/overlay-resources.ts'
import type { Part } from '#runtime/run-all.ts'
import { CniResults } from '../kernel/cni-results.ts'
import { readCounters } from '../kernel/counters.ts'
import { readNodeFacts } from '../kernel/node-facts.ts'
import type { NodeKernel } from '../kernel/node-kernel.ts'
import { preflight } from '../kernel/preflight.ts'
import type { agentOptions } from '../options.ts'
import { Agent } from './agent.ts'
import { AgentMetrics } from './agent-metrics.ts'
import { Instructions } from './instructions.ts'
import { NodeIdentity } from './node-identity.ts'
import { Reconciler } from './reconcile.ts'
import { StateFile } from './state-file.ts'
import { StatusWriter } from './status-writer.ts'

export type AssembleInput = {
  options: Options<(typeof agentOptions)['flags']> & { readonly nodeName: string }
  kernel: NodeKernel
  version: string
  logger: Logger
}

/** Everything that runs in an agent, by name. */
export const assemble = ({ options, kernel, version, logger }: AssembleInput): Record<string, Part> => {
  const { nodeName, namespace } = options
  const clock = systemClock
  const metrics = createMetrics({ processMetrics: true })
  const client = new KubeClient({
    config: loadKubeConfig(options.kubeconfig === undefined ? {} : { path: options.kubeconfig }),
    fieldManager: FIELD_MANAGERS.agent,
    userAgent: `vnet-agent/${version}`,
  })
  const bridges = new Informer({
    client,
    resource: NodeBridges,
    namespace,
    fieldSelector: `metadata.name=${nodeName}`,
    logger,
    metrics,
  })
  const slices = new Informer({ client, resource: NetworkEndpointSlices, namespace, logger, metrics })
  const key = `${namespace}/${nodeName}`
  const current = () => bridges.lister.get(key)
  const identity = new NodeIdentity({
    client,
    nodeName,
    nodeUID: options.nodeUid,
    onChange: () => agent.trigger(),
    clock,
    logger,
  })
  const results = new CniResults(options.cniResults)
  const file = new StateFile(options.stateDir)
  const reconciler = new Reconciler({
    kernel,
    programs: kernel.sets.digest,
    results,
    hints: () => [...results.problems, ...[kernel.ledger.problem, file.problem].flatMap((it) => it ?? [])],
    preflight: () => preflight(options.bpfDir, kernel.ledger),
    facts: (interfaces, nodeUID) =>
      readNodeFacts({ nodeIPs: options.nodeIp, underlayInterface: options.underlayInterface, nodeUID }, interfaces),
    udpPort: options.udpPort,
    fastPath: options.fastPath,
    kernelVersion: release(),
    agentVersion: version,
  })
  const events = new EventRecorder({
    client,
    reportingController: 'vnet.dev/agent',
    reportingInstance: nodeName,
    logger,
  })
  const agent = new Agent({
    instructions: new Instructions({
      file,
      key,
      bridges,
      slices,
      nodeUID: () => identity.uid,
    }),
    reconciler,
    statusWriter: new StatusWriter({ client, namespace, nodeName, current, clock, random: Math.random, logger }),
    results,
    agentMetrics: new AgentMetrics({
      registry: metrics.registry,
      counters: () => (kernel.sets.hasMaps ? readCounters(kernel.sets.mapsFolder) : undefined),
    }),
    events,
    current,
    clock,
    logger,
    metrics,
  })
  bridges.onChange(agent.trigger)
  slices.onChange(agent.trigger)
  const health = new HealthServer({
    host: options.healthHost,
    port: options.healthPort,
    registry: metrics.registry,
    logger,
  })
  health.addReadinessCheck('node', () => agent.readiness)
  health.addLivenessCheck('loop', () => agent.liveness)
  const heard = async (informer: { synced(signal: AbortSignal): Promise<void> }, stop: AbortSignal): Promise<void> => {
    await informer.synced(stop).then(agent.trigger, () => {})
  }
  return {
    bridges: async (stop) => void (await Promise.all([bridges.run(stop), heard(bridges, stop)])),
    slices: async (stop) => void (await Promise.all([slices.run(stop), heard(slices, stop)])),
    identity: (stop) => identity.run(stop),
    agent: (stop) => agent.run(stop),
    events: (stop) => events.run(stop),
    health: (stop) => health.run(stop),
  }
}
