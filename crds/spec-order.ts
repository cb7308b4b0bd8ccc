import type { NodeBridgeSpec } from './node-bridge.ts'

type Numbered = Pick<NodeBridgeSpec, 'overlayUID' | 'nodeUID' | 'epoch' | 'serial'>

/**
 * Whether `next` was written before `known`: both are for one machine of one overlay, and its epoch, or within that its serial, is lower. Such a
 * spec is replayed, or comes from a hub that was restored, and names numbers that mean something else by now. A spec without a serial, of a hub
 * that has not written yet, is older than any other.
 */
export const isOlderSpec = (next: Numbered, known: Numbered | undefined): boolean => {
  if (known?.serial === undefined) return false
  if (next.serial === undefined) return true
  if (next.overlayUID !== known.overlayUID || next.nodeUID !== known.nodeUID) return false
  const [epoch, before] = [next.epoch ?? 0, known.epoch ?? 0]
  return epoch < before || (epoch === before && next.serial < known.serial)
}

/** `serial 4 of epoch 2`. */
export const specNumber = ({ serial, epoch = 0 }: Numbered): string => `serial ${serial ?? 'none'} of epoch ${epoch}`
