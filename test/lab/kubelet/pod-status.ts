import type { Pod } from '#runtime/resources.ts'
import { type ContainerRecord, containerStatus, now } from './container-state.ts'
import type { PodPlace } from './pod-fields.ts'

export type PodStatus = NonNullable<Pod['status']>
type PodCondition = NonNullable<PodStatus['conditions']>[number]

export type PodProgress = {
  place: PodPlace
  startTime: string
  /** Network and volumes are there. */
  prepared: boolean
  init: readonly ContainerRecord[]
  initialized: boolean
  containers: readonly ContainerRecord[]
  /** The pod ends or has ended and no container will start again. */
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
  /** Why it cannot go on, for people. */
  message: string | undefined
}

/** The status that the kubelet owes; conditions that others wrote (PodScheduled, DisruptionTarget) are kept. */
export const podStatus = (current: PodStatus | undefined, progress: PodProgress): PodStatus => {
  const { place, startTime, phase, init, containers, prepared, initialized, message } = progress
  const done = phase === 'Succeeded' || phase === 'Failed'
  const notReady = containers.filter(({ ready }) => !ready).map(({ name }) => name)
  const isReady = initialized && !done && notReady.length === 0
  const readiness = {
    status: isReady ? 'True' : 'False',
    ...(isReady ? {} : { reason: done ? 'PodCompleted' : 'ContainersNotReady' }),
    ...(isReady || done ? {} : { message: `containers with unready status: [${notReady.join(' ')}]` }),
  }
  const statements: Omit<PodCondition, 'lastTransitionTime'>[] = [
    { type: 'PodReadyToStartContainers', status: prepared ? 'True' : 'False', ...(message ? { message } : {}) },
    { type: 'Initialized', status: initialized ? 'True' : 'False', ...(done ? { reason: 'PodCompleted' } : {}) },
    { type: 'ContainersReady', ...readiness },
    { type: 'Ready', ...readiness },
  ]
  return {
    phase,
    startTime,
    hostIP: place.hostIPs[0],
    hostIPs: place.hostIPs.map((ip) => ({ ip })),
    ...(prepared ? { podIP: place.podIPs[0], podIPs: place.podIPs.map((ip) => ({ ip })) } : {}),
    conditions: mergeConditions(current?.conditions ?? [], statements),
    ...(init.length > 0 ? { initContainerStatuses: init.map(containerStatus) } : {}),
    containerStatuses: containers.map(containerStatus),
  }
}

const mergeConditions = (
  current: readonly PodCondition[],
  statements: readonly Omit<PodCondition, 'lastTransitionTime'>[],
): PodCondition[] => {
  const own = new Set(statements.map(({ type }) => type))
  return [
    ...current.filter(({ type }) => !own.has(type)),
    ...statements.map((statement) => {
      const before = current.find(({ type }) => type === statement.type)
      const changed = before?.status !== statement.status
      return { ...statement, lastTransitionTime: changed ? now() : (before?.lastTransitionTime ?? now()) }
    }),
  ]
}

/** Succeeded when every container ended with 0. */
export const finalPhase = (codes: readonly number[]): 'Succeeded' | 'Failed' =>
  codes.every((code) => code === 0) ? 'Succeeded' : 'Failed'
