import { rmSync } from 'node:fs'
import { addon } from './addon.ts'
import type { BpfProgram } from './bpf-program.ts'

/** Numbers of the hooks in the kernel (`enum bpf_attach_type`). */
const attachTypes = { ingress: 46, egress: 47 } as const
type Direction = keyof typeof attachTypes

/** A program of ours at a device's hook. */
export type TcxLink = { ifindex: number; direction: Direction; programId: number; programName: string }

/**
 * Puts a tc program before all tcx programs of a device (Linux 6.6), by a link that is pinned at `pin` and lives as long as the pin and
 * the device. Failures are Errors with `code`: ENODEV, EINVAL where the kernel has no tcx, EEXIST where something is pinned already.
 */
export const attachTcx = (
  program: BpfProgram,
  { ifindex, direction, pin }: Pick<TcxLink, 'ifindex' | 'direction'> & { pin: string },
) => addon().attachTcx(program.handle, ifindex, attachTypes[direction], pin)

/** Another program in its place, from the next frame on. */
export const updateTcx = (pin: string, program: BpfProgram): void => addon().updateTcx(pin, program.handle)

/** Takes the program off, at once, and the pin with it. */
export const detachTcx = (pin: string): void => {
  addon().detachTcx(pin)
  rmSync(pin)
}

/** The link pinned at `pin`; undefined when its device is gone, or somebody has taken it off. Throws EINVAL where something else is pinned. */
export const readTcxLink = (pin: string): TcxLink | undefined => {
  const { ifindex, attachType, program: programId, name: programName } = addon().tcxLink(pin)
  if (ifindex === 0) return undefined
  return { ifindex, direction: attachType === attachTypes.ingress ? 'ingress' : 'egress', programId, programName }
}

const LOOPBACK_IFINDEX = 1

/** Whether the kernel has tcx, and lets us. (One without it says EINVAL; any other refusal is as good: tc is left.) */
export const hasTcx = (): boolean => {
  try {
    addon().tcxPrograms(LOOPBACK_IFINDEX, attachTypes.ingress)
    return true
  } catch {
    return false
  }
}

/** Ids of all tcx programs of a device, whoever put them there, in the order in which they run; none where the kernel has no tcx. */
export const tcxPrograms = (ifindex: number, direction: Direction): number[] => {
  try {
    return addon().tcxPrograms(ifindex, attachTypes[direction])
  } catch (error) {
    if (['EINVAL', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
