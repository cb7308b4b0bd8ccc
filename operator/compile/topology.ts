// What `compile` makes: the topology of each network in names. Numbers (link ids, labels, tree ids) are given out at publication, where what
// nodes may still hold is known.

import type { NameSet } from './name-set.ts'

/** Bridges from ingress to destination, both included. */
export type Path = readonly string[]

export type TopologyProblem = { reason: string; message: string }

export type Topology = {
  network: string
  vni: number
  device: string
  mtuBytes: number
  /** Bridges whose VMs may attach. */
  access: ReadonlySet<string>
  /** Bridges that carry the network, also those that only pass frames on, by name. */
  members: readonly string[]
  /** Links of the network: the neighbours of each of its bridges. */
  neighbours: ReadonlyMap<string, NameSet>
  /** Paths of two hops or more, by ingress and destination. Every other reachable destination is a neighbour. */
  routes: ReadonlyMap<string, ReadonlyMap<string, Path>>
  /** Branches of the flood tree at each bridge. Undefined: each bridge sends a copy on each of its links. */
  tree: ReadonlyMap<string, ReadonlySet<string>> | undefined
  /** Access bridges in groups that reach each other; more than one group means that the segment is split. */
  components: readonly (readonly string[])[]
  problems: readonly TopologyProblem[]
}

/** How an OverlayLink is used. */
export type LinkUse = { networks: string[]; notIn: { network: string; reason: string }[] }

export type Overlay = {
  topologies: ReadonlyMap<string, Topology>
  links: ReadonlyMap<string, LinkUse>
}

/** Whether a frame from `from` can get to `to`. */
export const isReachable = (topology: Topology, from: string, to: string): boolean =>
  (topology.neighbours.get(from)?.has(to) || topology.routes.get(from)?.has(to)) ?? false

const texts = new WeakMap<Path, string[]>()

const textsOf = (path: Path): string[] => {
  const known = texts.get(path)
  if (known) return known
  const made = path.map((_, at) => path.slice(at).join('>'))
  texts.set(path, made)
  return made
}

/**
 * Text of what remains of a path at its bridge number `at` (0: all of it), as NodeBridge.spec.labels[].path has it. Kept with the path, since every
 * step of publication asks for all of them several times.
 */
export const pathText = (path: Path, at = 0): string => textsOf(path)[at] ?? ''
