// The maps of a node's data plane, read as they are pinned.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openMap } from '#daemonset/native/index.ts'
import { type DropReason, dropReasonOf } from '#daemonset/wire/drop-reasons.ts'
import type { MapName } from '#daemonset/wire/map-layouts.ts'
import type { LabNode } from '#test/lab/lab-node.ts'

const pinOf = (node: LabNode, name: MapName): string => {
  const pins = node.file('sys/fs/bpf')
  const found = readdirSync(pins, { recursive: true })
    .map(String)
    .find((path) => path.endsWith(`maps/${name}`))
  if (!found)
    throw new Error(`node ${node.key} has no map ${name}: it has ${readdirSync(pins, { recursive: true }).join(', ')}`)
  return join(pins, found)
}

/** How many entries a map has. */
export const entryCount = (node: LabNode, name: MapName): number => {
  const map = openMap(pinOf(node, name))
  try {
    return [...map.entries()].length
  } finally {
    map.close()
  }
}

/** How many frames the node has dropped for a reason, on all CPUs. */
export const dropCount = (node: LabNode, reason: DropReason): number => {
  const map = openMap(pinOf(node, 'drops'))
  try {
    let total = 0n
    for (const [key, values] of map.entriesPerCpu()) {
      const number = new DataView(key.buffer, key.byteOffset).getUint32(0, true)
      if (dropReasonOf(number) !== reason) continue
      for (const value of values) total += new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)
    }
    return Number(total)
  } finally {
    map.close()
  }
}
