// Room for links on bridges. Networks share them, so what counts is who is a neighbour in any. Most networks are meshes, whose bridges all have the
// same neighbours: these are counted once for all that were in the same meshes, else a thousand bridges would be half a million pairs.
import type { CompileInput } from './input.ts'
import { LIMITS } from './limits.ts'
import type { Shape } from './shape.ts'

type Group = { names: ReadonlySet<string>; grown: Map<Shape, Group> }

const newGroup = (names: ReadonlySet<string>): Group => ({ names, grown: new Map() })

const grow = (group: Group, shape: Shape): Group => {
  const known = group.grown.get(shape) ?? newGroup(new Set([...group.names, ...shape.members]))
  group.grown.set(shape, known)
  return known
}

const meshes = new WeakMap<Shape, boolean>()

const isMesh = (shape: Shape): boolean => {
  const { members, neighbours } = shape
  const known = meshes.get(shape) ?? members.every((bridge) => neighbours.get(bridge)?.size === members.length - 1)
  meshes.set(shape, known)
  return known
}

export type LinkNeed = { bridge: string; taken: number; needed: number }

export class LinkRoom {
  readonly #holdings: CompileInput['holdings']
  readonly #living: ReadonlySet<string>
  readonly #nobody = newGroup(new Set())
  readonly #groups = new Map<string, Group>()
  /** Neighbours in other networks than meshes. */
  readonly #others = new Map<string, ReadonlySet<string>>()
  readonly #known = new Set<Shape>()

  constructor({ holdings, bridges }: CompileInput) {
    this.#holdings = holdings
    this.#living = new Set([...bridges.map(({ bridge }) => bridge), ...holdings.keys()])
  }

  /** What a shape needs where there is no room for it. In steps. */
  *lacks(shape: Shape): Generator<void, LinkNeed[]> {
    const found: LinkNeed[] = []
    if (this.#known.has(shape)) return found
    for (const bridge of shape.members) {
      const { group, others } = this.#with(shape, bridge)
      if (this.#atMost(bridge, group, others) <= LIMITS.links) continue
      const taken = this.#count(bridge, this.#groupOf(bridge), this.#othersOf(bridge))
      const needed = this.#count(bridge, group, others) - taken
      if (needed > 0 && taken + needed > LIMITS.links) found.push({ bridge, taken, needed })
      yield
    }
    return found
  }

  take(shape: Shape): void {
    if (this.#known.has(shape)) return
    for (const bridge of shape.members) {
      const { group, others } = this.#with(shape, bridge)
      this.#groups.set(bridge, group)
      this.#others.set(bridge, others)
    }
    this.#known.add(shape)
  }

  #groupOf(bridge: string): Group {
    return this.#groups.get(bridge) ?? this.#nobody
  }

  #othersOf(bridge: string): ReadonlySet<string> {
    return this.#others.get(bridge) ?? this.#nobody.names
  }

  #with(shape: Shape, bridge: string): { group: Group; others: ReadonlySet<string> } {
    const [group, others] = [this.#groupOf(bridge), this.#othersOf(bridge)]
    if (isMesh(shape)) return { group: grow(group, shape), others }
    return { group, others: new Set([...others, ...(shape.neighbours.get(bridge) ?? [])]) }
  }

  #atMost(bridge: string, { names }: Group, others: ReadonlySet<string>): number {
    return names.size + others.size + (this.#holdings.get(bridge)?.links.size ?? 0)
  }

  /** Published links count until they are gone; those to bridges that are gone go at once. */
  #count(bridge: string, { names }: Group, others: ReadonlySet<string>): number {
    const published = [...(this.#holdings.get(bridge)?.links.keys() ?? [])].filter((name) => this.#living.has(name))
    const apart = new Set([...others, ...published].filter((name) => !names.has(name) && name !== bridge))
    return apart.size + names.size - (names.has(bridge) ? 1 : 0)
  }
}
