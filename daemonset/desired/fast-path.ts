import type { Interface, ObservedState } from './observed-state.ts'

/** What the administrator wants: `Strict` gives up the fast path where a rule of the host's firewall would not see its frames. */
export const FAST_PATH_MODES = ['Auto', 'Strict', 'Off'] as const
export type FastPathMode = (typeof FAST_PATH_MODES)[number]

export type FastPathInput = {
  readonly mode: FastPathMode
  readonly underlayDevice: string
  readonly observed: Pick<ObservedState, 'interfaces' | 'filters' | 'firewall'>
}

/** Whether frames may pass by the VXLAN device and the host's IP stack, and why not, as one word and a sentence. */
export type FastPath = { readonly isOn: boolean; readonly reason: string; readonly message: string }

type Subject = FastPathInput & { readonly underlay: Interface | undefined }
type Check = (subject: Subject) => Omit<FastPath, 'isOn'> | undefined

const checks: readonly Check[] = [
  ({ mode }) =>
    mode === 'Off' ? { reason: 'SwitchedOff', message: 'it is switched off by --fast-path=Off' } : undefined,
  ({ underlay }) =>
    underlay ? undefined : { reason: 'NoUnderlay', message: 'the interface towards the other nodes is not known' },
  // The outer header begins with an Ethernet header; WireGuard and other tunnels have none.
  ({ underlay }) =>
    underlay?.mac
      ? undefined
      : { reason: 'NoEthernet', message: `the underlay ${underlay?.name} is no Ethernet device` },
  ({ underlay, observed }) =>
    observed.filters.some(({ device, program }) => device === underlay?.name && program === undefined)
      ? {
          reason: 'FilterConflict',
          message: `tc of ${underlay?.name} has a filter of somebody else at our place; move it to another priority`,
        }
      : undefined,
  ({ mode, observed }) =>
    mode === 'Strict' && observed.firewall.length > 0
      ? {
          reason: 'HostFirewall',
          message: `rules of the host would not see the frames: ${observed.firewall.slice(0, 5).join(', ')}; without them, or with --fast-path=Auto, it is on`,
        }
      : undefined,
]

/** Decides by the first check that objects. */
export const fastPathOf = (input: FastPathInput): FastPath => {
  const underlay = input.observed.interfaces.find(({ name }) => name === input.underlayDevice)
  const subject = { ...input, underlay }
  const objection = checks.map((check) => check(subject)).find((it) => it !== undefined)
  return objection
    ? { isOn: false, ...objection }
    : { isOn: true, reason: 'InUse', message: 'frames pass by the VXLAN device where they can' }
}
