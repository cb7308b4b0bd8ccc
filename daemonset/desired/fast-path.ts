import type { Interface, ObservedState } from './observed-state.ts'

/** What the administrator wants: `Strict` gives up the fast path where a rule of the host's firewall would not see its frames. */
export const FAST_PATH_MODES = ['Auto', 'Strict', 'Disabled'] as const
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

const MAX_NAMED = 5
const listed = (names: readonly string[]): string =>
  [...names.slice(0, MAX_NAMED), ...(names.length > MAX_NAMED ? [`and ${names.length - MAX_NAMED} more`] : [])].join(
    ', ',
  )

const checks: readonly Check[] = [
  ({ mode }) =>
    mode === 'Disabled'
      ? { reason: 'SwitchedOff', message: 'agent.fastPath is Disabled; set it to Auto to switch it on' }
      : undefined,
  ({ underlay }) =>
    underlay
      ? undefined
      : {
          reason: 'NoUnderlay',
          message: 'the interface towards the other nodes is not known: give the node an address that an interface has',
        },
  // The outer header begins with an Ethernet header; WireGuard and other tunnels have none.
  ({ underlay }) =>
    underlay?.mac
      ? undefined
      : {
          reason: 'NoEthernet',
          message: `the underlay ${underlay?.name} is no Ethernet device, whose header the fast path writes: every frame takes the slow path`,
        },
  ({ underlay, observed }) =>
    observed.filters.some(({ device, program }) => device === underlay?.name && program === undefined)
      ? {
          reason: 'FilterConflict',
          message: `tc of ${underlay?.name} has a filter of somebody else at our place; move it to another priority`,
        }
      : undefined,
  ({ underlay, observed }) =>
    (['underlay_entry', 'underlay_egress'] as const).every((program) =>
      observed.filters.some((filter) => filter.device === underlay?.name && filter.program === program),
    )
      ? undefined
      : {
          reason: 'NotAttached',
          message: `the programs at ${underlay?.name} are not, or not all, in place: status.problems says why`,
        },
  // What is not known may be a rule: strict is strict.
  ({ mode, observed: { firewall } }) =>
    mode === 'Strict' && firewall.unreadable !== undefined
      ? {
          reason: 'HostFirewallUnknown',
          message: `the host's firewall cannot be read (${firewall.unreadable}): install nft on the node, or set agent.fastPath to Auto`,
        }
      : undefined,
  ({ mode, observed: { firewall } }) =>
    mode === 'Strict' && firewall.rules.length > 0
      ? {
          reason: 'HostFirewall',
          message: `rules of the host would not see the frames: ${listed(firewall.rules)}; remove them from the node, or set agent.fastPath to Auto if they need not see datagrams between nodes`,
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
