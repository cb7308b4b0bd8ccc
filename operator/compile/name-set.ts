/** What we ask of a set of bridges; a `Set` is one. */
export type NameSet = { has(name: string): boolean; readonly size: number; [Symbol.iterator](): Iterator<string> }

class AllBut implements NameSet {
  readonly #names: ReadonlySet<string>
  readonly #absent: string

  constructor(names: ReadonlySet<string>, absent: string) {
    this.#names = names
    this.#absent = absent
  }

  get size(): number {
    return this.#names.size - 1
  }

  has(name: string): boolean {
    return name !== this.#absent && this.#names.has(name)
  }

  *[Symbol.iterator](): Generator<string, void> {
    for (const name of this.#names) if (name !== this.#absent) yield name
  }
}

/** `names` without one of them, without a copy: the neighbours of a bridge in a mesh of a thousand cost no more than those of another. */
export const allBut = (names: ReadonlySet<string>, absent: string): NameSet => new AllBut(names, absent)
