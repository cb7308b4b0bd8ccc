import type { Filter } from '../desired/observed-state.ts'
import type { Placed } from '../desired/operation.ts'
import { KernelError, runCommand } from './command.ts'
import { isPortTaken, portTaken } from './tunnel-device.ts'

// Devices of ours are up only with our programs: what leaves a bridge or the tunnel without one enters the host's own IP stack.

/** Raises the device, if the programs are attached to it at this moment. `filters`: what is attached now, on any device. */
export const raiseDevice = async (
  device: string,
  programs: readonly Placed[],
  filters: readonly Filter[],
): Promise<void> => {
  const isAttached = (wanted: Placed): boolean =>
    filters.some((it) => it.device === device && it.direction === wanted.direction && it.program === wanted.program)
  const missing = programs.find((wanted) => !isAttached(wanted))
  if (missing)
    throw new KernelError(`raising ${device}`, `${missing.program} is not at its ${missing.direction}`, {
      reason: 'NotGuarded',
      hint: 'it stays down until the program is there',
    })
  try {
    await runCommand(['ip', 'link', 'set', 'dev', device, 'up'])
  } catch (error) {
    throw isPortTaken(error) ? portTaken(`the UDP port of ${device}`, error) : error
  }
}

/** Sets the device down; that it is gone is as good. */
export const lowerDevice = async (device: string): Promise<void> => {
  const { code, stderr } = await runCommand(['ip', 'link', 'set', 'dev', device, 'down'], { tolerant: true })
  if (code !== 0 && !stderr.includes('Cannot find device'))
    throw new KernelError(`setting ${device} down`, stderr.trim() || `ip ended with ${code}`)
}
