import { isGuestPort } from './desired-devices.ts'
import { isOwned, type ObservedState } from './observed-state.ts'
import { deviceStep, type Operation } from './operation.ts'

export type Cleanup = {
  readonly operations: readonly Operation[]
  /** Devices of ours that somebody else has put something into. */
  readonly kept: readonly string[]
}

const placeOf = (key: string): { device: string; direction: 'ingress' | 'egress' } => {
  const slash = key.lastIndexOf('/')
  return { device: key.slice(0, slash), direction: key.slice(slash + 1) as 'ingress' | 'egress' }
}

/** The steps that return a node to what it was before the agent came. Interfaces of VMs are the CNI plugin's, and stay, down. */
export const cleanupOperations = (observed: Omit<ObservedState, 'tables'>): Cleanup => {
  const { owned, filters, interfaces } = observed
  const places = new Set([
    ...filters.filter(({ program }) => program !== undefined).map(({ device, direction }) => `${device}/${direction}`),
    ...Object.keys(owned.filters),
    // A discipline whose filters are gone already.
    ...Object.keys(owned.qdiscs).map((device) => `${device}/ingress`),
  ])
  const isShared = (device: string): boolean => interfaces.some((it) => it.master === device && !isGuestPort(it))
  const ours = interfaces.filter((found) => isOwned(observed, found)).map(({ name }) => name)
  const kept = ours.filter(isShared)
  // A VM's interface that is left alone in the host would speak to its IP stack. One that is a port of another's bridge is theirs.
  const guests = interfaces
    .filter((it) => isGuestPort(it) && (it.master === undefined || ours.includes(it.master)))
    .filter(({ name }) => filters.some(({ device, program }) => device === name && program === 'port_ingress'))
    .map(({ name }) => name)
  const lowered = new Set([...kept, ...guests])
  const deleted = new Set(ours.filter((device) => !isShared(device)))
  const operations: Operation[] = [
    // A device takes its programs along. One that stays must not be up without them: it would speak to the host's own IP stack.
    ...[...lowered].map((device): Operation => ({ type: 'LowerDevice', subject: device, device })),
    ...[...deleted].map((device): Operation => ({ type: 'DeleteDevice', subject: device, device })),
    ...[...places].map(placeOf).flatMap((place): Operation[] => {
      if (deleted.has(place.device)) return []
      const needs = lowered.has(place.device) ? { needs: [deviceStep(place.device)] } : {}
      return [{ type: 'DetachProgram', subject: place.device, ...place, ...needs }]
    }),
    ...(owned.notrack ? [{ type: 'RemoveNotrack', subject: 'notrack' } as const] : []),
  ]
  return { operations, kept }
}
