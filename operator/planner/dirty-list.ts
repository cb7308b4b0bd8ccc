/** A set of small integers that is filled often and emptied at once; much cheaper than `Set` for that. */
export class DirtyList {
  private readonly marked: Uint8Array
  private readonly ids: Int32Array
  size = 0

  constructor(capacity: number) {
    this.marked = new Uint8Array(capacity)
    this.ids = new Int32Array(capacity)
  }

  add(id: number): void {
    if (this.marked[id] === 1) return
    this.marked[id] = 1
    this.ids[this.size++] = id
  }

  /** The members, in the order in which they were added; valid until the next change. */
  members(): Int32Array {
    return this.ids.subarray(0, this.size)
  }

  clear(): void {
    for (let i = 0; i < this.size; i++) this.marked[this.ids[i]!] = 0
    this.size = 0
  }
}
